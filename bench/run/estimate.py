"""Estimates of how long the stages of a run take, from what they took before. Pure.

An estimate is a range with its origin in words. Where nothing was measured on this machine, the
estimate says so, and names figures of another machine as such.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

# What was seen on two cores of another machine, in seconds, by flavor: (least, most).
ELSEWHERE_PLAIN = (120.0, 360.0)
ELSEWHERE_PGO = (900.0, 2400.0)
ELSEWHERE_GATE = {"short": (10.0, 40.0), "core": (60.0, 240.0), "full": (600.0, 2400.0)}
# A single duration says little of the next one, on a machine that others use as well.
_SPREAD = 1.5
_MINUTE = 60


@dataclass(frozen=True, kw_only=True)
class DurationEstimate:
    """Seconds from `low` to `high`, and in one line where they come from."""

    low: float
    high: float
    origin: str
    is_known: bool = True

    def __str__(self) -> str:
        if self.high <= 0:
            return self.origin
        return f"{span(self.low, self.high)} ({self.origin})"


@dataclass(frozen=True, kw_only=True)
class BuildHistory:
    """What builds took here: seconds in total, of one branch and of one kind of flavor.

    `cached`: the compiler's cache serves such builds, so that some durations are of a warm cache.
    """

    label: str
    seconds: tuple[float, ...]
    is_pgo: bool
    cached: bool


@dataclass(frozen=True, kw_only=True)
class BlockHistory:
    """What blocks took here: seconds of one arm's process with its start, and of how many runs."""

    seconds: tuple[float, ...]
    runs: int


def builds(count: int, history: BuildHistory) -> DurationEstimate:
    """An estimate of `count` builds of one kind."""
    if not count:
        return DurationEstimate(low=0, high=0, origin="nothing to build: all are in the store")
    if not history.seconds:
        low, high = ELSEWHERE_PGO if history.is_pgo else ELSEWHERE_PLAIN
        each = " each" if count > 1 else ""
        return DurationEstimate(
            low=low * count,
            high=high * count,
            origin=f"unknown: nothing like {history.label} was built here yet; on 2 cores of "
            f"another machine {span(low, high)}{each}",
            is_known=False,
        )
    low, high = spread(history.seconds)
    words = f"builds here took {span(min(history.seconds), max(history.seconds))}"
    seen = len(history.seconds)
    origin = f"{words} ({seen} build{'s' if seen != 1 else ''} of {history.label})"
    if history.cached:
        origin += "; less with a warm compiler cache, more with a cold one"
    return DurationEstimate(low=low * count, high=high * count, origin=origin)


def gate(count: int, selection: str, seconds: Sequence[float], branch: str) -> DurationEstimate:
    """An estimate of `count` runs of a selection of CPython's tests."""
    if not count:
        return DurationEstimate(
            low=0, high=0, origin="nothing to test: no gate, or its results are stored"
        )
    if not seconds:
        low, high = ELSEWHERE_GATE.get(selection, ELSEWHERE_GATE["core"])
        return DurationEstimate(
            low=low * count,
            high=high * count,
            origin=f"unknown: the {selection} tests of {branch} did not run here yet; on 2 cores "
            f"of another machine {span(low, high)} for each build",
            is_known=False,
        )
    low, high = spread(seconds)
    runs = f"{len(seconds)} run{'s' if len(seconds) != 1 else ''} of {branch}"
    took = span(min(seconds), max(seconds))
    return DurationEstimate(
        low=low * count, high=high * count, origin=f"{selection} tests here took {took} ({runs})"
    )


def session(
    *,
    benchmarks: int,
    arms: int,
    blocks: int,
    least_blocks: int,
    process: float,
    budget: float | None,
    history: BlockHistory,
) -> DurationEstimate:
    """An estimate of the timing. `least_blocks`: the first look, or all blocks without looks."""
    if not benchmarks:
        return DurationEstimate(low=0, high=0, origin="nothing to measure")
    if history.seconds:
        low, high = quartiles(history.seconds)
        runs = f"{history.runs} run{'s' if history.runs != 1 else ''}"
        origin = (
            f"a process of a block took {span(low, high)} here ({len(history.seconds)} blocks of "
            f"{runs})"
        )
    else:
        # Its start and warm-up take about as long as its values.
        low, high = process, process * 4
        origin = (
            f"unknown: nothing was measured here yet; a process is to time {process:g} s of values"
        )
    low, high = low * arms * benchmarks * least_blocks, high * arms * benchmarks * blocks
    if budget is not None and high > budget:
        low, high = min(low, budget), budget
        origin += f"; the budget ends it after {duration(budget)}"
    return DurationEstimate(low=low, high=high, origin=origin, is_known=bool(history.seconds))


def total(parts: Sequence[DurationEstimate]) -> DurationEstimate:
    """All stages together."""
    unknown = [part for part in parts if not part.is_known]
    origin = "the sum of these, without the installation of packages"
    if unknown:
        origin += f"; {len(unknown)} of them unknown on this machine"
    return DurationEstimate(
        low=sum(part.low for part in parts),
        high=sum(part.high for part in parts),
        origin=origin,
        is_known=not unknown,
    )


def spread(seconds: Sequence[float]) -> tuple[float, float]:
    """The range to expect of the next duration: what was seen, wider around a few."""
    low, high, middle = min(seconds), max(seconds), median(seconds)
    factor = 1 + (_SPREAD - 1) / math.sqrt(len(seconds))
    return min(low, middle / factor), max(high, middle * factor)


def quartiles(seconds: Sequence[float]) -> tuple[float, float]:
    """The middle half of many durations."""
    ranked = sorted(seconds)
    last = len(ranked) - 1
    return ranked[round(last / 4)], ranked[round(last * 3 / 4)]


def span(low: float, high: float) -> str:
    """A range in the unit of its end: 2 to 6 min; one figure where both are shown alike."""
    first, second = duration(low), duration(high)
    if first == second:
        return first
    unit = second.rpartition(" ")[2]
    if unit == "min" and low >= _MINUTE:
        first = f"{low / _MINUTE:.2g}"
    return f"{first.removesuffix(f' {unit}')} to {second}"


def duration(seconds: float) -> str:
    """A duration for readers: 45 s, 12 min, 2.5 h."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 150:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.1f} h"
