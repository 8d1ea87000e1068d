"""A single interpreter to measure with: a stored or new build, its environment, its benchmarks.

For jobs that need a base and no candidate; experiments are in bench/run/run.py.
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
from bench.experiments import ArmRequest, Experiment, load
from bench.measure import PROBE, Rig, RunnableArm, arm_of
from bench.planning import resolve
from bench.run.arms import builder
from builder.builds import Build
from builder.errors import MeasureError
from builder.locks import LockOrder
from builder.process import Command, clean_environment
from builder.sources import SourceSpec, parse
from builder.versions import numbers

QUICKSTART = "experiments/quickstart.toml"


@dataclass(frozen=True, kw_only=True)
class Ready:
    """An interpreter with the benchmarks that it can run; `missing`: others, with reasons."""

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
    """The build to measure with, locked against removal inside the context.

    `revision`: a revision of `source` (the default source if empty), built plain if it is not
    stored; or the key of a stored build. Empty: the stored build that was used last, else the base
    of the quickstart experiment. Raises subclasses of PatchbenchError.
    """
    context.home.prepare()
    build = _stored(context, revision) if not source else None
    if build is None:
        build = _made(context, revision, source)
    with context.store.in_use(build.key):
        yield build


def _stored(context: Context, key: str) -> Build | None:
    if key:
        return context.store.find(key) if key in context.store.names() else None
    return next(iter(context.store.all()), None)


def _made(context: Context, revision: str, source: str) -> Build:
    quickstart = load(context.project / QUICKSTART).base
    spec: SourceSpec | None = parse(source) if source else None
    request = ArmRequest(
        name="base",
        revision=revision or quickstart.revision,
        source=spec,
        flavor=quickstart.flavor,
    )
    resolved = resolve(
        context, Experiment(name="base", base=request, candidates=()), measures=False
    )
    for remark in resolved.remarks:
        context.show.say(remark)
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
    """The build's environment with the benchmarks that `words` select (suites.select) and `more`.

    Raises MeasureError when none can be installed, and other subclasses of PatchbenchError for
    unknown words and for packages that cannot be fetched.
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
    missing = {entry.benchmark: entry.reason for entry in selection.missing}
    ready = []
    requested = (*selection.benchmarks, *more)
    with context.show.bar("installing", len(requested)) as bar:
        for benchmark in requested:
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
            hint="Choose other benchmarks, or fix the reasons given.",
        )
    return Ready(
        build=build,
        environment=environment,
        suite=suite,
        benchmarks=tuple(ready),
        missing=missing,
    )


def hold_host(context: Context) -> contextlib.AbstractContextManager[int]:
    """Lock the whole host for measuring: builds and other runs wait, and report that they do."""
    return context.home.queue.hold(
        context.home.host_lock,
        order=LockOrder.HOST,
        doing="measures",
        say=context.show.say,
    )


@contextlib.contextmanager
def measuring(context: Context, *, timeout: float, host: str) -> Iterator[Rig]:
    """Lock the whole host and make a rig with a scratch folder that is removed afterwards."""
    with hold_host(context), tempfile.TemporaryDirectory(prefix="pb-") as scratch:
        yield rig(context, Path(scratch), timeout=timeout, host=host)


def places(context: Context, results: Path) -> dict[Path, str]:
    """Folders of this machine and the names that replace them in published results."""
    return {
        context.home.root: "HOME",
        context.project: "PATCHBENCH",
        results.absolute(): "RESULTS",
        Path(sys.prefix): "VENV",
        Path.home(): "~",
    }


def rig(context: Context, scratch: Path, *, timeout: float, host: str) -> Rig:
    """The rig of a job. It uses the last usable core, since interrupts and the harness itself
    prefer the first; with a single usable core, none is set.
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
    """Whether the addresses of a process may be chosen; some containers forbid it."""
    return context.runner.run(probe(), timeout=10).ok


def probe() -> Command:
    """The command that fails where addresses may not be chosen."""
    return Command(argv=PROBE, env=clean_environment())
