"""Detect change points: since which night a benchmark's time has been different. Pure functions.

The method is the window-limited generalized likelihood ratio (Willsky and Jones 1976; Lai 1995,
"Sequential changepoint detection in quality control and dynamical systems", J. R. Statist. Soc. B
57): each night the mean of the last w nights, for several w, is compared with the nights before
them, and the largest of these scores with one threshold. Two things are added for benchmarks:

- Scores are clipped (Huber's psi), and no window is shorter than five nights: a single night,
  however extreme, raises no alarm; even a large step takes three or four nights to raise one.
- The reference is up to 250 nights before the window. Its centre and scale are robust: the
  median and the median absolute deviation, improved by one step of winsorizing. With few
  nights in it the threshold rises as the quantile of Student's t does.

A detected change ends the reference: later nights are compared with nights after it. So does a
new epoch, which never raises an alarm itself: no window and no reference crosses its start.

The threshold was chosen by simulation (`bench.validation.change_points`), not by a formula. The
simulation gives the rate of false alarms and the delay until a step is detected. It assumes that
nights are independent and nearly normal: where they are not, alarms are more frequent, which is
why each is confirmed by measuring again. A slow drift moves the reference along and is not
detected: the ratios to a fixed release show it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.stats.level_change import SETTINGS, Floats, LevelChange, Settings

# The median absolute deviation of a normal distribution is this part of its standard deviation.
_MAD_SHARE = 0.6744897501960817
_NORMAL_95 = 1.959963984540054
# Number of nights that are scored at once: after a change the rest is scored again.
_CHUNK = 256


def scan(
    values: Sequence[float] | Floats,
    epochs: Sequence[int] | npt.NDArray[np.int64] | None = None,
    settings: Settings = SETTINGS,
    *,
    known: Sequence[LevelChange] = (),
    watched: int = 0,
) -> tuple[LevelChange, ...]:
    """Return all changes of a series of seconds or ratios, one a night, NaN for a missing value.

    `epochs` has the epoch of each night; the detection restarts at a night whose epoch differs from
    the one before. The result at a night does not depend on later nights: the result of a scan of
    the first `watched` nights may be passed as `known`, and only later nights are scored.
    """
    logs, nights = _logs(values)
    new = int(np.searchsorted(nights, watched))
    changes = list(known)
    for first, last in _spans(epochs, nights):
        if last <= new:
            continue
        own = [change.start for change in known if change.start >= nights[first]]
        start = max(first, int(np.searchsorted(nights, own[-1]))) if own else first
        while (change := _first(logs[start:last], settings, since=new - start)) is not None:
            changes.append(_moved(change, nights, start))
            start += change.start
    return tuple(changes)


def _logs(values: Sequence[float] | Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return the logarithms of the valid values, and the indices of their nights."""
    array = np.asarray(values, dtype=np.float64)
    nights = np.flatnonzero(np.isfinite(array) & (array > 0))
    return np.log(array[nights]), nights


