"""Progress of the arms of a corun block, and whether an arm should time another value. Pure.

All arms are released together and each times the planned values; only whole values are counted. The
end of the block needs care: an arm that has timed its values continues while another arm still
needs a considerable part of a value's time, so that all have values from the whole window, and
keeps the core busy after that, so that no arm finishes alone. The decision is made before a value
begins and depends only on the time left: a value that has begun always counts. (Dropping unfinished
values at the end, as duet benchmarking does, drops long values more often than short ones; counting
parts of values would need the work done in a part, which is unknown.)
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any


class ValueWindow:
    """Times are seconds of one clock; arms are any hashable keys."""

    def __init__(self, planned: Mapping[Any, int], began: float) -> None:
        """`planned`: the number of values for each arm; `began`: the time of the release."""
        self._planned = planned
        self._began = began
        self._done = dict.fromkeys(planned, 0)
        self._last = dict.fromkeys(self._done, began)

    def timed(self, arm: Hashable, now: float) -> None:
        """Record that the arm has timed a value."""
        self._done[arm] += 1
        self._last[arm] = now

    def left(self, arm: Hashable) -> None:
        """Record that the arm's process has ended: the others do not wait for it."""
        self._done[arm] = max(self._done[arm], self._planned[arm])

    def wants_more(self, arm: Hashable, now: float) -> bool:
        """Whether the arm should time another value: others need at least half of its time."""
        return self._remaining(now) >= self._value(arm, now) / 2 > 0

    def _remaining(self, now: float) -> float:
        """The estimated seconds until all arms have timed their planned values."""
        return max(
            (self._planned[arm] - done) * self._value(arm, now) - (now - self._last[arm])
            if done < self._planned[arm]
            else 0.0
            for arm, done in self._done.items()
        )

    def _value(self, arm: Hashable, now: float) -> float:
        """The seconds of one value: the mean so far, or the time of the current one if longer."""
        done = self._done[arm]
        so_far = (self._last[arm] - self._began) / done if done else 0.0
        return max(so_far, now - self._last[arm])
