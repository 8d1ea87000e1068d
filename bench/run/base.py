"""One interpreter to measure with: a stored build or one made now, its environment, its benchmarks.

For jobs that need a base and no candidate. What an experiment needs beyond this is in jobs/run.py.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.benchmarks import (
    Benchmark,
    Environment,
    Environments,
    Interpreter,
    PackageSource,
    Suite,
    suites,
)
from bench.context import Context
from bench.experiments import ArmRequest as Asked
from bench.experiments import Experiment, load
from bench.measure import PROBE, Rig, RunnableArm, arm_of
from bench.run.arms import builder
from bench.run.resolve import resolve
from builder.builds import Build
from builder.errors import MeasureError
from builder.files import hold_lock
from builder.process import Command, clean_environment
from builder.sources import SourceSpec, parse
from builder.versions import numbers

QUICKSTART = "experiments/quickstart.toml"


@dataclass(frozen=True, kw_only=True)
class Ready:
    """An interpreter and the benchmarks that it can run, and why it cannot run others."""

    build: Build
    environment: Environment
    suite: Suite
    benchmarks: tuple[Benchmark, ...]
    missing: dict[str, str]

    def arm(self, benchmark: Benchmark) -> RunnableArm:
        """The base's arm for a benchmark."""
        return arm_of(self.environment, benchmark, name="base")


@contextlib.contextmanager
def base_build(context: Context, revision: str, source: str) -> Iterator[Build]:
    """The build to measure with, kept from being removed meanwhile.

    `revision`: of `source` (the default one if empty), built plain if it is not stored; or the key
    of a stored build. Empty: the stored build that was used last, else the quickstart's base.
    Raises errors of the family.
    """
    context.home.prepare()
    build = _stored(context, revision) if not source else None
    if build is None:
        build = _made(context, revision, source)
    with hold_lock(context.home.lock(f"build-{build.key}"), shared=True):
        yield build


def _stored(context: Context, key: str) -> Build | None:
    if key:
        return context.store.find(key) if key in context.store.names() else None
    return next(iter(context.store.all()), None)


def _made(context: Context, revision: str, source: str) -> Build:
    quickstart = load(context.project / QUICKSTART).base
    spec: SourceSpec | None = parse(source) if source else None
    asked = Asked(
        name="base",
        revision=revision or quickstart.revision,
        source=spec,
        flavor=quickstart.flavor,
    )
    resolved = resolve(context, Experiment(name="base", base=asked, candidates=()))
    build, _new = builder(context).provide(resolved.plan.base.recipe, resolved.repositories["base"])
    return build


def prepare(
    context: Context,
    build: Build,
    words: Sequence[str],
    *,
    wheels: str = "",
    more: Sequence[Benchmark] = (),
) -> Ready:
    """The build's environment with the benchmarks that `words` name (suites.select) and `more`.

    Raises MeasureError when none can be installed, and errors of the family for words and packages.
    """
    version = numbers(build.facts.version)
    suite = suites.load(version, words, home=context.home)
    selection = suites.select(suite, words)
    source = PackageSource(
        environment=context.pip_environment, wheels=Path(wheels) if wheels else None
    )
    environments = Environments(context.home, context.runner, source, context.show.say)
    environment = environments.provide(
        Interpreter(identity=build.key, python=build.python, version=version)
    )
    missing = {one.benchmark: one.reason for one in selection.missing}
    ready = []
    wanted = (*selection.benchmarks, *more)
    with context.show.bar("installing", len(wanted)) as bar:
        for benchmark in wanted:
            lacking = environments.add(suite, environment, benchmark)
            if lacking is None:
                ready.append(benchmark)
            else:
                missing[lacking.benchmark] = lacking.reason
            bar.advance(note=benchmark.name)
    if not set(ready) & set(selection.benchmarks):
        raise MeasureError(
            "No benchmark can be measured.",
            where="\n".join(f"{name}: {reason}" for name, reason in missing.items()),
            hint="Choose other benchmarks, or mend what the reasons say.",
        )
    return Ready(
        build=build,
        environment=environment,
        suite=suite,
        benchmarks=tuple(ready),
        missing=missing,
    )


def hold_host(context: Context) -> contextlib.AbstractContextManager[int]:
    """The whole host, for measuring: builds and other runs wait, and say so."""
    return hold_lock(
        context.home.host_lock,
        on_wait=lambda _path: context.show.say(
            "Another run measures or builds on this host; waiting for it."
        ),
    )


@contextlib.contextmanager
def measuring(context: Context, *, timeout: float, host: str) -> Iterator[Rig]:
    """The whole host and what to measure with, in a scratch folder that is removed afterwards."""
    with hold_host(context), tempfile.TemporaryDirectory(prefix="pb-") as scratch:
        yield rig(context, Path(scratch), timeout=timeout, host=host)


def places(context: Context, results: Path) -> dict[Path, str]:
    """Folders of this machine and the names that stand for them in what is published."""
    return {
        context.home.root: "HOME",
        context.project: "PATCHBENCH",
        results.absolute(): "RESULTS",
        Path(sys.prefix): "VENV",
        Path.home(): "~",
    }


def rig(context: Context, scratch: Path, *, timeout: float, host: str) -> Rig:
    """What a job measures with: the last usable core, since interrupts and the harness itself
    prefer the first; no core where there is no other.
    """
    usable = sorted(os.sched_getaffinity(0))
    return Rig(
        runner=context.runner,
        scratch=scratch,
        core=usable[-1] if len(usable) > 1 else None,
        timeout=timeout,
        draws_addresses=_may_draw_addresses(context),
        host=host,
    )


def _may_draw_addresses(context: Context) -> bool:
    """Whether a process may be told where its memory lies; some containers forbid it."""
    return context.runner.run(probe(), timeout=10).ok


def probe() -> Command:
    """The command that fails where nobody may draw addresses."""
    return Command(argv=PROBE, env=clean_environment())
