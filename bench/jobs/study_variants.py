"""Which benchmarks can be compiled, found out by trying: the table behind `--variant cython`.

Each benchmark that the suite has is run once under a profile, to see whether its time goes into its
own Python at all; then its script is compiled, and must answer as it did. What came of it is
written into docs/variants-*.md, and the reasons of those that cannot into
bench/data/variants-*.toml, where an experiment finds them.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench import packages
from bench.jobs import interpreters
from bench.jobs.context import Context
from bench.jobs.fitting import Fitting
from bench.jobs.interpreters import Ready
from bench.packages import PackageSource
from bench.plan import PlannedArm
from bench.studies import compilable
from bench.studies.compilable import Tried
from bench.suites import Benchmark
from bench.trials import Arm, Worker, answering_command
from bench.variants import CYTHON
from builder.process import last_lines
from builder.store import guard_writes, write_atomically

_SECONDS = 900.0
_FULL = ("full",)


@dataclass(frozen=True, kw_only=True)
class Request:
    """`base` and `source` as `interpreters.base_build`; `words` choose benchmarks, () all."""

    base: str = ""
    source: str = ""
    words: tuple[str, ...] = ()
    wheels: str = ""


def study(context: Context, request: Request, *, out: Path | None) -> int:
    """Try the benchmarks and write what came of it; those tried before and not now are kept.

    Raises errors of the family when there is no interpreter or nothing can be written.
    """
    with interpreters.base_build(context, request.base, request.source) as build:
        words = request.words or _FULL
        ready = interpreters.prepare(context, build, words, wheels=request.wheels)
        table = _Table(
            docs=out or context.project / "docs",
            data=out or context.project / "bench" / "data",
            edition=compilable.edition(ready.benchmarks),
            release=ready.suite.release,
        )
        # One by one: what was found so far is kept when it is stopped.
        for one in _all(context, ready, request):
            fit = table.add(one)
    context.show.say(f"{len(fit)} scripts can be compiled; written: {table.page}")
    return 0


@dataclass(frozen=True, kw_only=True)
class _Table:
    """The two files."""

    docs: Path
    data: Path
    edition: str
    release: str

    @property
    def page(self) -> Path:
        """The one for people."""
        return self.docs / f"variants-{self.edition}.md"

    def add(self, one: Tried) -> tuple[str, ...]:
        """Write what was found of a benchmark beside what is there; the scripts that can."""
        file = self.data / f"variants-{self.edition}.toml"
        known = {**compilable.read(file), one.benchmark: one}
        found = [known[name] for name in sorted(known)]
        with guard_writes(file):
            self.docs.mkdir(parents=True, exist_ok=True)
            self.data.mkdir(parents=True, exist_ok=True)
            write_atomically(file, compilable.as_toml(found))
            write_atomically(self.page, compilable.as_page(found, self.release))
        return compilable.scripts_that_can(found)


def _all(context: Context, ready: Ready, request: Request) -> Iterator[Tried]:
    for name, reason in ready.missing.items():
        yield Tried(benchmark=name, script=name, reason=reason)
    source = PackageSource(
        environment=context.pip_environment,
        wheels=Path(request.wheels) if request.wheels else None,
    )
    trial = _Trial(context=context, ready=ready, fitting=Fitting(context, source))
    with context.show.bar("trying", len(ready.benchmarks)) as bar:
        for benchmark in ready.benchmarks:
            yield trial.of(benchmark)
            bar.advance(note=benchmark.name)


@dataclass(frozen=True, kw_only=True)
class _Trial:
    context: Context
    ready: Ready
    fitting: Fitting

    def of(self, benchmark: Benchmark) -> Tried:
        """A benchmark profiled, and compiled where that is worth it."""
        arm = self.ready.arm(benchmark)
        script = Path(benchmark.script).parent.name
        if script == "benchmarks":
            script = Path(benchmark.script).stem
        tried = self._profiled(benchmark, arm, script)
        if tried.reason:
            return tried
        planned = PlannedArm(name="cython", variant=CYTHON)
        found = self.fitting.arm(planned, self.ready.environment, benchmark, 0, known=False)
        return tried if isinstance(found, Arm) else replace(tried, reason=found)

    def _profiled(self, benchmark: Benchmark, arm: Arm, script: str) -> Tried:
        with tempfile.TemporaryDirectory(prefix="pb-") as scratch:
            folder = Path(scratch)
            profile = folder / "profile.json"
            worker = Worker(scratch=folder, hash_seed=1)
            command = answering_command(benchmark, arm, worker, folder / "answers.json")
            command = replace(command, env={**command.env, "PATCHBENCH_PROFILE": str(profile)})
            done = self.context.runner.run(command, timeout=_SECONDS)
            tried = Tried(benchmark=benchmark.name, script=script)
            if not profile.exists():
                said = _last(last_lines(done.output)) if not done.ok else ""
                reason = said or "it calls no function of its own: it times commands or statements"
                return replace(tried, reason=reason)
            spent = json.loads(profile.read_text(encoding="utf-8"))
        return compilable.judged(tried, spent)


def _last(text: str) -> str:
    lines: Sequence[str] = [line for line in text.splitlines() if line.strip()]
    return packages.anonymous(f"it ends with: {lines[-1].strip()}") if lines else ""
