"""The engine with jobs of its own, as a calibration has them; sessions are in test_session.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bench.benchmarks.suites import Benchmark
from bench.measure import protocols
from bench.measure.trial import BlockPlan, Failure, RunnableArm, Task, Trial
from bench.measure.worker import Rig
from bench.session import conclude
from bench.session.engine import BlockEngine, draw, drawn_block
from bench.session.folder import MissingTracker, SessionFolder
from bench.session.preparation import BenchmarkLineup, Job
from bench.session.schedule import Schedule, ScheduledBlock
from bench.session.stopping import Rules
from builder.process import SystemRunner
from tests.bench.session.test_session import QUIET

RULES = Rules(blocks=3, margin=0.01, seed=5, sequential=False)
NAMES = ("first", "second")
BUSY = replace(QUIET, foreign_here=1.0)


@dataclass
class Measured:
    """Blocks without processes; those fail for which `failing` says so."""

    blocks: list[tuple[str, BlockPlan]] = field(default_factory=list)
    failing: Callable[[str, BlockPlan], bool] = lambda _protocol, _block: False

    def measure(self, protocol: str, block: BlockPlan, _rig: Rig) -> tuple[Trial, ...]:
        self.blocks.append((protocol, block))
        failure = Failure(reason="died") if self.failing(protocol, block) else None
        result = {"benchmarks": [{"runs": [{"values": [1.0, 3.0]}]}]}
        return tuple(
            Trial(arm=arm.name, replica=0, position=place, result=result, failure=failure)
            for place, arm in enumerate(block.arms)
        )


@dataclass
class Turns:
    begun: int = 0
    ended: list[tuple[str, int, bool]] = field(default_factory=list)

    def begin(self) -> None:
        self.begun += 1

    def end(self, turn: ScheduledBlock, *, is_new: bool) -> None:
        self.ended.append((turn.task, turn.number, is_new))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Measured:
    one = Measured()
    monkeypatch.setattr(protocols, "measure", one.measure)
    return one


def job(protocol: str = "lockstep") -> Job:
    arm = RunnableArm(name="base", kind="c", python=Path(), pythonpath=(), scripts=Path())
    lineup = (arm, replace(arm, name="same"))
    # Jobs may share a task, and have names of their own.
    task = Task(index=0, name="shared", loops=1, warmups=1, values=2, seconds=0.1)
    benchmark = Benchmark(name="script", source=Path(), folder="b", script="b/x.py")
    subject = BenchmarkLineup(benchmark=benchmark, lineups=(lineup,))
    return Job(subject=subject, task=task, protocol=protocol)


def run(path: Path, rules: Rules = RULES, **more: Any) -> tuple[SessionFolder, Turns]:
    folder, turns = SessionFolder(path / "raw"), Turns()
    folder.begin(rules)
    engine = BlockEngine(
        folder=folder,
        missing=MissingTracker(folder, lambda _text: None),
        schedule=Schedule(NAMES, rules, conclude),
        seed=rules.seed,
        say=lambda _text: None,
        **{
            "jobs": {name: job() for name in NAMES},
            "rig": Rig(runner=SystemRunner(), scratch=path / "scratch"),
            "sample": lambda: QUIET,
            **more,
        },
    )
    engine.run(turns)
    return folder, turns


def test_blocks_are_kept_under_the_names_of_their_jobs(tmp_path: Path, measured: Measured) -> None:
    folder, turns = run(tmp_path)
    assert {(block.task, block.number) for block in folder.blocks()} == {
        (name, number) for name in NAMES for number in range(3)
    }
    assert {block.benchmark for block in folder.blocks()} == {"script"}
    assert {block.means["base"] for block in folder.blocks()} == {2.0}
    assert sorted(turns.ended) == [(name, number, True) for name in NAMES for number in range(3)]
    assert turns.begun == 7
    # Nothing is measured a second time, and who looks on hears that it was known.
    before = len(measured.blocks)
    _folder, again = run(tmp_path)
    assert len(measured.blocks) == before
    assert [is_new for _task, _number, is_new in again.ended] == [False] * 6


def test_a_disturbed_block_is_measured_again_only_where_that_is_wanted(
    tmp_path: Path, measured: Measured
) -> None:
    calm = run(tmp_path / "a", sample=lambda: BUSY, repeats=False)[0]
    assert len(measured.blocks) == 6
    assert all(block.disturbed for block in calm.blocks())
    run(tmp_path / "b", sample=lambda: BUSY)
    assert len(measured.blocks) == 6 + 6 + 1


def test_results_of_processes_are_kept_only_where_that_is_wanted(
    tmp_path: Path, measured: Measured
) -> None:
    for keeps, names in ((True, {"base.json", "same.json", "block.json"}), (False, {"block.json"})):
        folder, _turns = run(tmp_path / str(keeps), keeps_trials=keeps)
        assert {path.name for path in folder.path.glob("blocks/*/*")} == names


def test_what_fails_twice_is_lost_unless_there_is_something_to_fall_back_to(
    tmp_path: Path, measured: Measured
) -> None:
    measured.failing = lambda protocol, block: protocol == "lockstep"
    folder, _turns = run(tmp_path / "a")
    assert folder.blocks() == ()
    assert {name: one.reason for name, one in folder.missing_tasks().items()} == dict.fromkeys(
        NAMES, "died"
    )
    assert len(measured.blocks) == 2 * len(NAMES)

    def other(one: Job) -> Job | None:
        return replace(one, protocol="sequential") if one.protocol == "lockstep" else None

    folder, _turns = run(tmp_path / "b", fallback=other)
    assert {block.protocol for block in folder.blocks()} == {"sequential"}
    assert folder.missing_tasks() == {}
    assert dict(folder.calibration().protocols) == dict.fromkeys(NAMES, "sequential")


def test_what_a_block_draws_comes_from_seed_job_and_number_alone() -> None:
    turn = ScheduledBlock(task="first", number=2)
    one = drawn_block(turn, job(), seed=5)
    assert one == drawn_block(turn, job(), seed=5)
    others = [
        drawn_block(replace(turn, task="second"), job(), seed=5),
        drawn_block(replace(turn, number=3), job(), seed=5),
        drawn_block(replace(turn, again=True), job(), seed=5),
        drawn_block(turn, job(), seed=6),
        drawn_block(turn, job(), seed=5, attempt=1),
    ]
    assert len({one.seed, *(other.seed for other in others)}) == 6
    assert [arm.name for arm in drawn_block(turn, job(), seed=5, missing=["same"]).arms] == ["base"]
    assert draw(5, "x").random() == draw(5, "x").random() != draw(5, "y").random()


@pytest.mark.parametrize(
    ("threads", "core", "text"),
    [
        ({}, 1, ""),
        ({"threads": 3, "thread_share": 0.02}, 1, ""),
        ({"threads": 3, "thread_share": 0.6}, 1, "nothing of what more cores would give"),
        ({"threads": 3, "thread_share": 0.6}, None, "the cores that the kernel chose"),
    ],
)
@pytest.mark.parametrize("of_other_kind", [False, True])
def test_a_block_says_what_was_seen_of_threads(
    tmp_path: Path,
    measured: Measured,
    threads: dict[str, Any],
    core: int | None,
    text: str,
    *,
    of_other_kind: bool,
) -> None:
    plain = job()
    threaded = replace(plain.task, **threads)
    changed = (
        replace(plain, others={"k": threaded}) if of_other_kind else replace(plain, task=threaded)
    )
    folder, _turns = run(
        tmp_path,
        jobs=dict.fromkeys(NAMES, changed),
        rig=Rig(runner=SystemRunner(), scratch=tmp_path, core=core),
    )
    for block in folder.blocks():
        assert (text in block.threads) if text else not block.threads
        assert not text or "60% of its CPU time" in block.threads
