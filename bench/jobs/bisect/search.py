"""Which commit to ask about next, and which are still suspected. Pure.

The rules are git bisect's: a bad commit clears all that do not lead to it, a good one all that lead
to it, and one that cannot be judged is skipped and stays suspected.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

GOOD, BAD, SKIPPED = "good", "bad", "skipped"
"""What a commit was found to be. Good is GOOD's side of the change, be that faster or slower."""
UNDECIDED = "undecided"
"""Neither side: the interval holds the middle between the two."""


def side(ratio: float | None, low: float | None, high: float | None, *, change: float) -> str:
    """On which side of a change a commit lies: good, bad or undecided.

    `ratio`, `low` and `high` are the commit's time / GOOD's with its interval, `change` is BAD's.
    The sides meet in the geometric middle, the root of `change`: half of a change in steps counts
    to either. Undecided where the interval holds the middle, or there is none.
    """
    if ratio is None or low is None or high is None:
        return UNDECIDED
    middle = math.sqrt(change)
    if low <= middle <= high:
        return UNDECIDED
    return BAD if (low > middle) == (change > 1) else GOOD


class Search:
    """The commits between GOOD, which is left out, and BAD, and what is known of them.

    `parents` maps each of them to its parents, BAD included; parents that are no key lead to GOOD.
    """

    def __init__(self, parents: Mapping[str, Sequence[str]], bad: str) -> None:
        self._order = _oldest_first(parents, bad)
        self._number = {commit: number for number, commit in enumerate(self._order)}
        # As sets of bits: who leads to a commit, itself included.
        self._reach: list[int] = []
        for number, commit in enumerate(self._order):
            reach = 1 << number
            for parent in parents[commit]:
                if parent in self._number:
                    reach |= self._reach[self._number[parent]]
            self._reach.append(reach)
        self.judged: dict[str, str] = {bad: BAD}
        self._suspected = self._reach[self._number[bad]]

    def judge(self, commit: str, found: str) -> None:
        """Take in that a suspected commit is good, bad or skipped."""
        reach = self._reach[self._number[commit]]
        self.judged[commit] = found
        if found == BAD:
            self._suspected &= reach
        elif found == GOOD:
            self._suspected &= ~reach

    @property
    def suspects(self) -> tuple[str, ...]:
        """The commits that may have brought the change, oldest first."""
        return tuple(one for n, one in enumerate(self._order) if self._suspected >> n & 1)

    @property
    def open(self) -> tuple[str, ...]:
        """The suspects that nobody has asked about."""
        return tuple(commit for commit in self.suspects if commit not in self.judged)

    @property
    def steps_left(self) -> int:
        """How many more commits have to be judged, about."""
        return math.ceil(math.log2(len(self.open) + 1))

    def next(self) -> str | None:
        """The commit to judge now: the one that halves the suspects best; None at the end.

        Where that one was skipped, its neighbours are mostly like it, so the search goes elsewhere:
        a quarter of the way, three quarters, an eighth.
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
    """The sequence of van der Corput: 1/2, 1/4, 3/4, 1/8, 5/8, ... for 1, 2, 3, 4, 5, ..."""
    place, found = 0.5, 0.0
    while number:
        found += place * (number & 1)
        number >>= 1
        place /= 2
    return found


def _oldest_first(parents: Mapping[str, Sequence[str]], tip: str) -> tuple[str, ...]:
    """`tip` and all that lead to it, every commit behind its parents."""
    done: dict[str, None] = {}
    waiting = [tip]
    while waiting:
        ahead = [one for one in parents[waiting[-1]] if one in parents and one not in done]
        if ahead:
            waiting.append(ahead[0])
        else:
            done.setdefault(waiting.pop())
    return tuple(done)
