from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bench.benchmarks.suites import Benchmark
from bench.jobs.calibrate import known_difference
from bench.jobs.calibrate.measurement import (
    CalibrationBlocks,
    CalibrationCell,
    CalibrationMeasurement,
    CalibrationTarget,
    CalibrationTerms,
)
from bench.measure import loops, protocols
from bench.measure.loops import ScriptLoops
from bench.measure.ranking import KNOWN
from bench.measure.trial import BlockPlan, Effort, Failure, RunnableArm, Task, Trial, loops_of
from bench.measure.worker import Rig
from bench.session import SessionFolder, engine
from bench.util.console import Show
from builder.errors import StoreError
from builder.process import SystemRunner
from tests.bench.measure.test_ranking import task

SECONDS = 10.0
BLOCK = "blocks/0000-corun-same-one/block.json"
TERMS = CalibrationTerms(blocks=4, budget=None, seed=42, effort=Effort(process=0.6))
# Loops of 0.2 ms, of 0.1 s, and sample that starts processes.
TASKS = {
    "short": [replace(task("short", seconds=0.0128), loops=64)],
    "long": [
        replace(task("one", seconds=0.1), loops=1),
        replace(task("two", seconds=0.3), loops=1),
    ],
    "start": [replace(task("start", seconds=0.015, children=True), loops=1)],
    "known": [
        replace(task("known_work", seconds=0.0128), loops=1024),
        replace(task("known_wait", seconds=0.012, share=0.1), loops=20),
    ],
}  # fmt: skip


@dataclass
class Pretend:
    """Simulates blocks without processes, 10 s each by its own clock, and records the calls.

    A value is 1 s for each loop, with noise of standard deviation `noise`. After `stops_after`
    blocks it raises KeyboardInterrupt.
    """

    blocks: list[tuple[str, BlockPlan]] = field(default_factory=list)
    calibrated: list[str] = field(default_factory=list)
    failing: Callable[[str, BlockPlan], bool] = lambda _protocol, _block: False
    noise: float = 0.0
    stops_after: float = float("inf")
    now: float = 0.0

    def measure(self, protocol: str, block: BlockPlan, rig: Rig) -> tuple[Trial, ...]:
        if len(self.blocks) >= self.stops_after:
            raise KeyboardInterrupt
        self.blocks.append((protocol, block))
        self.now += SECONDS
        chance = random.Random(block.seed)
        return tuple(
            Trial(
                arm=arm.name,
                replica=0,
                position=number,
                failure=Failure(reason="died") if self.failing(protocol, block) else None,
                result={
                    "benchmarks": [{"runs": [{"values": [1 + chance.gauss(0, self.noise)] * 3}]}]
                },
            )
            for number, arm in enumerate(block.arms)
        )

    def calibrate(
        self, benchmark: Benchmark, arm: RunnableArm, rig: Rig, effort: Effort, *, hash_seed: int
    ) -> ScriptLoops:
        self.calibrated.append(benchmark.name)
        self.now += 1.0
        failure = None if benchmark.name in TASKS else Failure(reason="no such script")
        tasks = tuple(TASKS.get(benchmark.name, ()))
        return ScriptLoops(benchmark=benchmark.name, kind=arm.kind, tasks=tasks, failure=failure)

    @property
    def sequence(self) -> list[tuple[str, str, str, int, int]]:
        """The measured blocks, in their order."""
        return [
            (protocol, block.task.name, block.arms[1].name, block.number, block.seed)
            for protocol, block in self.blocks
        ]


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    return _use(Pretend(), monkeypatch)


def _use(pretend: Pretend, monkeypatch: pytest.MonkeyPatch) -> Pretend:
    monkeypatch.setattr(protocols, "measure", pretend.measure)
    monkeypatch.setattr(loops, "calibrate", pretend.calibrate)
    return pretend


def run(
    folder: Path, pretend: Pretend, *names: str, terms: CalibrationTerms = TERMS, ours: bool = False
) -> CalibrationBlocks:
    arm = RunnableArm(
        name="base", kind="cpython-3.13", python=Path("p"), pythonpath=(), scripts=Path()
    )
    # Our script is measured last, whatever its position.
    scripts = ["known", *names] if ours else list(names)
    subjects = [
        CalibrationTarget(
            benchmark=Benchmark(name=name, source=Path(), folder=name, script=f"{name}/x.py"),
            arm=arm,
            ours=name == "known",
        )
        for name in scripts
    ]
    return CalibrationMeasurement(
        subjects=subjects,
        terms=terms,
        rig=Rig(runner=SystemRunner(), scratch=folder / "scratch"),
        folder=folder / "work",
        show=Show(quiet=True),
        clock=lambda: pretend.now,
    ).run()


