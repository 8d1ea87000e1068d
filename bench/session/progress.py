"""What a session says while it runs: how far it is, and what is decided so far."""

from __future__ import annotations

from bench.session.schedule import Schedule, ScheduledBlock
from bench.session.stopping import InterimResult
from bench.util import Bar


class Telling:
    """Keeps a bar up with a schedule. What an earlier sitting has told is not told again."""

    def __init__(self, bar: Bar, schedule: Schedule) -> None:
        self._bar = bar
        self._schedule = schedule
        self._looks = 0
        self._is_new = False

    def begin(self) -> None:
        """A turn begins, or all have been taken: a look may lie behind it."""
        if self._schedule.looks > self._looks and self._is_new:
            self._bar.report(told(self._schedule.standing))
        self._looks = self._schedule.looks

    def end(self, turn: ScheduledBlock, *, is_new: bool) -> None:
        """A turn was taken, in this sitting (`is_new`) or before."""
        self._is_new = is_new
        what = f"{turn.task}: block {turn.number + 1}"
        if self._schedule.rules.plan:
            what = f"{decided(self._schedule.standing)}; {what}"
        self._bar.advance(note=what, left=self._schedule.expected())


def told(standing: InterimResult) -> str:
    """A line on what a look has shown."""
    rest = f"; not yet: {', '.join(standing.open)}" if standing.open else ""
    suite = "" if standing.suite_decided else "; the suite is not decided"
    return f"{decided(standing)}{rest}{suite}"


def decided(standing: InterimResult) -> str:
    """7 of 12 decided."""
    return f"{len(standing.decided)} of {len(standing.tasks)} decided"
