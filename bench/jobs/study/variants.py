"""Try which benchmarks can be compiled, and write the table that `--variant cython` uses.

Each benchmark of the suite runs once under a profile, which shows whether its time is spent in its
own Python at all. Then its script is compiled, and its functions must return the same answers. The
outcome is written to docs/variants-*.md, and the reasons of those that cannot be compiled to
bench/data/variants-*.toml, which experiments read.
"""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.benchmarks import CYTHON, Benchmark, PackageSource, packages
from bench.context import Context, own_folder
from bench.experiments import PlannedArm
from bench.measure import RunnableArm, Worker, answering_command
from bench.planning import Fitting
from bench.run import Ready
from bench.run import base as interpreters
from builder.files import guard_writes, write_atomically
from builder.process import last_lines

_SECONDS = 900.0
_FULL = ("full",)


@dataclass(frozen=True, kw_only=True)
class VariantsRequest:
    """The options of the study. `words` choose benchmarks; () stands for all.

    `base` and `source` are as in `bench.run.base.base_build`.
    """

    base: str = ""
    source: str = ""
    words: tuple[str, ...] = ()
    wheels: str = ""


def study(context: Context, request: VariantsRequest, *, out: Path | None) -> int:
    """Try the benchmarks and write the outcome; benchmarks not tried keep their earlier one.

    Raises PatchbenchError when there is no interpreter or nothing can be written.
    """
    docs = out or own_folder(context.project, "docs")
    data = out or own_folder(context.project, "bench/data")
    with interpreters.base_build(context, request.base, request.source) as build:
        words = request.words or _FULL
        ready = interpreters.prepare(context, build, words, wheels=request.wheels)
        table = _Table(
            docs=docs,
            data=data,
            edition=edition(ready.benchmarks),
            release=ready.suite.release,
        )
        # Written after each benchmark, so that a stopped study keeps its outcomes.
        for attempt in _all(context, ready, request):
            compilable = table.add(attempt)
    context.show.say(f"{len(compilable)} scripts can be compiled; written: {table.page}")
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
        """The page for readers."""
        return self.docs / f"variants-{self.edition}.md"

    def add(self, attempt: CompileAttempt) -> tuple[str, ...]:
        """Add the outcome of a benchmark to the files; return the scripts that can be compiled."""
        file = self.data / f"variants-{self.edition}.toml"
        by_name = {**read(file), attempt.benchmark: attempt}
        attempts = [by_name[name] for name in sorted(by_name)]
        with guard_writes(file):
            self.docs.mkdir(parents=True, exist_ok=True)
            self.data.mkdir(parents=True, exist_ok=True)
            write_atomically(file, as_toml(attempts))
            write_atomically(self.page, as_page(attempts, self.release))
        return compilable_scripts(attempts)


def _all(context: Context, ready: Ready, request: VariantsRequest) -> Iterator[CompileAttempt]:
    for name, reason in ready.missing.items():
        yield CompileAttempt(benchmark=name, script=name, reason=reason)
    source = PackageSource(
        environment=context.pip_environment,
        wheels=Path(request.wheels) if request.wheels else None,
    )
    compiler = _TrialCompiler(context=context, ready=ready, fitting=Fitting(context, source))
    with context.show.bar("trying", len(ready.benchmarks)) as bar:
        for benchmark in ready.benchmarks:
            yield compiler.attempt(benchmark)
            bar.advance(note=benchmark.name)


@dataclass(frozen=True, kw_only=True)
class _TrialCompiler:
    """Profiles benchmarks and compiles them."""

    context: Context
    ready: Ready
    fitting: Fitting

    def attempt(self, benchmark: Benchmark) -> CompileAttempt:
        """Profile a benchmark, and compile it if enough of its time is in its own Python."""
        arm = self.ready.arm(benchmark)
        script = Path(benchmark.script).parent.name
        if script == "benchmarks":
            script = Path(benchmark.script).stem
        tried = self._profiled(benchmark, arm, script)
        if tried.reason:
            return tried
        planned = PlannedArm(name="cython", variant=CYTHON)
        compiled = self.fitting.arm(planned, self.ready.environment, benchmark, 0, known=False)
        return tried if isinstance(compiled, RunnableArm) else replace(tried, reason=compiled)

    def _profiled(self, benchmark: Benchmark, arm: RunnableArm, script: str) -> CompileAttempt:
        with tempfile.TemporaryDirectory(prefix="pb-") as scratch:
            folder = Path(scratch)
            profile = folder / "profile.json"
            worker = Worker(scratch=folder, hash_seed=1)
            command = answering_command(benchmark, arm, worker, folder / "answers.json")
            command = replace(command, env={**command.env, "PATCHBENCH_PROFILE": str(profile)})
            completed = self.context.runner.run(command, timeout=_SECONDS)
            tried = CompileAttempt(benchmark=benchmark.name, script=script)
            if not profile.exists():
                failure = "" if completed.ok else _last(last_lines(completed.output))
                reason = (
                    failure or "it calls no function of its own: it times commands or statements"
                )
                return replace(tried, reason=reason)
            spent = json.loads(profile.read_text(encoding="utf-8"))
        return with_shares(tried, spent)


