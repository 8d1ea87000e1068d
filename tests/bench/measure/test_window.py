"""Who goes on, on a clock of the tests' own."""

from __future__ import annotations

import pytest

from bench.measure.window import ValueWindow


def window(planned: int, **done: tuple[int, float]) -> ValueWindow:
    """Each arm has timed so many values, evenly, the last at that time; all began at 100."""
    one = ValueWindow(dict.fromkeys(done, planned), began=100.0)
    for arm, (count, last) in done.items():
        for number in range(count):
            one.timed(arm, 100 + (last - 100) * (number + 1) / count)
    return one


def test_arms_that_end_together_time_no_more() -> None:
    one = window(4, a=(4, 108.0), b=(3, 106.1))
    assert not one.wants_more("a", 108.0)
    one.timed("b", 108.1)
    assert not one.wants_more("b", 108.1)


def test_a_faster_arm_goes_on_while_another_needs_half_of_its_value_or_more() -> None:
    # b's values take 3 s: the fourth ends at 112.
    one = window(4, a=(4, 104.0), b=(1, 103.0))
    asked = [104.0, 105.0, 106.0]
    for now in asked:
        assert one.wants_more("a", now)
        one.timed("a", now + 1)


def test_extra_values_of_others_are_no_reason_to_go_on() -> None:
    one = window(2, a=(2, 102.0), b=(2, 106.0))
    assert not one.wants_more("a", 106.0)
    assert not one.wants_more("b", 106.0)


def test_an_arm_without_a_value_yet_is_taken_for_as_slow_as_it_is_so_far() -> None:
    one = window(2, a=(2, 102.0), b=(0, 100.0))
    assert one.wants_more("a", 102.0)


def test_an_overdue_arm_is_expected_at_any_moment() -> None:
    # Its values took 1 s each; the last one has taken 5 by now, and nobody knows.
    one = window(10, a=(10, 105.0), b=(9, 109.0))
    one.timed("a", 114.0)
    assert not one.wants_more("a", 114.0)


@pytest.mark.parametrize(("first", "wanted"), [(102.5, True), (102.49, False)])
def test_the_limit_is_half_of_its_own_value(first: float, wanted: bool) -> None:
    # a's values take 2 s; b is expected to end as much after its first value as that took.
    one = window(2, a=(2, 104.0), b=(1, first))
    assert one.wants_more("a", 104.0) is wanted


def test_nobody_waits_for_a_dead_arm() -> None:
    one = window(3, a=(3, 103.0), b=(1, 101.0))
    assert one.wants_more("a", 103.0)
    one.left("b")
    assert not one.wants_more("a", 103.0)


def test_alone() -> None:
    assert not window(3, a=(3, 103.0)).wants_more("a", 103.0)
