from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from bench.benchmarks.suites import Benchmark
from bench.jobs.calibrate.measurement import CalibrationCell, CalibrationTarget, CalibrationTerms
from bench.jobs.calibrate.side_by_side import SideBySide, chosen_cells, conclude, spare_cores
from bench.measure import protocols
from bench.measure.ranking import Sample
from bench.measure.trial import BlockPlan, Effort, Failure, RunnableArm, Trial
from bench.measure.worker import Rig
from bench.util.console import Show
from builder.process import SystemRunner
from tests.bench.measure.test_ranking import samples, task

TERMS = CalibrationTerms(blocks=2, budget=None, seed=42, effort=Effort())


def host(root: Path, siblings: dict[int, str]) -> Path:
    for cpu, listed in siblings.items():
        folder = root / f"sys/devices/system/cpu/cpu{cpu}/topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(listed + "\n")
    return root


@pytest.mark.parametrize(
    ("siblings", "usable", "cores"),
    [
        ({0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3", 4: "4-5", 5: "4-5"}, range(6), (2, 4)),
        ({0: "0,3", 1: "1,4", 2: "2,5", 3: "0,3", 4: "1,4", 5: "2,5"}, range(6), (1, 2)),
        ({0: "0,3", 1: "1,4", 2: "2,5", 3: "0,3", 4: "1,4", 5: "2,5"}, (1, 3, 4), (3,)),
        ({}, range(4), (1, 2, 3)),
        ({}, range(99), tuple(range(1, 9))),
        ({}, [0], ()),
    ],
)
def test_one_cpu_of_each_core_but_the_first(
    siblings: dict[int, str], usable: list[int], cores: tuple[int, ...], tmp_path: Path
) -> None:
    assert spare_cores(usable, host(tmp_path, siblings)) == cores


def _cells(*names: str) -> list[CalibrationCell]:
    return [
        CalibrationCell(
            subject=CalibrationTarget(
                benchmark=Benchmark(name=name, source=Path(), folder=name, script="x.py"),
                arm=RunnableArm(name="x", kind="c", python=Path(), pythonpath=(), scripts=Path()),
            ),
            task=task(name),
            protocol="lockstep",
            known=False,
        )
        for name in names
    ]


class Crowd:
    """Blocks without processes that begin only when as many are there as belong together."""

    def __init__(self, many: int) -> None:
        self.barrier = threading.Barrier(many, timeout=60)
        self.places: list[tuple[str, int | None, Path]] = []

    def measure(self, protocol: str, block: BlockPlan, rig: Rig) -> tuple[Trial, ...]:
        self.barrier.wait()
        self.places.append((block.task.name, rig.core, rig.scratch))
        failure = Failure(reason="died") if block.task.name == "ill" else None
        result = {"benchmarks": [{"runs": [{"values": [1.0, 1.0]}]}]}
        return tuple(
            Trial(arm=arm.name, replica=0, position=0, failure=failure, result=result)
            for arm in block.arms
        )


def _run(folder: Path, crowd: Crowd, *names: str) -> tuple[Sample, ...]:
    return SideBySide(
        cells=_cells(*names),
        rig=Rig(runner=SystemRunner(), scratch=folder / "scratch"),
        cores=(5, 6, 7),
        terms=TERMS,
        folder=folder / "together",
    ).run(Show(quiet=True))


def test_as_many_blocks_at_a_time_as_there_are_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = Crowd(3)
    monkeypatch.setattr(protocols, "measure", crowd.measure)
    before = os.sched_getaffinity(0)
    samples_together = _run(tmp_path, crowd, "a", "b", "c", "d", "ill")
    # Five cells are two groups of three: one cell is measured twice in each round.
    assert len(crowd.places) == 2 * 6
    for name in "abcd":
        assert sum(sample.task == name for sample in samples_together) >= 2
    assert "ill" not in {sample.task for sample in samples_together}
    for first in range(0, len(crowd.places), 3):
        group = crowd.places[first : first + 3]
        assert sorted(core for _name, core, _path in group) == [5, 6, 7]  # type: ignore[type-var]
        assert len({path for _name, _core, path in group}) == 3
        assert len({len(str(path)) for _name, _core, path in group}) == 1
    assert os.sched_getaffinity(0) == before
    # The same command continues: nothing is measured again.
    assert _run(tmp_path, crowd, "a", "b", "c", "d", "ill") == samples_together
    assert len(crowd.places) == 2 * 6


def test_fewer_cells_than_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd(3)
    monkeypatch.setattr(protocols, "measure", crowd.measure)
    assert len(_run(tmp_path, crowd, "a")) == 2 * 3


def test_only_base_against_base_under_the_protocol_in_use() -> None:
    (one,) = _cells("a")
    more = CalibrationCell(subject=one.subject, task=one.task, protocol="lockstep", known=True)
    other = CalibrationCell(subject=one.subject, task=one.task, protocol="corun", known=False)
    assert chosen_cells([one, more, other], {"a": "lockstep"}) == (one,)
    assert chosen_cells([one, more, other], {}) == ()


def test_side_by_side_is_allowed_where_errors_stay_as_they_are() -> None:
    alone = samples("lockstep", "a", blocks=100) + samples("corun", "b", spread=0.1, blocks=100)
    fine = samples("lockstep", "a", blocks=50) + samples("corun", "b", spread=0.1, blocks=50)
    # Only the quieter benchmark gets worse, which shows in units of its own error.
    worse = samples("lockstep", "a", spread=0.03, blocks=50) + fine[50:]
    assert conclude(alone, fine, 3) == (3, "3 blocks at a time are as accurate as one")
    assert conclude(alone, worse, 3)[0] == 1
    assert conclude(alone, [], 3)[0] == 1
    assert conclude([], fine, 3)[0] == 1