def _last(text: str) -> str:
    lines: Sequence[str] = [line for line in text.splitlines() if line.strip()]
    return packages.anonymous(f"it ends with: {lines[-1].strip()}") if lines else ""


# With a smaller share of the time in own Python, compiling would not change the benchmark.
LEAST_OWN = 0.1
_MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class CompileAttempt:
    """The outcome of one benchmark.

    `own` is the share of its time in its own Python, `called` the share in C that this calls; both
    are -1 without a profile. `reason` is why it cannot be compiled, or "".
    """

    benchmark: str
    script: str
    own: float = -1.0
    called: float = -1.0
    reason: str = ""


def with_shares(tried: CompileAttempt, spent: Mapping[str, Any]) -> CompileAttempt:
    """The outcome with the shares of a profile (see inside/answers.py), and the reason, if any."""
    rest: Mapping[str, float] = spent["rest"]
    total = spent["own"] + spent["called"] + sum(rest.values())
    if total <= 0:
        return replace(tried, reason="it spends no time that a profile sees")
    own, called = spent["own"] / total, spent["called"] / total
    shares = replace(tried, own=round(own, 3), called=round(called, 3))
    if own >= LEAST_OWN:
        return shares
    elsewhere = sorted(rest, key=lambda name: -rest[name])[:_MOST_NAMED]
    if called > sum(rest.values()) / total:
        where = f"{called:.0%} in C that this calls"
    else:
        where = f"the rest in {', '.join(name.strip('<>') for name in elsewhere)}"
    return replace(shares, reason=f"{own:.0%} of its time is in its own Python, {where}")


def compilable_scripts(tried: Sequence[CompileAttempt]) -> tuple[str, ...]:
    """The scripts of which at least one benchmark can be compiled."""
    return tuple(dict.fromkeys(row.script for row in tried if not row.reason))


def edition(benchmarks: Sequence[Benchmark]) -> str:
    """The release of the benchmarks, as in the names of variants-*.toml."""
    return benchmarks[0].folder.partition("/")[0]


def read(file: Path) -> dict[str, CompileAttempt]:
    """The earlier outcomes, by benchmark."""
    if not file.exists():
        return {}
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    reasons = tables["cannot"]
    return {
        name: CompileAttempt(benchmark=name, reason=reasons.get(name, ""), **row)
        for name, row in tables["tried"].items()
    }


def as_toml(tried: Sequence[CompileAttempt]) -> str:
    """The data that experiments read: `cannot` has the reasons, `tried` the profiles."""
    lines = ["# Written by `patchbench study variants`: see docs/ladder.md.", "", "[cannot]"]
    lines += [f"{_key(row)} = {_text(row.reason)}" for row in tried if row.reason]
    lines += ["", "[tried]"]
    for row in tried:
        lines.append(
            f"{_key(row)} = {{ script = {_text(row.script)}, own = {row.own}, "
            f"called = {row.called} }}"
        )
    return "\n".join(lines) + "\n"


def _key(row: CompileAttempt) -> str:
    return _text(row.benchmark)


def _text(text: str) -> str:
    """A TOML string; JSON strings are valid ones."""
    return json.dumps(" ".join(text.split()))


def as_page(tried: Sequence[CompileAttempt], release: str) -> str:
    """The text of docs/variants-*.md."""
    compilable = compilable_scripts(tried)
    lines = [
        "# Which benchmarks can be compiled",
        "",
        f"Written by `patchbench study variants`, by trying each benchmark of {release}: it runs",
        "once under a profile; where a tenth of its time or more is in its own Python, its script",
        "is compiled unchanged with Cython, and its functions must return what they returned.",
        "",
        f"{len(compilable)} scripts of {len({row.script for row in tried})} can be compiled.",
        "",
        "| benchmark | own Python | C that it calls | `--variant cython` |",
        "| --- | ---: | ---: | --- |",
    ]
    for row in tried:
        answer = row.reason.replace("|", "\\|") if row.reason else "yes"
        lines.append(f"| {row.benchmark} | {_share(row.own)} | {_share(row.called)} | {answer} |")
    return "\n".join(lines) + "\n"


def _share(share: float) -> str:
    return "" if share < 0 else f"{share:.0%}"
