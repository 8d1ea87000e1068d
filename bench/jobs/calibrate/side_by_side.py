"""Several blocks at a time, each on a core of its own: whether this host bears it.

Blocks that run beside each other share caches, memory and the power that a processor may use. Tried
where a host has cores to spare: the chosen protocol of each benchmark again, base against base,
with as many other blocks around it as there are cores. It is allowed where errors are shown to be
no larger for it (accuracy.no_harm); that is measured with this host's benchmarks, and an experiment
whose arms use much more memory should say one at a time.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from bench.jobs.calibrate.measuring import CalibrationCell, CalibrationTerms
from bench.measure import Rig, Sample, Trial, protocols, worker
from bench.session import draw, kept
from bench.stats import accuracy
from bench.util import Show
from builder.files import guard_writes, write_atomically

# Fewer cores leave nothing to spare beside the harness.
LEAST_CPUS = 4
MOST = 8


def spare_cores(usable: Iterable[int], root: Path = Path("/")) -> tuple[int, ...]:
    """One CPU of each physical core, without the first core, which is the harness's; at most MOST.

    Where the host does not tell which CPUs share a core, each counts as one.
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
    """(how many blocks may be measured at a time, how that is known)."""
    ours, theirs = _by_task(alone), _by_task(together)
    scaled: tuple[list[float], list[float]] = ([], [])
    for task, errors in theirs.items():
        own = ours.get(task, [])
        # Each benchmark by its own scale: else the noisiest alone would decide.
        scale = (sum(error * error for error in own) / len(own)) ** 0.5 if own else 0.0
        if scale > 0:
            scaled[0].extend(error / scale for error in own)
            scaled[1].extend(error / scale for error in errors)
    if accuracy.no_harm(*scaled):
        return many, f"{many} blocks at a time are as accurate as one"
    return 1, f"tried with {many} blocks at a time, and not shown to do no harm"


def _by_task(samples: Iterable[Sample]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for one in samples:
        found.setdefault(one.task, []).append(one.error)
    return found


class SideBySide:
    """Rounds in which every cell is measured once, as many at a time as there are cores."""

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
        # Paths of one length for all, as within a block.
        self._rigs = [
            replace(rig, core=core, scratch=rig.scratch / f"side{number}")
            for number, core in enumerate(cores)
        ]

    def run(self, show: Show) -> tuple[Sample, ...]:
        """Measure what is not on disk yet; blocks that fail are left out."""
        found: list[Sample] = []
        many = len(self._rigs)
        with guard_writes(self._folder), show.bar("side by side", self._terms.blocks) as bar:
            self._folder.mkdir(parents=True, exist_ok=True)
            for number in range(self._terms.blocks):
                order = list(self._cells)
                draw(self._terms.seed, f"side by side {number}").shuffle(order)
                while len(order) % many:  # the last group is as crowded as the others
                    order.append(order[len(order) % len(self._cells)])
                for first in range(0, len(order), many):
                    path = self._folder / f"{number:04d}-{first:03d}.json"
                    if not path.exists():
                        group = self._group(number, order[first : first + many])
                        write_atomically(path, json.dumps([asdict(one) for one in group]))
                    with kept.reading(path):
                        found += [Sample(**one) for one in kept.load(path, None)]
                bar.advance(note=f"round {number + 1}")
        return tuple(found)

    def _group(self, number: int, cells: Sequence[CalibrationCell]) -> list[Sample]:
        """One block on each core, all at once."""
        results: dict[int, tuple[Trial, ...]] = {}

        def measure(place: int, cell: CalibrationCell) -> None:
            block = cell.block(number, self._terms.seed, f"side {place}")
            results[place] = protocols.measure(cell.protocol, block, self._rigs[place])

        threads = [
            threading.Thread(target=measure, args=(place, cell), daemon=True)
            for place, cell in enumerate(cells)
        ]
        # Each block keeps the harness off its core and lets it back: this has the last word.
        with worker.apart(self._rigs[0].core):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return [
            cells[place].sample(number, {one.arm: one.mean() for one in trials}, 0.0)
            for place, trials in sorted(results.items())
            if all(trial.failure is None for trial in trials)
        ]


def chosen_cells(
    cells: Iterable[CalibrationCell], protocol_of: Mapping[str, str]
) -> tuple[CalibrationCell, ...]:
    """The cells of base against base under the protocol that each benchmark is measured with."""
    return tuple(
        cell
        for cell in cells
        if not cell.known and protocol_of.get(cell.task.name) == cell.protocol
    )
