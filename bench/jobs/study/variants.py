"""Which benchmarks can be compiled, found out by trying: the table behind `--variant cython`.

Each benchmark that the suite has is run once under a profile, to see whether its time goes into its
own Python at all; then its script is compiled, and must answer as it did. What came of it is
written into docs/variants-*.md, and the reasons of those that cannot into
bench/data/variants-*.toml, where an experiment finds them.
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
from bench.run import Fitting, Ready
from bench.run import base as interpreters
from builder.files import guard_writes, write_atomically
from builder.process import last_lines

_SECONDS = 900.0
_FULL = ("full",)


@dataclass(frozen=True, kw_only=True)
class VariantsRequest:
    """`base` and `source` as `interpreters.base_build`; `words` choose benchmarks, () all."""

    base: str = ""
    source: str = ""
    words: tuple[str, ...] = ()
    wheels: str = ""


def study(context: Context, request: VariantsRequest, *, out: Path | None) -> int:
    """Try the benchmarks and write what came of it; those tried before and not now are kept.

    Raises errors of the family when there is no interpreter or nothing can be written.
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
        known = {**read(file), one.benchmark: one}
        found = [known[name] for name in sorted(known)]
        with guard_writes(file):
            self.docs.mkdir(parents=True, exist_ok=True)
            self.data.mkdir(parents=True, exist_ok=True)
            write_atomically(file, as_toml(found))
            write_atomically(self.page, as_page(found, self.release))
        return scripts_that_can(found)


def _all(context: Context, ready: Ready, request: VariantsRequest) -> Iterator[Tried]:
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
        return tried if isinstance(found, RunnableArm) else replace(tried, reason=found)

    def _profiled(self, benchmark: Benchmark, arm: RunnableArm, script: str) -> Tried:
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
        return judged(tried, spent)


def _last(text: str) -> str:
    lines: Sequence[str] = [line for line in text.splitlines() if line.strip()]
    return packages.anonymous(f"it ends with: {lines[-1].strip()}") if lines else ""


# Less of its time in its own Python, and compiling that shows nothing of the benchmark.
LEAST_OWN = 0.1
_MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A benchmark that was tried. `own` is the share of its time in its own Python, `called` that
    in C which this calls; both without a profile -1. `reason`: why it cannot be compiled, or "".
    """

    benchmark: str
    script: str
    own: float = -1.0
    called: float = -1.0
    reason: str = ""


def judged(tried: Tried, spent: Mapping[str, Any]) -> Tried:
    """What a profile says of a benchmark (see inside/answers.py)."""
    rest: Mapping[str, float] = spent["rest"]
    total = spent["own"] + spent["called"] + sum(rest.values())
    if total <= 0:
        return replace(tried, reason="it spends no time that a profile sees")
    own, called = spent["own"] / total, spent["called"] / total
    found = replace(tried, own=round(own, 3), called=round(called, 3))
    if own >= LEAST_OWN:
        return found
    elsewhere = sorted(rest, key=lambda name: -rest[name])[:_MOST_NAMED]
    if called > sum(rest.values()) / total:
        where = f"{called:.0%} in C that this calls"
    else:
        where = f"the rest in {', '.join(name.strip('<>') for name in elsewhere)}"
    return replace(found, reason=f"{own:.0%} of its time is in its own Python, {where}")


def scripts_that_can(tried: Sequence[Tried]) -> tuple[str, ...]:
    """The scripts of which at least one benchmark can be compiled."""
    return tuple(dict.fromkeys(one.script for one in tried if not one.reason))


def edition(benchmarks: Sequence[Benchmark]) -> str:
    """The release that the benchmarks are of, as variants-*.toml is named after it."""
    return benchmarks[0].folder.partition("/")[0]


def read(file: Path) -> dict[str, Tried]:
    """What was tried before, by benchmark."""
    if not file.exists():
        return {}
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    reasons = tables["cannot"]
    return {
        name: Tried(benchmark=name, reason=reasons.get(name, ""), **one)
        for name, one in tables["tried"].items()
    }


def as_toml(tried: Sequence[Tried]) -> str:
    """The data that experiments read: `cannot` with reasons, `tried` with what was seen."""
    lines = ["# Written by `patchbench study variants`: see docs/ladder.md.", "", "[cannot]"]
    lines += [f"{_key(one)} = {_text(one.reason)}" for one in tried if one.reason]
    lines += ["", "[tried]"]
    for one in tried:
        lines.append(
            f"{_key(one)} = {{ script = {_text(one.script)}, own = {one.own}, "
            f"called = {one.called} }}"
        )
    return "\n".join(lines) + "\n"


def _key(one: Tried) -> str:
    return _text(one.benchmark)


def _text(text: str) -> str:
    """A TOML string: those of JSON are."""
    return json.dumps(" ".join(text.split()))


def as_page(tried: Sequence[Tried], release: str) -> str:
    """docs/variants-*.md."""
    fit = scripts_that_can(tried)
    lines = [
        "# Which benchmarks can be compiled",
        "",
        f"Written by `patchbench study variants`, by trying each benchmark of {release}: it runs",
        "once under a profile; where a tenth of its time or more is in its own Python, its script",
        "is compiled unchanged with Cython, and its functions must return what they returned.",
        "",
        f"{len(fit)} scripts of {len({one.script for one in tried})} can be compiled.",
        "",
        "| benchmark | own Python | C that it calls | `--variant cython` |",
        "| --- | ---: | ---: | --- |",
    ]
    for one in tried:
        told = one.reason.replace("|", "\\|") if one.reason else "yes"
        lines.append(f"| {one.benchmark} | {_share(one.own)} | {_share(one.called)} | {told} |")
    return "\n".join(lines) + "\n"


def _share(share: float) -> str:
    return "" if share < 0 else f"{share:.0%}"
