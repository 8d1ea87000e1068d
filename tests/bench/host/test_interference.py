from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.host.facts import HostState
from bench.host.interference import busy_before, may_repeat, tally, why_disturbed

CALM = HostState(
    seconds=3.0,
    load=5.0,
    busy=1.9,
    steal=0.01,
    memory_available=2**30,
    memory_pressure=0.001,
    memory_free=0.5,
    foreign=0.9,
    foreign_here=0.02,
    foreign_sibling=0.1,
    throttled=0,
    frequency=2_000_000_000,
)
UNKNOWN = HostState(
    seconds=3.0,
    load=None,
    busy=None,
    steal=None,
    memory_available=None,
    memory_pressure=None,
)


def test_work_on_other_cpus_is_no_disturbance_nor_is_what_the_host_does_not_tell() -> None:
    assert why_disturbed(CALM) == ""
    assert why_disturbed(UNKNOWN) == ""


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"foreign_here": 0.06}, "others worked on the measured CPU"),
        ({"foreign_sibling": 0.3}, "others worked on its sibling thread"),
        ({"steal": 0.06}, "the hypervisor kept CPU time back"),
        ({"memory_pressure": 0.02}, "work waited for memory"),
        ({"memory_free": 0.02}, "little memory was left"),
        ({"throttled": 1}, "heat slowed the CPU down"),
    ],
)
def test_each_reason_is_told(changed: dict[str, Any], reason: str) -> None:
    state = replace(CALM, **changed)
    assert why_disturbed(state) == reason
    assert why_disturbed(replace(state, seconds=0.4)) == ""


def test_several_reasons_are_all_told() -> None:
    state = replace(CALM, steal=0.5, foreign_here=0.5)
    assert why_disturbed(state) == (
        "others worked on the measured CPU, the hypervisor kept CPU time back"
    )


@given(st.integers(0, 1000))
def test_at_most_a_fifth_is_measured_again(planned: int) -> None:
    again = 0
    while may_repeat(again, planned):
        again += 1
    assert again == planned // 5


def test_a_busy_host_is_told_before_the_first_block() -> None:
    assert "0.9 of 2 CPUs" in busy_before(CALM, 2)
    assert busy_before(CALM, 64) == busy_before(UNKNOWN, 2) == ""


def test_a_tally_tells_the_rule_with_its_figures() -> None:
    told = tally(kept=3, again=2)
    rule = told.pop("rule")
    assert told == {"disturbed": 5, "measured_again": 2, "kept": 3}
    assert "5% of the measured CPU" in rule
