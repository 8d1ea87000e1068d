"""Record many processes of one binary, one after the other, with pyperf's own runner."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.benchmarks import Benchmark
from bench.context import Context
from bench.run import Ready
from bench.run import base as interpreters
from bench.validation import recordings
from builder.errors import MeasureError
from builder.files import guard_writes
from builder.process import Command, clean_environment, last_lines

# As in pyperf's --fast: values of that length, and that few.
_OPTIONS = ("--values=3", "--warmups=1", "--min-time=0.1")
_SECONDS = 1800.0


# They spend their time in the interpreter, need no packages, and a value takes 2 ms to 0.2 s.
BENCHMARKS = (
    "chaos", "comprehensions", "deltablue", "float", "generators", "go", "hexiom", "json_dumps",
    "nbody", "nqueens", "pickle_pure_python", "raytrace", "regex_effbot", "richards",
    "spectral_norm", "unpack_sequence",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RecordingRequest:
    """What to record; `base` and `source` are as in `bench.run.base.base_build`."""

    out: Path
    base: str = ""
    source: str = ""
    words: tuple[str, ...] = ()
    processes: int = 40
    wheels: str = ""


def record(context: Context, request: RecordingRequest) -> int:
    """Record and write the file; benchmarks of a stopped recording are not recorded again.

    Raises MeasureError when a benchmark fails.
    """
    with interpreters.base_build(context, request.base, request.source) as build:
        ready = interpreters.prepare(
            context, build, request.words or BENCHMARKS, wheels=request.wheels
        )
        _write(request.out, _all(context, ready, request.processes))
    recorded = recordings.read(request.out)
    context.show.say(
        f"{request.out}: {len(recorded)} benchmarks of {request.processes} processes, "
        f"{request.out.stat().st_size / 1e3:.0f} kB"
    )
    return 0


def _all(context: Context, ready: Ready, processes: int) -> list[Mapping[str, Any]]:
    kept = context.home.root / "studies" / f"recording-{ready.build.key}-{processes}"
    results: list[Mapping[str, Any]] = []
    with (
        guard_writes(kept),
        interpreters.hold_host(context),
        context.show.bar("recording", len(ready.benchmarks)) as bar,
    ):
        kept.mkdir(parents=True, exist_ok=True)
        for benchmark in ready.benchmarks:
            results.append(_recorded(context, ready, benchmark, processes, kept))
            bar.advance(note=benchmark.name)
    return results


def _write(out: Path, results: Sequence[Mapping[str, Any]]) -> None:
    with guard_writes(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(recordings.pack(recordings.joined(results)))


def command(ready: Ready, benchmark: Benchmark, processes: int, output: Path) -> Command:
    """The command that runs one script with pyperf's own runner. Pure."""
    environment = ready.environment
    path = ":".join(str(folder) for folder in environment.pythonpath(benchmark))
    return Command(
        argv=(
            str(environment.python),
            str(environment.scripts / benchmark.script),
            *benchmark.options,
            f"--processes={processes}",
            *_OPTIONS,
            "--inherit-environ=PYTHONPATH,HOME",
            f"--output={output}",
        ),
        cwd=output.parent,
        env=clean_environment(PYTHONPATH=path, HOME=str(output.parent), PYTHONNOUSERSITE="1"),
    )


def _recorded(
    context: Context, ready: Ready, benchmark: Benchmark, processes: int, kept: Path
) -> dict[str, Any]:
    path = kept / f"{benchmark.name}.json"
    if not path.exists():
        partial = kept / f".{benchmark.name}.half"
        partial.unlink(missing_ok=True)  # pyperf refuses to overwrite a file
        completed = context.runner.run(
            command(ready, benchmark, processes, partial), timeout=_SECONDS
        )
        if not completed.ok:
            raise MeasureError(
                f"{benchmark.name} {completed.how()}.",
                where=last_lines(completed.output),
                hint="Choose the other benchmarks with --benchmarks.",
            )
        partial.rename(path)
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return result
