"""The progress of a running session: how far it is, and which benchmarks are decided."""

from __future__ import annotations

from bench.session.schedule import Schedule, ScheduledBlock
from bench.session.stopping import InterimResult
from bench.util import Bar


class ProgressReport:
    """Updates a progress bar from a schedule. Looks before a restart are not reported again."""

    def __init__(self, bar: Bar, schedule: Schedule) -> None:
        self._bar = bar
        self._schedule = schedule
        self._looks = 0
        self._is_new = False

    def begin(self) -> None:
        """A turn begins, or all turns are over: report a look that came just before."""
        if self._schedule.looks > self._looks and self._is_new:
            self._bar.report(describe(self._schedule.interim))
        self._looks = self._schedule.looks

    def end(self, turn: ScheduledBlock, *, is_new: bool) -> None:
        """A turn was measured, by this process (`is_new`) or by an earlier one."""
        self._is_new = is_new
        what = f"{turn.task}: block {turn.number + 1}"
        if self._schedule.rules.plan:
            what = f"{count_decided(self._schedule.interim)}; {what}"
        self._bar.advance(note=what, left=self._schedule.expected())


def describe(interim: InterimResult) -> str:
    """One line with the result of a look."""
    rest = f"; undecided: {', '.join(interim.open)}" if interim.open else ""
    suite = "" if interim.suite_decided else "; the suite is not decided"
    return f"{count_decided(interim)}{rest}{suite}"


def count_decided(interim: InterimResult) -> str:
    """For example "7 of 12 decided"."""
    return f"{len(interim.decided)} of {len(interim.tasks)} decided"
