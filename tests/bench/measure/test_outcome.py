"""From the end of a process to its trial; the protocols' tests have real processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.measure import outcome as outcomes
from bench.measure.trial import Failure, Trial, TrialSeconds, Worker
from bench.measure.worker import GONE
from builder.process import Completed
from tests.bench.surroundings import arm, benchmark, block, rig
from tests.recording import completed

RESULT = {"metadata": {}, "benchmarks": [{"runs": [{"metadata": {}, "values": [0.5, 0.25]}]}]}
SPENT = TrialSeconds(start=1.0, values=2.0, end=3.0)


class Ending:
    """A worker that ended; `written` is what it left as its result."""

    def __init__(self, root: Path, name: str, done: Completed, written: Any = None) -> None:
        self.arm = arm(root, name)
        self.worker = Worker(scratch=root / "scratch" / name)
        self.worker.scratch.mkdir(parents=True)
        if written is not None:
            self.worker.result.write_text(json.dumps(written))
        self.message = b"?"
        self.late = False
        self.finished = 0
        self._done = done

    def finish(self) -> None:
        self.finished += 1

    def wait_for_end(self, timeout: float) -> Completed:
        return self._done

    def spent(self) -> TrialSeconds:
        return SPENT

    def failure(self, how: str) -> Failure:
        return Failure(reason=f"{self.arm.name} {how}")


def trial(root: Path, done: Completed, written: Any = None) -> tuple[Trial, Ending]:
    live = Ending(root, "base", done, written)
    plan = block(benchmark("tiny"), live.arm)
    ended = outcomes.outcome(
        live,  # type: ignore[arg-type]
        plan,
        rig(root),
        protocol="lockstep",
        clock="wall",
        position=1,
    )
    return ended, live


def test_what_was_measured_is_described(tmp_path: Path) -> None:
    ended, live = trial(tmp_path, completed(), RESULT)
    assert ended.failure is None
    assert ended.values() == (0.5, 0.25)
    assert (ended.arm, ended.position, ended.spent) == ("base", 1, SPENT)
    assert ended.result is not None
    assert "lockstep" in json.dumps(ended.result)
    assert live.finished == 1


def test_one_that_is_gone_already_is_not_asked_to_finish(tmp_path: Path) -> None:
    live = Ending(tmp_path, "base", completed(), RESULT)
    live.message = GONE
    plan = block(benchmark("tiny"), live.arm)
    outcomes.outcome(
        live,  # type: ignore[arg-type]
        plan,
        rig(tmp_path),
        protocol="lockstep",
        clock="wall",
        position=0,
    )
    assert live.finished == 0


@pytest.mark.parametrize(
    ("done", "written", "reason"),
    [
        (completed(returncode=3), RESULT, "base exited with status 3"),
        (completed(returncode=-9), RESULT, "base was killed by SIGKILL"),
        (completed(), None, "base wrote no result"),
        (completed(), {"benchmarks": []}, "base wrote no result"),
        (completed(), [1], "base wrote no result"),
        (
            Completed(returncode=-9, seconds=30.0, output="", timed_out=True),
            RESULT,
            "base was stopped: no response for 30 s (time-out)",
        ),
    ],
)
def test_why_nothing_was_measured(
    done: Completed, written: Any, reason: str, tmp_path: Path
) -> None:
    ended, _live = trial(tmp_path, done, written)
    assert ended.failure is not None
    assert ended.failure.reason == reason
    assert ended.result is None
    assert ended.spent == SPENT


def test_one_hanging_arm_ends_the_block_and_the_fault_is_its_own(tmp_path: Path) -> None:
    lives = {at: Ending(tmp_path, name, completed()) for at, name in ((0, "base"), (2, "slow"))}
    lives[2].late = True
    arms = (lives[0].arm, arm(tmp_path, "fast"), lives[2].arm)
    plan = block(benchmark("tiny"), *arms)
    trials = outcomes.all_stopped(plan, rig(tmp_path), lives, [2, 0, 1])  # type: ignore[arg-type]
    failures = {trials[at].arm: trials[at].failure for at in range(3)}
    assert {name: one.own for name, one in failures.items() if one} == {
        "base": False,
        "fast": False,
        "slow": True,
    }
    assert failures["base"] is not None
    assert failures["base"].reason == "base was stopped because slow hung"
    assert [trials[at].position for at in range(3)] == [1, 2, 0]


def test_a_block_that_is_refused_is_nobodys_own_fault(tmp_path: Path) -> None:
    plan = block(benchmark("tiny"), arm(tmp_path, "base"), arm(tmp_path, "fast"))
    trials = outcomes.refused(plan, "corun cannot")
    assert [(trial.arm, trial.position) for trial in trials] == [("base", 0), ("fast", 1)]
    assert all(trial.failure == Failure(reason="corun cannot", own=False) for trial in trials)
