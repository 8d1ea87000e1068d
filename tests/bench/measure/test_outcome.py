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
        self.asked = b"?"
        self.late = False
        self.finished = 0
        self._done = done

    def finish(self) -> None:
        self.finished += 1

    def ended(self, timeout: float) -> Completed:
        return self._done

    def spent(self) -> TrialSeconds:
        return SPENT

    def failure(self, how: str) -> Failure:
        return Failure(reason=f"{self.arm.name} {how}")


def trial(root: Path, done: Completed, written: Any = None) -> tuple[Trial, Ending]:
    live = Ending(root, "base", done, written)
    plan = block(benchmark("tiny"), live.arm)
    found = outcomes.outcome(
        live,  # type: ignore[arg-type]
        plan,
        rig(root),
        protocol="lockstep",
        clock="wall",
        position=1,
    )
    return found, live


def test_what_was_measured_is_described(tmp_path: Path) -> None:
    found, live = trial(tmp_path, completed(), RESULT)
    assert found.failure is None
    assert found.values() == (0.5, 0.25)
    assert (found.arm, found.position, found.spent) == ("base", 1, SPENT)
    assert found.result is not None
    assert "lockstep" in json.dumps(found.result)
    assert live.finished == 1


def test_one_that_is_gone_already_is_not_asked_to_finish(tmp_path: Path) -> None:
    live = Ending(tmp_path, "base", completed(), RESULT)
    live.asked = GONE
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
            "base was stopped: nothing came for 30 s (time-out)",
        ),
    ],
)
def test_why_nothing_was_measured(
    done: Completed, written: Any, reason: str, tmp_path: Path
) -> None:
    found, _live = trial(tmp_path, done, written)
    assert found.failure is not None
    assert found.failure.reason == reason
    assert found.result is None
    assert found.spent == SPENT


def test_one_hanging_arm_ends_the_block_and_the_fault_is_its_own(tmp_path: Path) -> None:
    lives = {at: Ending(tmp_path, name, completed()) for at, name in ((0, "base"), (2, "slow"))}
    lives[2].late = True
    arms = (lives[0].arm, arm(tmp_path, "fast"), lives[2].arm)
    plan = block(benchmark("tiny"), *arms)
    found = outcomes.all_stopped(plan, rig(tmp_path), lives, [2, 0, 1])  # type: ignore[arg-type]
    failures = {found[at].arm: found[at].failure for at in range(3)}
    assert {name: one.own for name, one in failures.items() if one} == {
        "base": False,
        "fast": False,
        "slow": True,
    }
    assert failures["base"] is not None
    assert failures["base"].reason == "base was stopped, since slow hung"
    assert [found[at].position for at in range(3)] == [1, 2, 0]


def test_a_block_that_is_refused_is_nobodys_own_fault(tmp_path: Path) -> None:
    plan = block(benchmark("tiny"), arm(tmp_path, "base"), arm(tmp_path, "fast"))
    found = outcomes.refused(plan, "corun cannot")
    assert [(one.arm, one.position) for one in found] == [("base", 0), ("fast", 1)]
    assert all(one.failure == Failure(reason="corun cannot", own=False) for one in found)
