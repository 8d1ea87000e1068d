"""Shows how far make is: a bar on a terminal, and a few lines elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench.run.estimate import duration
from bench.util import Bar, Show
from builder.builds import Expected, MakeState, make_progress

_PARTS = 4
"""Without a terminal, a line is printed at each quarter of the known files."""
_LEAST_LEFT = 10.0
"""Less than this is not worth a figure that changes with every line."""
_UNKNOWN = 100
"""A line at each so many files where their number is not known."""


def watch(show: Show) -> Callable[..., contextlib.AbstractContextManager[_Report]]:
    """The watch of a builder (`builder.builds.make_watch.Watch`) that shows its progress."""

    @contextlib.contextmanager
    def watched(title: str, expected: Expected) -> Iterator[_Report]:
        with show.bar("make", None) as bar:
            yield _Display(show=show, title=title, expected=expected, bar=bar).update

    return watched


_Report = Callable[[MakeState, float], None]


@dataclass(kw_only=True)
class _Display:
    """What is on the screen; `shown` are the lines that were printed, by stage and part."""

    show: Show
    title: str
    expected: Expected
    bar: Bar
    shown: set[tuple[str, int]] = field(default_factory=set)

    def update(self, state: MakeState, elapsed: float) -> None:
        """Show a state."""
        known, left = self.known(state), self.expected.left(state, elapsed)
        words = describe(state, self.expected, left)
        self.bar.set(state.files, known, words)
        if self.bar.is_drawn:
            return
        part = self._part(state, known)
        if (state.stage, part) not in self.shown:
            self.shown.add((state.stage, part))
            if len(self.shown) > 1 or state.stage != make_progress.PLAIN:
                count = f"{state.files} of {known} files" if known else f"{state.files} files"
                self.show.say(f"{self.title}: {count}, {words}")

    def known(self, state: MakeState) -> int | None:
        """The known number of files; None as soon as more came than were known."""
        total = self.expected.total
        return total if total is not None and state.files <= total else None

    def _part(self, state: MakeState, known: int | None) -> int:
        if state.stage == make_progress.TASK:
            return 0
        if known is None:
            # Counted on from the quarters, so that no line comes twice.
            return _PARTS + 1 + state.files // _UNKNOWN
        return min(_PARTS * state.files // known, _PARTS - 1)


def describe(state: MakeState, expected: Expected, left: float | None) -> str:
    """The stage, and what remains: first build; about 3 min left."""
    words = [state.stage]
    count = state.counts.get(state.stage)
    if count is not None and count.of:
        words.append(f"test {count.files} of {count.of}")
    total = expected.total
    if total is None:
        words.append("of how many is not known yet")
    elif state.files > total:
        words.append(f"more than the {total} of the last build ({expected.origin})")
    elif left is not None:
        words.append(f"about {duration(max(left, _LEAST_LEFT))} left")
    return "; ".join(words)