def _spans(epochs: Any, nights: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return first and last + 1 of each run of nights in one epoch, as indices into `nights`.

    Every change of the epoch counts, also one back to an earlier number or in nights without value.
    """
    if epochs is None:
        return [(0, len(nights))]
    runs = np.concatenate(([0], np.cumsum(np.diff(np.asarray(epochs)) != 0)))[nights]
    edges = np.flatnonzero(np.diff(runs)) + 1
    return list(zip([0, *edges.tolist()], [*edges.tolist(), len(nights)], strict=True))


def _moved(change: LevelChange, nights: npt.NDArray[np.int64], start: int) -> LevelChange:
    """Convert the indices of a change to the caller's nights."""
    return LevelChange(
        start=int(nights[start + change.start]),
        found=int(nights[start + change.found]),
        ratio=change.ratio,
        low=change.low,
        high=change.high,
        score=change.score,
    )


@dataclass(frozen=True, kw_only=True)
class _References:
    """Centre, scale and number of nights of the reference that ends before night i * stride."""

    centre: Floats
    scale: Floats
    nights: Floats


def _references(logs: Floats, first: int, last: int, settings: Settings) -> _References:
    """Compute the references of windows that begin at `first` to `last`, and no others."""
    stride, most = settings.stride, settings.reference
    count = last // stride + 1
    centre, scale, nights = np.zeros(count), np.ones(count), np.ones(count)
    ends = np.arange(first // stride, count) * stride
    short = ends[(ends < most) & (ends >= min(settings.least_reference, most))]
    if len(short):
        centre[short // stride], scale[short // stride] = _short_levels(logs, short, settings)
        nights[short // stride] = short
    full = ends[ends >= most]
    if len(full):
        rows = np.lib.stride_tricks.sliding_window_view(logs, most)[full - most]
        centre[full // stride], scale[full // stride] = _level(rows, settings)
        nights[full // stride] = most
    return _References(centre=centre, scale=scale, nights=nights)


def _short_levels(
    logs: Floats, ends: npt.NDArray[np.int64], settings: Settings
) -> tuple[Floats, Floats]:
    """Compute `_level` of the nights before each of `ends` at once. Short rows are padded with
    infinity, which sorts to the end. All rows are as long as the longest reference, also where a
    shorter one would do, since the last bit of a sum depends on the length of the row.
    """
    width, counts = settings.reference, ends[:, None]
    is_filled = np.arange(width) < counts
    padded = np.full(width, np.inf)
    padded[: min(width, len(logs))] = logs[:width]
    rows = np.where(is_filled, padded, np.inf)

    def medians(values: Floats) -> Floats:
        ordered = np.sort(values, axis=1)
        low, high = (np.take_along_axis(ordered, at, axis=1) for at in _middles(counts))
        return np.asarray((low + high) / 2, dtype=np.float64)

    middle = medians(rows)
    spread = np.maximum(medians(np.abs(rows - middle)) / _MAD_SHARE, settings.floor)
    kept = np.where(is_filled, np.clip(rows, middle - 3 * spread, middle + 3 * spread), 0)
    centre = kept.sum(axis=1, keepdims=True) / counts
    squares = np.where(is_filled, (kept - centre) ** 2, 0).sum(axis=1) / (ends - 1)
    return centre[:, 0], np.maximum(np.sqrt(squares) / 0.99, settings.floor)


def _middles(counts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], ...]:
    """Return the indices of the one or two middle values."""
    return (counts - 1) // 2, counts // 2


def _level(rows: Floats, settings: Settings) -> tuple[Floats, Floats]:
    """Robust centre and scale of each row: a step of winsorizing from the median and the MAD.

    The step keeps nearly all of the mean's and the deviation's efficiency, of which the MAD alone
    has 37%. Values are winsorized at three scales: on normal noise that reduces the deviation by
    1%.
    """
    middle = np.median(rows, axis=1, keepdims=True)
    spread = np.median(np.abs(rows - middle), axis=1, keepdims=True) / _MAD_SHARE
    spread = np.maximum(spread, settings.floor)
    kept = np.clip(rows, middle - 3 * spread, middle + 3 * spread)
    return kept.mean(axis=1), np.maximum(kept.std(axis=1, ddof=1) / 0.99, settings.floor)


def _first(logs: Floats, settings: Settings, *, since: int = 0) -> LevelChange | None:
    """Return the first alarm in a run of nights that night `since` or a later one raises."""
    least = -(-settings.least_reference // settings.stride) * settings.stride
    begin = max(least + min(settings.windows) - 1, since)
    for first in range(begin, len(logs), _CHUNK):
        last = min(first + _CHUNK, len(logs))
        scores = _scores(logs, first, last, settings)
        best = np.abs(scores).max(axis=0)
        alarms = np.flatnonzero(best > 1)
        if len(alarms):
            at = int(alarms[0])
            window = settings.windows[int(np.abs(scores[:, at]).argmax())]
            return _change(logs, first + at, window, float(best[at]), settings)
    return None


def _scores(logs: Floats, first: int, last: int, settings: Settings) -> Floats:
    """Return the scores of nights `first` to `last` - 1, a row for each window, in units of the
    threshold. 0 where the reference before a window is too short, or the change is too small.
    """
    stride = settings.stride
    nights = np.arange(first, last)
    lowest = max(0, first + 1 - max(settings.windows))
    references = _references(logs, lowest, last - min(settings.windows), settings)
    scores = np.zeros((len(settings.windows), len(nights)))
    for row, width in enumerate(settings.windows):
        starts = nights + 1 - width
        ok = starts // stride * stride >= settings.least_reference
        starts = starts[ok]
        if not len(starts):
            continue
        at = starts // stride
        recent = np.lib.stride_tricks.sliding_window_view(logs, width)[starts]
        far = (recent - references.centre[at, None]) / references.scale[at, None]
        mean = np.clip(far, -settings.clip, settings.clip).mean(axis=1)
        score = mean / np.sqrt(1 / width + 1 / references.nights[at])
        score /= _limit(settings.threshold, references.nights[at] - 1)
        # The median, not the clipped mean, which never becomes large enough on a very quiet host.
        high = np.flatnonzero(np.abs(score) > 1)
        moved = np.median(recent[high], axis=1) - references.centre[at[high]]
        score[high[np.abs(moved) < settings.least]] = 0
        scores[row, ok] = score
    return scores


def _limit(threshold: float, freedom: Floats) -> Floats:
    """Student's quantile at the level of a normal one: Abramowitz and Stegun, 26.7.5."""
    z = threshold
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return np.asarray(z + first / freedom + second / freedom**2, dtype=np.float64)


def _change(logs: Floats, night: int, window: int, score: float, settings: Settings) -> LevelChange:
    """Return the change of an alarm. Its ratio uses unclipped values: the median of the new level.

    The change may be anywhere in the window: the new level begins where the nights from there to
    the alarm, at least three, have the highest score.
    """
    first = night + 1 - window
    end = first // settings.stride * settings.stride
    old, scale = _level(logs[None, max(0, end - settings.reference) : end], settings)
    nights = min(end, settings.reference)
    backwards = np.clip(
        (logs[first : night + 1][::-1] - old) / scale, -settings.clip, settings.clip
    )
    scores = np.abs(np.cumsum(backwards)) / np.sqrt(np.arange(1, window + 1))
    window = 3 + int(scores[2:].argmax())
    start = night + 1 - window
    moved = float(np.median(logs[start : night + 1])) - float(old[0])
    # The standard error of a median is 1.2533 times that of a mean (normal values).
    error = _NORMAL_95 * float(scale[0]) * math.sqrt(1.5708 / window + 1 / nights)
    return LevelChange(
        start=start,
        found=night,
        ratio=math.exp(moved),
        low=math.exp(moved - error),
        high=math.exp(moved + error),
        score=score,
    )