def test_every_task_under_every_protocol_that_can_measure_it(
    tmp_path: Path, pretend: Pretend
) -> None:
    result = run(tmp_path, pretend, "short", "long", "start")
    cells = {(cell.task.name, cell.protocol, cell.known) for cell in result.cells}
    every = set(protocols.PROTOCOLS)
    assert cells == {
        *itertools.product(["short"], every, [False, True]),
        *itertools.product(["one", "two"], every, [False]),
        *itertools.product(["start"], every - {"corun"}, [False, True]),
    }
    assert len(result.samples) == 4 * len(cells)
    assert {(sample.task, sample.protocol, sample.known) for sample in result.samples} == cells


def test_the_known_difference_is_two_per_cent_of_loops_and_of_time(
    tmp_path: Path, pretend: Pretend
) -> None:
    result = run(tmp_path, pretend, "short", "start")
    for _protocol, block in pretend.blocks:
        base, other = block.arms
        more = loops_of(block.task, other) / loops_of(block.task, base)
        assert more == (KNOWN if other.name == "more" else 1)
        assert base.name == "base"
        assert base.loops_factor == 1
        assert len(other.name) == len(base.name)
    for sample in result.samples:
        # pyperf reported 1 s for each loop of either arm.
        assert (sample.base, sample.other) == (1.0, KNOWN if sample.known else 1.0)
        assert sample.error == pytest.approx(0, abs=1e-12)
        assert sample.seconds == SECONDS


def test_our_script_adds_what_the_classes_need(tmp_path: Path, pretend: Pretend) -> None:
    result = run(tmp_path, pretend, "short", "long", ours=True)
    ours = {cell.task.name for cell in result.cells if cell.subject.ours}
    work = {"known_work_short", "known_work_medium", "known_work_long"}
    assert ours == {*work, "known_wait_waits"}
    assert all(cell.known for cell in result.cells if cell.subject.ours)
    other = run(tmp_path / "other", pretend, "start", ours=True)
    assert {cell.task.name for cell in other.cells} == {"start", "known_wait_waits"}


def test_cells_are_interleaved_in_rounds_of_random_order(tmp_path: Path, pretend: Pretend) -> None:
    result = run(tmp_path, pretend, "short", "long")
    rounds = [
        [(protocol, block.task.name, block.arms[1].name) for protocol, block in group]
        for _number, group in itertools.groupby(pretend.blocks, lambda row: row[1].number)
    ]
    assert len(rounds) == 4
    assert all(sorted(cells) == sorted(rounds[0]) for cells in rounds)
    assert len(set(rounds[0])) == len(result.cells)
    assert len({tuple(cells) for cells in rounds}) == 4
    assert len({block.seed for _protocol, block in pretend.blocks}) == len(pretend.blocks)


@pytest.mark.parametrize("stop", [0, 1, 7, 23])
def test_a_calibration_that_was_stopped_goes_on_as_it_would_have(
    stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _use(Pretend(noise=0.1), monkeypatch)
    undisturbed = run(tmp_path / "whole", whole, "short")
    first = _use(Pretend(noise=0.1, stops_after=stop), monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "part", first, "short")
    second = _use(Pretend(noise=0.1), monkeypatch)
    resumed = run(tmp_path / "part", second, "short")

    assert len(whole.blocks) == 24
    assert first.sequence + second.sequence == whole.sequence
    assert second.calibrated == []
    assert resumed.samples == undisturbed.samples


def test_another_seed_is_another_calibration(tmp_path: Path, pretend: Pretend) -> None:
    run(tmp_path / "a", pretend, "short")
    run(tmp_path / "b", pretend, "short", terms=replace(TERMS, seed=43))
    middle = len(pretend.blocks) // 2
    assert {row[-1] for row in pretend.sequence[:middle]}.isdisjoint(
        row[-1] for row in pretend.sequence[middle:]
    )


def test_more_blocks_may_be_asked_for_later(tmp_path: Path, pretend: Pretend) -> None:
    few = run(tmp_path, pretend, "long", terms=replace(TERMS, blocks=2))
    more = run(tmp_path, pretend, "long")
    assert set(few.samples) < set(more.samples)
    assert len(pretend.blocks) == len(more.samples) == 4 * 6


def test_a_budget_ends_it_over_all_sittings(tmp_path: Path, pretend: Pretend) -> None:
    # Calibration 1 s; rounds of six blocks of 10 s. 15 blocks later 151 s are spent.
    terms = replace(TERMS, budget=151.0)
    with pytest.MonkeyPatch.context() as patch:
        _use(stopped := Pretend(stops_after=14), patch)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, stopped, "long", terms=terms)
    assert len(run(tmp_path, pretend, "long", terms=terms).samples) == 15


