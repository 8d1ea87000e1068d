from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.stats.multiplicity import family_levels, look_level

p_lists = st.lists(st.none() | st.floats(0, 1), max_size=40)
shares = st.lists(st.floats(0.01, 1), max_size=8, unique=True).map(sorted)


def test_one_comparison_needs_no_adjustment() -> None:
    assert family_levels([0.7]) == (0.05,)


def test_where_nothing_is_found_the_level_is_bonferronis() -> None:
    assert family_levels([0.5, 0.3, 0.01, 0.9]) == (0.0125,) * 4


def test_step_up_finds_what_benjamini_and_hochberg_find() -> None:
    """The worked example of their paper of 1995: 4 of 15 at 5%."""
    p_values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p_values += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    levels = family_levels(p_values)
    assert levels == pytest.approx((0.05 * 4 / 15,) * 15)
    assert sum(p <= level for p, level in zip(p_values, levels, strict=True)) == 4


def test_without_an_interval_a_benchmark_is_no_test() -> None:
    assert family_levels([None, 0.01, None]) == (0.05, 0.05, 0.05)
    assert family_levels([None]) == (0.05,)
    assert family_levels([]) == ()


@given(p_lists)
def test_levels_lie_between_bonferroni_and_plain_and_exclude_just_those_found(
    p_values: list[float | None],
) -> None:
    levels = family_levels(p_values)
    known = [p for p in p_values if p is not None]
    calls = sum(p <= level for p, level in zip(p_values, levels, strict=True) if p is not None)
    count = max(len(known), 1)
    assert all(0.05 / count * 0.999 <= level <= 0.05 * 1.001 for level in levels)
    if levels:
        assert levels[0] == pytest.approx(0.05 * max(calls, 1) / count)


@given(p_lists, st.floats(0.001, 0.2))
def test_a_stricter_rate_never_gives_a_laxer_level(
    p_values: list[float | None], error: float
) -> None:
    strict, lax = family_levels(p_values, error=error / 2), family_levels(p_values, error=error)
    assert all(first <= second for first, second in zip(strict, lax, strict=True))


def test_a_benchmark_looked_at_early_has_its_own_level() -> None:
    early, late = family_levels([0.9, 0.9], looks=[(0.5,), ()])
    assert late == 0.025
    assert early == pytest.approx(late / 4)


@given(st.floats(1e-4, 0.2), shares)
def test_all_looks_together_spend_no_more_than_alpha(alpha: float, looks: list[float]) -> None:
    spent = [look_level(alpha, looks[: index + 1]) for index in range(len(looks))]
    assert all(level >= 0 for level in spent)
    assert sum(spent) <= alpha * (1 + 1e-9)


@given(st.floats(1e-4, 0.2))
def test_a_single_look_at_the_end_has_it_all(alpha: float) -> None:
    assert look_level(alpha, ()) == alpha
    assert look_level(alpha, (1.0,)) == pytest.approx(alpha)


def test_what_is_spent_is_what_kim_and_demets_say() -> None:
    """Their function of power 2, five even looks: 4, 16, 36 and 64% of alpha, and all of it."""
    looks = (0.2, 0.4, 0.6, 0.8, 1.0)
    spent = [sum(look_level(0.05, looks[: n + 1]) for n in range(k)) for k in range(1, 6)]
    assert spent == pytest.approx([0.002, 0.008, 0.018, 0.032, 0.05])


def test_a_last_look_that_skips_the_plan_spends_what_was_left() -> None:
    assert look_level(0.05, (0.25, 0.5, 1.0)) == pytest.approx(0.05 * 0.75)


@pytest.mark.parametrize("looks", [(0.0,), (0.5, 0.5), (0.5, 0.4), (0.5, 1.1), (-0.1, 1.0)])
def test_looks_must_rise(looks: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="rising"):
        look_level(0.05, looks)
