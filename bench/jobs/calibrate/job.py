"""Calibrate this host: measure which protocol is best for each class of benchmarks.

Each block is stored under HOME/calibration/work when it is measured, and the same command continues
a calibration that was stopped. The outcome is stored for this host epoch (bench/measure/choice.py).
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
from bench.jobs.calibrate.measurement import (
    CalibrationBlocks,
    CalibrationCell,
    CalibrationMeasurement,
    CalibrationTarget,
    CalibrationTerms,
)
from bench.jobs.calibrate.side_by_side import SideBySide
from bench.measure import Calibration, Effort, Rig, Sample, choice
from bench.run import Ready
from bench.run import base as interpreters
from bench.session import SessionFolder
from bench.util import print_json, stdout_console
from builder.builds import Build
from builder.errors import MeasureError
from builder.files import digest, guard_writes
from builder.locks import LockOrder
from builder.versions import numbers

# Benchmarks of every class; where possible, those that spend their time in the interpreter itself.
# Those that a release of the suite does not have are left out.
BENCHMARKS = (
    "deltablue", "hexiom", "json_loads", "pickle_pure_python", "comprehensions",  # short
    "richards", "nbody", "float", "spectral_norm",  # medium
    "raytrace", "pyflate",  # long
    "async_tree_io",  # waits
    "python_startup_no_site",  # processes
)  # fmt: skip
ENOUGH = 20
# The first file of a calibration by earlier versions, whose folder had another form.
_EARLIER = "seed.json"


@dataclass(frozen=True, kw_only=True)
class CalibrationRequest:
    """The options of a calibration. `words` choose benchmarks; () stands for BENCHMARKS.

    `budget` is in seconds. `effort` is that of a session; tests pass less.
    """

    base: str = ""
    source: str = ""
    blocks: int = ENOUGH
    words: tuple[str, ...] = ()
    budget: float | None = None
    wheels: str = ""
    effort: Effort = field(default_factory=Effort)


def calibrate(context: Context, request: CalibrationRequest, *, as_json: bool) -> int:
    """Measure, store and show a calibration. Raises PatchbenchError."""
    host = read_host()
    with interpreters.base_build(context, request.base, request.source) as build:
        context.show.say(f"Calibrating with {build.title} ({build.key}).")
        words = request.words or _default_benchmarks(context, build)
        ready = interpreters.prepare(
            context, build, words, wheels=request.wheels, more=(known_difference.benchmark(),)
        )
        with context.home.queue.hold(
            context.home.lock("calibrate"),
            order=LockOrder.CALIBRATION,
            doing="calibrates with the same home",
            say=context.show.say,
        ):
            calibration = _Job(context=context, request=request, host=host, ready=ready).go()
    if as_json:
        print_json(calibration.to_json())
    else:
        report.show(calibration, stdout_console())
    return 0


def _default_benchmarks(context: Context, build: Build) -> tuple[str, ...]:
    suite = suites.load(numbers(build.facts.version), (), home=context.home)
    available = {benchmark.name for benchmark in suite.benchmarks}
    return tuple(name for name in BENCHMARKS if name in available)


@dataclass(frozen=True, kw_only=True)
class _Job:
    context: Context
    request: CalibrationRequest
    host: Host
    ready: Ready

    def go(self) -> Calibration:
        """Measure what is not measured yet, and store the calibration."""
        seed = self._open_folder()
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
            blocks = self._measure(rig, terms)
            by_protocol = self._calibration(blocks, terms)
            calibration = self._with_side_by_side(by_protocol, blocks, rig, terms)
        path = choice.save(home, self.host, calibration)
        with guard_writes(self._folder):
            shutil.rmtree(self._folder)
        self.context.show.say(f"Stored: {path}")
        return calibration

    @property
    def _folder(self) -> Path:
        """The folder of the blocks, named by all that they must have in common."""
        identity = digest(
            {
                "epoch": choice.epoch(self.host),
                "build": self.ready.build.key,
                "suite": self.ready.suite.release,
                "scripts": [(row.name, row.folder) for row in self.ready.benchmarks],
                "effort": asdict(self.request.effort),
            }
        )
        return choice.folder(self.context.home) / "work" / identity

    def _open_folder(self) -> int:
        """Open the folder; the seed of the calibration that was stopped, or a new one."""
        with guard_writes(self._folder):
            if (self._folder / _EARLIER).exists():
                self.context.show.say(
                    "The unfinished calibration was begun by an earlier version of patchbench; "
                    "it is measured again from the start."
                )
                shutil.rmtree(self._folder)
            rules = SessionFolder(self._folder).rules()
        return secrets.randbelow(2**32) if rules is None else rules.seed

    def _measure(self, rig: Rig, terms: CalibrationTerms) -> CalibrationBlocks:
        ours = known_difference.benchmark()
        subjects = [
            CalibrationTarget(benchmark=row, arm=self.ready.arm(row), ours=row == ours)
            for row in self.ready.benchmarks
        ]
        blocks = CalibrationMeasurement(
            subjects=subjects, terms=terms, rig=rig, folder=self._folder, show=self.context.show
        ).run()
        requested = {cell.task.name for cell in blocks.cells if not cell.subject.ours}
        if not any(sample.task in requested for sample in blocks.samples):
            # Keep no failures: the next calibration tries everything again.
            with guard_writes(self._folder):
                shutil.rmtree(self._folder)
            raise MeasureError(
                "Nothing was measured.",
                where="\n".join(f"{name}: {why}" for name, why in blocks.missing.items()),
                hint="Remove the causes given above, or choose other benchmarks.",
            )
        return blocks

    def _calibration(self, blocks: CalibrationBlocks, terms: CalibrationTerms) -> Calibration:
        return Calibration(
            when=datetime.now(UTC).date().isoformat(),
            base=self.ready.build.title,
            seed=terms.seed,
            blocks=terms.blocks,
            tasks=blocks.tasks,
            samples=blocks.samples,
            missing={**self.ready.missing, **blocks.missing},
        )

    def _with_side_by_side(
        self, so_far: Calibration, blocks: CalibrationBlocks, rig: Rig, terms: CalibrationTerms
    ) -> Calibration:
        """The calibration with the number of blocks that may be measured at a time."""
        usable = os.sched_getaffinity(0)
        cores = side_by_side.spare_cores(usable)
        if len(usable) < side_by_side.LEAST_CPUS or len(cores) < 2:
            tried = f"not tried: {len(usable)} usable CPUs leave no cores to spare"
            return replace(so_far, tried=tried)
        if terms.budget is not None:
            return replace(so_far, tried="not tried: the budget went to the protocols")
        cells = side_by_side.chosen_cells(blocks.cells, so_far.used())
        together = SideBySide(
            cells=cells, rig=rig, cores=cores, terms=terms, folder=self._folder / "together"
        ).run(self.context.show)
        alone = [sample for sample in so_far.samples if _is_of(sample, cells)]
        many, tried = side_by_side.conclude(alone, together, len(cores))
        return replace(so_far, side_by_side=many, tried=tried)


def _is_of(sample: Sample, cells: Sequence[CalibrationCell]) -> bool:
    return not sample.known and any(
        (sample.task, sample.protocol) == (cell.task.name, cell.protocol) for cell in cells
    )