def test_two_rounds_are_measured_whatever_the_budget(tmp_path: Path, pretend: Pretend) -> None:
    result = run(tmp_path, pretend, "long", terms=replace(TERMS, budget=1.0))
    assert len(result.samples) == 2 * 6


def test_a_cell_that_fails_twice_is_missing_and_the_rest_goes_on(
    tmp_path: Path, pretend: Pretend
) -> None:
    pretend.failing = lambda protocol, block: (protocol, block.task.name, block.number) == (
        "corun", "two", 1,
    )  # fmt: skip
    result = run(tmp_path, pretend, "long")
    assert result.missing == {"corun-same-two": "died"}
    assert len(result.samples) == 4 * 5 + 1
    before = len(pretend.blocks)
    assert before == 4 * 5 + 1 + 2
    # The next invocation does not try it again either.
    assert run(tmp_path, pretend, "long") == result
    assert len(pretend.blocks) == before


def test_a_block_that_fails_once_is_measured_again_with_other_chances(
    tmp_path: Path, pretend: Pretend
) -> None:
    failed: list[int] = []

    def once(_protocol: str, block: BlockPlan) -> bool:
        if not failed:
            failed.append(block.seed)
        return block.seed in failed

    pretend.failing = once
    result = run(tmp_path, pretend, "long")
    assert result.missing == {}
    assert len(result.samples) == 4 * 6


def test_a_script_that_fails_is_missing(tmp_path: Path, pretend: Pretend) -> None:
    result = run(tmp_path, pretend, "long", "nothing")
    assert result.missing == {"nothing": "no such script"}
    assert set(result.tasks) == {"one", "two"}


def test_names_of_any_kind_have_files_of_their_own(
    tmp_path: Path, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("a/b", "a_b", "../../x", "é" * 200)
    tasks: list[Task] = [replace(task(name, seconds=0.1), loops=1) for name in names]
    monkeypatch.setitem(TASKS, "long", tasks)
    result = run(tmp_path, pretend, "long", terms=replace(TERMS, blocks=2))
    assert {sample.task for sample in result.samples} == set(names)
    assert len(list((tmp_path / "work" / "blocks").iterdir())) == len(result.samples) == 4 * 3 * 2


@pytest.mark.parametrize("name", ["calibration.json", "missing.json", BLOCK])
@pytest.mark.parametrize("content", ["", "[3]", '{"benchmarks": [{}]}'])
def test_what_is_damaged_is_named(
    name: str, content: str, tmp_path: Path, pretend: Pretend
) -> None:
    run(tmp_path, pretend, "long", terms=replace(TERMS, blocks=2))
    path = tmp_path / "work" / name
    path.write_text(content)
    with pytest.raises(StoreError, match="damaged") as caught:
        run(tmp_path, pretend, "long")
    assert str(path) in caught.value.where


def test_half_written_files_are_no_blocks(tmp_path: Path, pretend: Pretend) -> None:
    first = run(tmp_path, pretend, "long")
    middle = tmp_path / "work" / "blocks" / ".half-abc"
    middle.mkdir()
    (middle / "block.json").write_text('{"number": 0, "ta')
    assert run(tmp_path, pretend, "long") == first
    assert not middle.exists()


def test_a_folder_is_one_of_sessions(tmp_path: Path, pretend: Pretend) -> None:
    result = run(tmp_path, pretend, "short", terms=replace(TERMS, blocks=2))
    folder = SessionFolder(tmp_path / "work")
    assert len(folder.blocks()) == len(result.samples)
    rules = folder.rules()
    assert rules is not None
    assert (rules.seed, rules.blocks, rules.plan) == (42, 2, ())
    # Only the means are stored: the results of thousands of processes would fill a disk.
    assert {path.name for path in (tmp_path / "work" / "blocks").glob("*/*")} == {"block.json"}


def test_a_busy_host_makes_no_block_again(
    tmp_path: Path, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "why_disturbed", lambda _state: "busy")
    result = run(tmp_path, pretend, "short")
    assert len(result.samples) == len(pretend.blocks) == 24


def test_each_arm_says_what_it_is_in_its_name() -> None:
    subject = CalibrationTarget(
        benchmark=known_difference.benchmark(),
        arm=RunnableArm(
            name="x", kind="cpython-3.13", python=Path(), pythonpath=(), scripts=Path()
        ),
    )
    cell = CalibrationCell(subject=subject, task=task(), protocol="corun", known=True)
    assert [arm.name for arm in cell.arms()] == ["base", "more"]
    assert cell.name == "corun-known-nbody"
    data: Any = json.loads(json.dumps([arm.loops_factor for arm in cell.arms()]))
    assert data == [1.0, KNOWN]
