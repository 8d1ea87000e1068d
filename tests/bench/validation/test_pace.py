"""How soon simulated effects are decided, and what is right to say of each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.validation import pace
from bench.validation.findings import FALSE, OURS, POWER, PYPERF, TIME
from bench.validation.simulate import Scenario


def test_right_and_wrong_answers() -> None:
    """Inside the margin a slowdown is equivalent as well; base against base is equivalent."""
    assert pace.right(0.0) == {"equivalent"}
    assert pace.wrong(0.0) == {"faster", "slower"}
    assert pace.right(0.005) == {"slower", "equivalent"}
    assert pace.wrong(0.02) == {"faster", "equivalent"}


def test_pyperf_is_given_a_whole_run_after_the_other() -> None:
    """With a drift it takes the second run for slower, and an effect for what it is."""
    rng = np.random.default_rng(1)
    drifting = Scenario(benchmarks=4, drift=0.2, spread=0.002)
    assert set(pace.their_calls(drifting, 10, 1, rng)) == {"slower"}
    quicker = replace(drifting, drift=0.0, effect=-0.1)
    assert set(pace.their_calls(quicker, 10, 1, rng)) == {"faster"}


@pytest.mark.parametrize(("affected", "sessions"), [(1, 10), (4, 3), (None, 1)])
def test_as_many_sessions_as_give_the_benchmarks(affected: int | None, sessions: int) -> None:
    scenario = Scenario(benchmarks=40, effect=0.02, affected=affected)
    assert pace.sessions(scenario, 10) == sessions


def test_a_large_effect_is_decided_at_once_and_nothing_wrong_is_said() -> None:
    steps: list[int] = []
    quiet = Scenario(benchmarks=3, spread=0.0005)
    found = pace.pace("quiet host", quiet, 2, np.random.default_rng(1), lambda: steps.append(1))
    assert len(steps) == 2 * len(pace.EFFECTS)
    ours = {(one.quantity, one.condition): one.figure for one in found if one.procedure == OURS}
    assert ours[FALSE, "wrong: 5.0% slower, quiet host"] == 0
    assert ours[POWER, "right: 5.0% slower, quiet host"] == 1
    assert ours[TIME, "5.0% slower, quiet host"] < 20
    # Of base against base there is nothing that pyperf could be right about.
    theirs = {one.condition for one in found if one.procedure == PYPERF}
    assert "right: 0.0% slower, quiet host" not in theirs
    assert "right: 5.0% slower, quiet host" in theirs


def test_only_the_effect_of_two_percent_is_in_the_summary() -> None:
    quiet = Scenario(benchmarks=2, spread=0.001)
    found = pace.pace("quiet host", quiet, 1, np.random.default_rng(1), lambda: None)
    assert {one.condition[-22:] for one in found if one.headline} == {
        "2.0% slower, quiet host"[-22:]
    }
