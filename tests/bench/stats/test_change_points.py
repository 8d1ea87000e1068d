"""Change points: what is alarmed, what is not, and that the past never depends on the future."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.stats.change_points import LevelChange, scan


def nights(count: int, seed: int = 3, noise: float = 0.01) -> np.ndarray:
    """Seconds around 0.1 with `noise`."""
    rng = np.random.default_rng(seed)
    return 0.1 * np.exp(noise * rng.standard_normal(count))


def test_a_step_is_found_where_it_is_and_as_large_as_it_is() -> None:
    values = nights(120)
    values[100:] *= 1.05
    (change,) = scan(values)
    assert 98 <= change.start <= 102
    assert 102 <= change.found <= 106
    assert change.low < 1.05 < change.high
    assert change.high / change.low < 1.05
    assert change.score > 1


def test_a_step_down_is_found_as_well() -> None:
    values = nights(120)
    values[100:] *= 0.95
    (change,) = scan(values)
    assert change.high < 1


@pytest.mark.parametrize("spike", [0.01, 0.5, 1.3, 100.0])
def test_one_wild_night_is_no_alarm(spike: float) -> None:
    for seed in range(10):
        values = nights(100, seed)
        assert scan(values) == ()
        values[80] *= spike
        assert scan(values) == ()


def test_each_of_two_steps_is_found_once() -> None:
    values = nights(300)
    values[100:] *= 1.05
    values[200:] /= 1.05
    up, down = scan(values)
    assert up.ratio > 1 > down.ratio
    assert abs(up.start - 100) <= 2
    assert abs(down.start - 200) <= 2


def test_no_change_reaches_over_an_epoch() -> None:
    values = nights(120)
    values[60:] *= 1.2
    epochs = [0] * 60 + [1] * 60
    assert scan(values)
    assert scan(values, epochs) == ()
    assert all(scan(values[:n], epochs[:n]) == () for n in range(58, 90))


def test_a_return_to_an_earlier_epoch_is_a_new_one_and_nights_without_values_count() -> None:
    values = nights(121)
    values[60:] *= 1.2
    values[60] = np.nan
    assert scan(values, [0] * 60 + [1] + [0] * 60) == ()


def test_after_an_epoch_the_next_change_is_found() -> None:
    values = nights(200)
    values[60:] *= 1.2
    values[150:] *= 1.05
    (change,) = scan(values, [0] * 60 + [1] * 140)
    assert abs(change.start - 150) <= 2


def test_nights_without_a_value_are_left_out_and_the_indices_stay_the_callers() -> None:
    values = nights(160)
    values[120:] *= 1.05
    values[5:40:7] = np.nan
    values[121] = np.nan
    (change,) = scan(values)
    assert abs(change.start - 120) <= 3
    assert not np.isnan(values[[change.start, change.found]]).any()


def test_a_change_too_small_to_be_news_is_none_however_quiet_the_host() -> None:
    values = nights(120, noise=0.0001)
    values[60:] *= 1.002
    assert scan(values) == ()
    values[60:] *= 1.003
    assert len(scan(values)) == 1


@pytest.mark.parametrize("count", [0, 1, 5, 20, 24])
def test_too_few_nights_say_nothing(count: int) -> None:
    values = nights(24)[:count]
    values[count // 2 :] *= 3
    assert scan(values) == ()


def test_equal_values_are_no_change() -> None:
    assert scan([0.1] * 100) == ()


def test_the_last_night_without_a_value_raises_nothing() -> None:
    values = nights(110)
    values[100:] *= 1.05
    (change,) = scan(values)
    assert scan([*values, np.nan], known=(change,), watched=110) == (change,)


@settings(max_examples=8)
@given(
    seed=st.integers(0, 1000),
    step=st.floats(0.9, 1.1),
    at=st.integers(0, 130),
    epoch=st.integers(0, 130),
    gap=st.integers(0, 130),
)
def test_night_by_night_gives_what_the_whole_scan_gives(
    seed: int, step: float, at: int, epoch: int, gap: int
) -> None:
    values = nights(130, seed)
    values[at:] *= step
    values[gap : gap + 4] = np.nan
    epochs = [0] * epoch + [1] * (130 - epoch)
    changes: tuple[LevelChange, ...] = ()
    for count in range(1, 131):
        changes = scan(values[:count], epochs[:count], known=changes, watched=count - 1)
    assert scan(values, epochs) == changes


def test_the_chunks_of_a_long_series_join() -> None:
    """A long quiet series is scored in pieces; an alarm right after a border needs both sides."""
    for at in (275, 278, 280, 283, 535):
        values = nights(700, seed=5)
        values[at:] *= 1.06
        assert any(at <= change.found <= at + 4 for change in scan(values))


@settings(max_examples=20)
@given(
    seed=st.integers(0, 1000),
    steps=st.lists(st.integers(1, 398), max_size=4),
    epoch=st.integers(1, 399),
    watched=st.integers(0, 400),
)
def test_a_scan_goes_on_where_it_stood(
    seed: int, steps: list[int], epoch: int, watched: int
) -> None:
    values = nights(400, seed)
    for step in steps:
        values[step:] *= 1.04
    values[seed % 390 : seed % 390 + 6] = np.nan
    epochs = [0] * epoch + [1] * (400 - epoch)
    before = scan(values[:watched], epochs[:watched])
    assert scan(values, epochs, known=before, watched=watched) == scan(values, epochs)


def test_levels_of_short_references_are_those_of_each_alone() -> None:
    from bench.stats.change_points import SETTINGS, _level, _short_levels

    logs = np.log(nights(249))
    ends = np.array([20, 25, 45, 100, 245])
    centre, scale = _short_levels(logs, ends, SETTINGS)
    for at, end in enumerate(ends):
        alone = _level(logs[None, :end], SETTINGS)
        assert (centre[at], scale[at]) == pytest.approx((alone[0][0], alone[1][0]), rel=1e-12)
