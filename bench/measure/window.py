"""How far the arms of a corun block are, and whether one of them should time another value. Pure.

All arms are released together and each times the planned values; whole values are counted and none
is cut. What is left are the edges at the end: an arm that has timed its values goes on while
another still has a good part of a value's time to go, so that all have values from the whole
window, and keeps the core busy after that, so that nobody finishes alone. The decision is made
before a value begins and looks only at how much is left: a value that has begun always counts.
(Dropping what is under way when time is up, as duets do, drops long values more often than short
ones; cutting it needs the work done in a part of a value, which nobody knows.)
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any


class ValueWindow:
    """Times are seconds of one clock; arms are named by anything hashable."""

    def __init__(self, planned: Mapping[Any, int], began: float) -> None:
        """`planned`: how many values each arm is to time."""
        self._planned = planned
        self._began = began
        self._done = dict.fromkeys(planned, 0)
        self._last = dict.fromkeys(self._done, began)

    def timed(self, arm: Hashable, now: float) -> None:
        """The arm has timed one more value."""
        self._done[arm] += 1
        self._last[arm] = now

    def left(self, arm: Hashable) -> None:
        """The arm has died: nobody waits for it."""
        self._done[arm] = max(self._done[arm], self._planned[arm])

    def wants_more(self, arm: Hashable, now: float) -> bool:
        """Whether the arm should time another value: others need half of its time, or longer."""
        return self._remaining(now) >= self._value(arm, now) / 2 > 0

    def _remaining(self, now: float) -> float:
        """Seconds until all have timed what was planned, as far as one can tell."""
        return max(
            (self._planned[arm] - done) * self._value(arm, now) - (now - self._last[arm])
            if done < self._planned[arm]
            else 0.0
            for arm, done in self._done.items()
        )

    def _value(self, arm: Hashable, now: float) -> float:
        """Seconds of one value: so far, or at least what the one under way has taken."""
        done = self._done[arm]
        so_far = (self._last[arm] - self._began) / done if done else 0.0
        return max(so_far, now - self._last[arm])
