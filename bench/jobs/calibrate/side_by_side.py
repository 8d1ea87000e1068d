"""Measure whether this host can run several blocks at a time, each on its own core.

Blocks that run side by side share caches, memory bandwidth and the processor's power limit. Where a
host has spare cores, the chosen protocol of each benchmark is measured again, base against base,
with a block on every spare core. Side by side is allowed when the errors are shown to be no larger
(accuracy.no_harm). That is measured with this host's benchmarks: an experiment whose arms use much
more memory should ask for one block at a time.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from bench.jobs.calibrate.measurement import CalibrationCell, CalibrationTerms
from bench.measure import Rig, Sample, Trial, protocols, worker
from bench.session import draw, load_list
from bench.stats import accuracy
from bench.util import Show
from builder.files import guard_writes, write_atomically

# With fewer CPUs, no core is spare beside the harness.
LEAST_CPUS = 4
MOST = 8


def spare_cores(usable: Iterable[int], root: Path = Path("/")) -> tuple[int, ...]:
    """One CPU of each physical core but the first, which the harness uses; at most MOST.

    Where the kernel does not report which CPUs share a core, each CPU counts as a core.
    """
    cores: dict[str, int] = {}
    for cpu in sorted(usable):
        path = root / f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
        try:
            siblings = path.read_text(encoding="ascii").strip()
        except OSError:
            siblings = str(cpu)
        cores.setdefault(siblings, cpu)
    return tuple(cores.values())[1:][:MOST]


def conclude(alone: Sequence[Sample], together: Sequence[Sample], many: int) -> tuple[int, str]:
    """Return how many blocks may be measured at a time, and the reason.

    `alone` and `together` are the samples without and with `many` blocks side by side.
    """
    errors_alone, errors_together = _by_task(alone), _by_task(together)
    scaled: tuple[list[float], list[float]] = ([], [])
    for task, errors in errors_together.items():
        own = errors_alone.get(task, [])
        # Each benchmark in units of its own error: else the noisiest would decide.
        scale = (sum(error * error for error in own) / len(own)) ** 0.5 if own else 0.0
        if scale > 0:
            scaled[0].extend(error / scale for error in own)
            scaled[1].extend(error / scale for error in errors)
    if accuracy.no_harm(*scaled):
        return many, f"{many} blocks at a time are as accurate as one"
    return 1, f"tried with {many} blocks at a time, and not shown to do no harm"


def _by_task(samples: Iterable[Sample]) -> dict[str, list[float]]:
    errors: dict[str, list[float]] = {}
    for sample in samples:
        errors.setdefault(sample.task, []).append(sample.error)
    return errors


class SideBySide:
    """Rounds that measure every cell once, with as many blocks at a time as there are cores."""

    def __init__(
        self,
        *,
        cells: Sequence[CalibrationCell],
        rig: Rig,
        cores: Sequence[int],
        terms: CalibrationTerms,
        folder: Path,
    ) -> None:
        self._cells = cells
        self._terms = terms
        self._folder = folder
        # All paths have one length, as within a block.
        self._rigs = [
            replace(rig, core=core, scratch=rig.scratch / f"side{number}")
            for number, core in enumerate(cores)
        ]

    def run(self, show: Show) -> tuple[Sample, ...]:
        """Measure what is not on disk yet; failed blocks are left out."""
        samples: list[Sample] = []
        many = len(self._rigs)
        with guard_writes(self._folder), show.bar("side by side", self._terms.blocks) as bar:
            self._folder.mkdir(parents=True, exist_ok=True)
            for number in range(self._terms.blocks):
                order = list(self._cells)
                draw(self._terms.seed, f"side by side {number}").shuffle(order)
                while len(order) % many:  # the last group must be as large as the others
                    order.append(order[len(order) % len(self._cells)])
                for first in range(0, len(order), many):
                    path = self._folder / f"{number:04d}-{first:03d}.json"
                    if not path.exists():
                        group = self._group(number, order[first : first + many])
                        write_atomically(path, json.dumps([asdict(sample) for sample in group]))
                    samples += load_list(Sample, path)
                bar.advance(note=f"round {number + 1}")
        return tuple(samples)

    def _group(self, number: int, cells: Sequence[CalibrationCell]) -> list[Sample]:
        """Measure one block on each core, all at the same time."""
        results: dict[int, tuple[Trial, ...]] = {}

        def measure(place: int, cell: CalibrationCell) -> None:
            block = cell.block(number, self._terms.seed, f"side {place}")
            results[place] = protocols.measure(cell.protocol, block, self._rigs[place])

        threads = [
            threading.Thread(target=measure, args=(place, cell), daemon=True)
            for place, cell in enumerate(cells)
        ]
        # Each block moves the harness off its core and back; this moves it back last.
        with worker.apart(self._rigs[0].core):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return [
            cells[place].sample(number, {trial.arm: trial.mean() for trial in trials}, 0.0)
            for place, trials in sorted(results.items())
            if all(trial.failure is None for trial in trials)
        ]


def chosen_cells(
    cells: Iterable[CalibrationCell], protocol_of: Mapping[str, str]
) -> tuple[CalibrationCell, ...]:
    """The base-against-base cells of each task under the protocol in `protocol_of`."""
    return tuple(
        cell
        for cell in cells
        if not cell.known and protocol_of.get(cell.task.name) == cell.protocol
    )
