"""Choose the next commit to judge, and keep the set of suspects. Pure.

The rules are git bisect's: a bad commit clears all commits that are not its ancestors, a good one
clears its ancestors and itself, and one that cannot be judged is skipped and remains a suspect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

GOOD, BAD, SKIPPED = "good", "bad", "skipped"
"""The sides of a commit. Good is GOOD's side of the change, whether faster or slower."""
UNDECIDED = "undecided"
"""Neither side: the interval contains the middle between the two."""


def side(ratio: float | None, low: float | None, high: float | None, *, change: float) -> str:
    """On which side of a change a commit lies: good, bad or undecided.

    `ratio`, `low` and `high` are the commit's time / GOOD's with its interval, `change` is BAD's.
    The limit between the sides is the geometric middle, the square root of `change`. Undecided if
    the interval contains the middle, or if there is no interval.
    """
    if ratio is None or low is None or high is None:
        return UNDECIDED
    middle = math.sqrt(change)
    if low <= middle <= high:
        return UNDECIDED
    return BAD if (low > middle) == (change > 1) else GOOD


class Search:
    """The commits after GOOD up to BAD, with their sides as far as they are judged.

    `parents` maps each of them, BAD included, to its parents; a parent that is no key is GOOD or
    one of its ancestors.
    """

    def __init__(self, parents: Mapping[str, Sequence[str]], bad: str) -> None:
        self._order = _oldest_first(parents, bad)
        self._number = {commit: number for number, commit in enumerate(self._order)}
        # The ancestors of each commit and itself, as bit sets.
        self._reach: list[int] = []
        for number, commit in enumerate(self._order):
            reach = 1 << number
            for parent in parents[commit]:
                if parent in self._number:
                    reach |= self._reach[self._number[parent]]
            self._reach.append(reach)
        self.judged: dict[str, str] = {bad: BAD}
        self._suspected = self._reach[self._number[bad]]

    def judge(self, commit: str, side: str) -> None:
        """Record that a suspected commit is good, bad or skipped."""
        reach = self._reach[self._number[commit]]
        self.judged[commit] = side
        if side == BAD:
            self._suspected &= reach
        elif side == GOOD:
            self._suspected &= ~reach

    @property
    def suspects(self) -> tuple[str, ...]:
        """The commits that may have caused the change, oldest first."""
        return tuple(commit for n, commit in enumerate(self._order) if self._suspected >> n & 1)

    @property
    def open(self) -> tuple[str, ...]:
        """The suspects that are not judged yet."""
        return tuple(commit for commit in self.suspects if commit not in self.judged)

    @property
    def steps_left(self) -> int:
        """About how many more commits have to be judged."""
        return math.ceil(math.log2(len(self.open) + 1))

    def next(self) -> str | None:
        """The commit to judge next: the one that halves the suspects best; None at the end.

        If that one was skipped, its neighbours are likely to fail too, so the next ones are a
        quarter of the way, three quarters, an eighth.
        """
        places = {
            commit: (self._reach[self._number[commit]] & self._suspected).bit_count()
            for commit in self.suspects
            if self.judged.get(commit) != BAD
        }
        skips = sum(commit in self.judged for commit in places)
        for attempt in range(1, 2 * skips + 2):
            nearest = _nearest(places, _spread(attempt) * len(self.suspects))
            if nearest is not None and nearest not in self.judged:
                return nearest
        places = {commit: place for commit, place in places.items() if commit not in self.judged}
        return _nearest(places, len(self.suspects) / 2)


def _nearest(places: Mapping[str, int], aim: float) -> str | None:
    return min(places, key=lambda commit: abs(places[commit] - aim), default=None)


def _spread(number: int) -> float:
    """The van der Corput sequence: 1/2, 1/4, 3/4, 1/8, 5/8, ... for 1, 2, 3, 4, 5, ..."""
    place, total = 0.5, 0.0
    while number:
        total += place * (number & 1)
        number >>= 1
        place /= 2
    return total


def _oldest_first(parents: Mapping[str, Sequence[str]], tip: str) -> tuple[str, ...]:
    """`tip` and its ancestors, every commit after its parents."""
    ordered: dict[str, None] = {}
    waiting = [tip]
    while waiting:
        unordered = [
            parent for parent in parents[waiting[-1]] if parent in parents and parent not in ordered
        ]
        if unordered:
            waiting.append(unordered[0])
        else:
            ordered.setdefault(waiting.pop())
    return tuple(ordered)
