"""Calibrating this host: which protocol measures which class of benchmarks best, from measurement.

Blocks are kept under HOME/calibration/work as they come; the same command goes on where one was
stopped. What comes of them is stored for this epoch of the host (bench/measure/choice.py).
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from bench.benchmarks import suites
from bench.context import Context
from bench.experiments import SessionOptions
from bench.host import Host, read_host
from bench.jobs.calibrate import known_difference, report, side_by_side
from bench.jobs.calibrate.measuring import (
    CalibrationBlocks,
    CalibrationCell,
    CalibrationTarget,
    CalibrationTerms,
    Measuring,
)
from bench.jobs.calibrate.side_by_side import SideBySide
from bench.measure import Calibration, Effort, Rig, Sample, choice
from bench.run import Ready
from bench.run import base as interpreters
from bench.session import SessionFolder
from bench.util import print_json, stdout_console
from builder.builds import Build
from builder.errors import MeasureError
from builder.files import digest, guard_writes, hold_lock
from builder.versions import numbers

# Some of each class, in the interpreter itself as far as a class has such. Those that a release of
# the suite lacks are left out.
BENCHMARKS = (
    "deltablue", "hexiom", "json_loads", "pickle_pure_python", "comprehensions",  # short
    "richards", "nbody", "float", "spectral_norm",  # medium
    "raytrace", "pyflate",  # long
    "async_tree_io",  # waits
    "python_startup_no_site",  # processes
)  # fmt: skip
ENOUGH = 20
# Written first by versions whose calibrations had a folder of a form of their own.
_EARLIER = "seed.json"


@dataclass(frozen=True, kw_only=True)
class CalibrationRequest:
    """What was asked for. `words` choose benchmarks; () for BENCHMARKS. `effort` is the session's
    unless a test has less time.
    """

    base: str = ""
    source: str = ""
    blocks: int = ENOUGH
    words: tuple[str, ...] = ()
    budget: float | None = None
    wheels: str = ""
    effort: Effort = field(default_factory=Effort)


def calibrate(context: Context, request: CalibrationRequest, *, as_json: bool) -> int:
    """Measure, store, and tell. Raises errors of the family."""
    host = read_host()
    with interpreters.base_build(context, request.base, request.source) as build:
        context.show.say(f"Calibrating with {build.title} ({build.key}).")
        words = request.words or _usual(context, build)
        ready = interpreters.prepare(
            context, build, words, wheels=request.wheels, more=(known_difference.benchmark(),)
        )
        on_wait = "Another calibration of this home is going on; waiting for it."
        with hold_lock(
            context.home.lock("calibrate"), on_wait=lambda _path: context.show.say(on_wait)
        ):
            found = _Job(context=context, request=request, host=host, ready=ready).go()
    if as_json:
        print_json(found.to_json())
    else:
        report.show(found, stdout_console())
    return 0


def _usual(context: Context, build: Build) -> tuple[str, ...]:
    suite = suites.load(numbers(build.facts.version), (), home=context.home)
    there = {one.name for one in suite.benchmarks}
    return tuple(name for name in BENCHMARKS if name in there)


@dataclass(frozen=True, kw_only=True)
class _Job:
    context: Context
    request: CalibrationRequest
    host: Host
    ready: Ready

    def go(self) -> Calibration:
        """Measure what is not measured yet, and store what follows."""
        seed = self._opened()
        home = self.context.home
        terms = CalibrationTerms(
            blocks=self.request.blocks,
            budget=self.request.budget,
            seed=seed,
            effort=self.request.effort,
        )
        with interpreters.measuring(
            self.context, timeout=SessionOptions().timeout, host=self.host.name
        ) as rig:
            found = self._measured(rig, terms)
            concluded = self._side_by_side(self._concluded(found, terms), found, rig, terms)
        path = choice.save(home, self.host, concluded)
        with guard_writes(self._folder):
            shutil.rmtree(self._folder)
        self.context.show.say(f"Stored: {path}")
        return concluded

    @property
    def _folder(self) -> Path:
        """Named after all that blocks of one calibration must have in common."""
        identity = digest(
            {
                "epoch": choice.epoch(self.host),
                "build": self.ready.build.key,
                "suite": self.ready.suite.release,
                "scripts": [(one.name, one.folder) for one in self.ready.benchmarks],
                "effort": asdict(self.request.effort),
            }
        )
        return choice.folder(self.context.home) / "work" / identity

    def _opened(self) -> int:
        """The seed of the calibration that was stopped, or a new one."""
        with guard_writes(self._folder):
            if (self._folder / _EARLIER).exists():
                self.context.show.say(
                    "The unfinished calibration was begun by an earlier version of patchbench; "
                    "all of it is measured again."
                )
                shutil.rmtree(self._folder)
            rules = SessionFolder(self._folder).rules()
        return secrets.randbelow(2**32) if rules is None else rules.seed

    def _measured(self, rig: Rig, terms: CalibrationTerms) -> CalibrationBlocks:
        ours = known_difference.benchmark()
        subjects = [
            CalibrationTarget(benchmark=one, arm=self.ready.arm(one), ours=one == ours)
            for one in self.ready.benchmarks
        ]
        found = Measuring(
            subjects=subjects, terms=terms, rig=rig, folder=self._folder, show=self.context.show
        ).run()
        asked = {cell.task.name for cell in found.cells if not cell.subject.ours}
        if not any(one.task in asked for one in found.samples):
            # Nothing to go on from: another time everything is tried again.
            with guard_writes(self._folder):
                shutil.rmtree(self._folder)
            raise MeasureError(
                "Nothing was measured.",
                where="\n".join(f"{name}: {why}" for name, why in found.missing.items()),
                hint="Mend what the reasons say, or choose other benchmarks.",
            )
        return found

    def _concluded(self, found: CalibrationBlocks, terms: CalibrationTerms) -> Calibration:
        return Calibration(
            when=datetime.now(UTC).date().isoformat(),
            base=self.ready.build.title,
            seed=terms.seed,
            blocks=terms.blocks,
            tasks=found.tasks,
            samples=found.samples,
            missing={**self.ready.missing, **found.missing},
        )

    def _side_by_side(
        self, so_far: Calibration, found: CalibrationBlocks, rig: Rig, terms: CalibrationTerms
    ) -> Calibration:
        """The same with the answer to how many blocks may be measured at a time."""
        usable = os.sched_getaffinity(0)
        cores = side_by_side.spare_cores(usable)
        if len(usable) < side_by_side.LEAST_CPUS or len(cores) < 2:
            tried = f"not tried: {len(usable)} usable CPUs leave no cores to spare"
            return replace(so_far, tried=tried)
        if terms.budget is not None:
            return replace(so_far, tried="not tried: the budget went to the protocols")
        cells = side_by_side.chosen_cells(found.cells, so_far.used())
        together = SideBySide(
            cells=cells, rig=rig, cores=cores, terms=terms, folder=self._folder / "together"
        ).run(self.context.show)
        alone = [one for one in so_far.samples if _is_of(one, cells)]
        many, tried = side_by_side.conclude(alone, together, len(cores))
        return replace(so_far, side_by_side=many, tried=tried)


def _is_of(sample: Sample, cells: Sequence[CalibrationCell]) -> bool:
    return not sample.known and any(
        (sample.task, sample.protocol) == (one.task.name, one.protocol) for one in cells
    )
