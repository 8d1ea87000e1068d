"""A run that is killed anywhere is continued: nothing is lost or left incomplete.

The pipeline is real but for the CPython, which is the fake: git, make, gcc, the store, pyperf. Each
round begins with an empty home; the run is killed at a random moment of one stage after the other
and started again, until it ends by itself. What it gives must be what a run gives that nobody
disturbs.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import random
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from builder.errors import EXIT_INTERRUPTED, EXIT_TERMINATED, StoreError
from tests import pipeline
from tests.pipeline import Ground, Running

pytestmark = pytest.mark.slow

SEED = 20240229
KILLS = 50
KILLS_PER_STAGE = 3
# How often one round aims at each stage, in the order in which they come.
AIMS = {
    "resolve": 2,
    "plan": 2,
    "export": 1,
    "configure": 1,
    "make": 1,
    "install": 1,
    "stamp": 1,
    "gate": 1,
    "environment": 2,
    "scripts": 1,
    "requirements": 1,
    "calibration": 2,
    "block": 2,
    "keep": 2,
    "result": 2,
}
BUILDING = ("export", "configure", "make", "install", "stamp", "gate")
SIGNALS = {signal.SIGKILL: 7, signal.SIGTERM: 2, signal.SIGINT: 2}
EXIT_CODES = {
    signal.SIGKILL: -signal.SIGKILL,
    signal.SIGTERM: EXIT_TERMINATED,
    signal.SIGINT: EXIT_INTERRUPTED,
}


@dataclass(frozen=True, kw_only=True)
class Undisturbed:
    """What a run gives that nobody disturbs, and how many seconds each stage takes at most."""

    ground: Ground
    outcome: dict[str, Any]
    seconds: dict[str, float]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    ground = pipeline.lay_out(tmp_path_factory.mktemp("interruption"))
    with pipeline.start(ground, ground.arguments()) as running:
        assert running.end() == 0, running.said
    seconds: dict[str, float] = collections.defaultdict(float)
    for (stage, _, began), (_, _, ended) in itertools.pairwise(running.stages):
        seconds[stage] = max(seconds[stage], ended - began)
    seconds["result"] = seconds["plan"]
    return Undisturbed(ground=ground, outcome=pipeline.outcome(ground), seconds=dict(seconds))


@pytest.fixture
def ground(undisturbed: Undisturbed) -> Iterator[Ground]:
    """The same folders every time: a prefix is compiled into its build."""
    undisturbed.ground.clear()
    yield undisturbed.ground
    undisturbed.ground.full.unlink(missing_ok=True)


# -- kills ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Aim:
    """A kill to come: at `fraction` of the time that the stage usually takes."""

    stage: str
    arm: str
    fraction: float
    signal: signal.Signals


@dataclass
class Hunt:
    """Kills so far: how many hit which stage, with which signal, and a line for each."""

    chance: random.Random
    stages: collections.Counter[str] = field(default_factory=collections.Counter)
    signals: collections.Counter[signal.Signals] = field(default_factory=collections.Counter)
    log: list[str] = field(default_factory=list)

    def aims(self) -> list[Aim]:
        """The kills of one round, in the order in which the pipeline comes to them."""
        arms = {stage: self.chance.choice(("3.13.5 plain", "+ slow")) for stage in BUILDING}
        # All of the base's builds come before the candidate's, and the gates after both.
        stages = [stage for stage in AIMS if stage in ("resolve", "plan")]
        for arm in ("3.13.5 plain", "+ slow"):
            stages += [one for one in BUILDING[:-1] if arms[one] == arm]
        stages += [stage for stage in AIMS if stage not in stages]
        weights = list(SIGNALS.values())
        return [
            Aim(
                stage=stage,
                arm=arms.get(stage, ""),
                fraction=self.chance.uniform(0, 0.95),
                signal=self.chance.choices(list(SIGNALS), weights)[0],
            )
            for stage in stages
            for _ in range(AIMS[stage])
        ]

    def is_over(self) -> bool:
        """Whether enough was hit."""
        return sum(self.stages.values()) >= KILLS and all(
            self.stages[stage] >= KILLS_PER_STAGE for stage in AIMS
        )

    def shoot(self, aim: Aim, running: Running, seconds: float) -> bool:
        """Kill a run; False when it came to its end before."""
        if running.comes_to(aim.stage, aim.arm):
            running.waits(aim.fraction * seconds)
        running.process.send_signal(aim.signal)
        code = running.end()
        if code == 0:
            return False
        self.log.append(f"{aim.signal.name} at {running.stage}, aimed at {aim}: {code}")
        assert code == EXIT_CODES[aim.signal], f"{self.log[-1]}\n{running.said}"
        assert "Traceback" not in running.said
        self.stages[running.stage] += 1
        self.signals[aim.signal] += 1
        return True


def test_a_run_that_is_killed_anywhere_goes_on(undisturbed: Undisturbed, ground: Ground) -> None:
    hunt = Hunt(chance=random.Random(SEED))
    for _round in range(12):
        ground.clear()
        _hunted_round(hunt, ground, undisturbed)
        if hunt.is_over():
            break
    print("\n".join(hunt.log))
    print(dict(hunt.stages), dict(hunt.signals))
    assert sum(hunt.stages.values()) >= KILLS
    assert {stage for stage in AIMS if hunt.stages[stage] < KILLS_PER_STAGE} == set()
    assert set(hunt.signals) == set(SIGNALS)


def _hunted_round(hunt: Hunt, ground: Ground, undisturbed: Undisturbed) -> None:
    """Kill one run over and over, until it is complete; compare what it gives."""
    before: dict[str, str] = {}
    calibrated: list[Any] = []
    for aim in hunt.aims():
        with pipeline.start(ground, ground.arguments()) as running:
            goes_on = hunt.shoot(aim, running, undisturbed.seconds[aim.stage])
        assert pipeline.leftovers(ground) == []
        assert not pipeline.is_timing(ground)
        pipeline.check_whole(ground, undisturbed.outcome)
        after = pipeline.kept(ground)
        assert before.items() <= after.items(), hunt.log[-1]
        now = pipeline.calibrated(ground)
        assert now[: len(calibrated)] == calibrated, hunt.log[-1]
        before, calibrated = after, now
        if not goes_on:
            break
    with pipeline.start(ground, ground.arguments()) as running:
        assert running.end() == 0, f"{hunt.log[-1]}\n{running.said}"
    assert before.items() <= pipeline.kept(ground).items()
    _check_outcome(ground, undisturbed)


def _check_outcome(ground: Ground, undisturbed: Undisturbed) -> None:
    lines = pipeline.differences(pipeline.outcome(ground), undisturbed.outcome)
    assert not lines, "\n".join(lines)


def test_a_complete_run_answers_from_what_it_has(undisturbed: Undisturbed, ground: Ground) -> None:
    with pipeline.start(ground, ground.arguments()) as running:
        assert running.end() == 0, running.said
    before, first = pipeline.kept(ground), running.output

    with pipeline.start(ground, ground.arguments()) as running:
        assert running.end() == 0, running.said

    assert running.output == first
    assert [stage for stage, _, _ in running.stages] == ["resolve", "plan"]
    assert pipeline.kept(ground) == before


# -- a full disk ---------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [1, 2])
def test_a_disk_that_is_full_in_any_stage_ends_the_run_with_one_message(
    after: int, undisturbed: Undisturbed, ground: Ground
) -> None:
    for stage in AIMS:
        fault = ["--full-in", stage, str(after)]
        with pipeline.start(ground, [*fault, *ground.arguments()]) as running:
            _check_disk_full(running.end(), running)
        assert pipeline.leftovers(ground) == []
        pipeline.check_whole(ground, undisturbed.outcome)

    with pipeline.start(ground, ground.arguments()) as running:
        assert running.end() == 0, running.said
    _check_outcome(ground, undisturbed)


def _check_disk_full(code: int, running: Running) -> None:
    assert code == StoreError.exit_code, running.said
    message = running.said[running.said.rindex("patchbench: ") :]
    assert re.search("no space left on( the)? device|disk is full", message, re.IGNORECASE)
    assert "to do:" in message
    assert running.said.count("patchbench: ") == 1
    assert "Traceback" not in running.said


def test_a_compiler_that_finds_no_space_ends_the_run_with_one_message(
    undisturbed: Undisturbed, ground: Ground
) -> None:
    ground.full.touch()
    with pipeline.start(ground, ground.arguments()) as running:
        _check_disk_full(running.end(), running)
    assert pipeline.folders(ground.home / "builds") == []

    ground.full.unlink()
    with pipeline.start(ground, ground.arguments()) as running:
        assert running.end() == 0, running.said
    _check_outcome(ground, undisturbed)


_ON_A_SMALL_DISK = """
disk=$1
shift
mount -t tmpfs -o size=48m tmpfs "$disk" || exit 77
for left in 40 400 4000; do
    free=$(df --output=avail --block-size=1K "$disk" | tail -1)
    head -c $(((free - left) * 1024)) /dev/zero > "$disk/ballast"
    "$@" >&2
    echo "exit $?"
    rm "$disk/ballast"
done
"$@" >&2
echo "exit $?"
"""


def test_a_file_system_that_really_is_full(tmp_path: Path) -> None:
    ground = pipeline.lay_out(tmp_path, blocks=2)
    disk = tmp_path / "disk"
    disk.mkdir()
    ground = dataclasses.replace(ground, home=disk / "home", out=disk / "out")
    unshare = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _ON_A_SMALL_DISK)

    with pipeline.start(ground, ground.arguments(), *unshare, "sh", str(disk)) as running:
        code = running.end()

    if code == 77 or "unshare failed" in running.said:
        pytest.skip(f"this machine lets nobody mount a disk: {running.said}")
    assert running.output.splitlines() == ["exit 9", "exit 9", "exit 9", "exit 0"], running.said
    assert running.said.count("patchbench: ") == 3
    assert "Traceback" not in running.said
