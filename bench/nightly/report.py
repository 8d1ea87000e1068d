"""The report of a night, from which the mail and the terminal output are made. Pure.

A night has one line for each branch and flavor. Ratios are those of `bench.history`: this night's
time / the other revision's time, below 1 is faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from bench.history import HistoryRatio

# For annotations in classes that have a field called `date`.
Day = date

GOOD, NEUTRAL, BAD, FAILED, QUIET = "good", "neutral", "bad", "failed", "quiet"
OUTCOMES = (BAD, FAILED, GOOD, NEUTRAL, QUIET)
"""The outcomes of a line, the most important first: a confirmed slowdown, a failure (nothing was
measured), a confirmed speed-up, no confirmed change, a head that did not move."""
CONFIRMED, DISMISSED, UNDECIDED = "confirmed", "dismissed", "undecided"
"""The states of a suspicion after it was measured again."""
SUITE = "the whole suite"
"""Used as the name of a benchmark for the geometric mean of all."""


@dataclass(frozen=True, kw_only=True)
class NightCommit:
    """A commit between two revisions: `when` is the author's date, `subject` untrusted text."""

    hash: str
    when: datetime
    subject: str


@dataclass(frozen=True, kw_only=True)
class Revised:
    """A measured revision: `commit` in full, `version` as in the tree (3.15.0a2+).

    `date` is the night that measured it first; None for the release.
    """

    commit: str
    version: str = ""
    name: str = ""
    date: Day | None = None


@dataclass(frozen=True, kw_only=True)
class NightBenchmark:
    """One benchmark of a line. `mean` is the mean of the process means in seconds, `rsd` their
    relative standard deviation (a fraction; None for a single process). `last` and `release` are
    the ratios to these arms; None without such an arm.
    """

    name: str
    mean: float
    rsd: float | None = None
    last: HistoryRatio | None = None
    release: HistoryRatio | None = None


@dataclass(frozen=True, kw_only=True)
class ConfirmedFinding:
    """A suspicion with the result of measuring it again.

    `benchmark` may be SUITE. `ratio` is that of the confirming session, against `old`, a revision
    before the change; None if that session gave no ratio, and then `reason` says why. `trend` is
    True if the trend over nights raised the suspicion, not tonight's session alone; `since` is the
    first night of the new level. `folder` has the results of the confirming session.
    """

    benchmark: str
    state: str
    old: Revised
    since: Day
    ratio: HistoryRatio | None = None
    trend: bool = False
    reason: str = ""
    folder: str = ""


@dataclass(frozen=True, kw_only=True)
class LineResult:
    """One branch and flavor in this night.

    `old` is the revision that was measured last, None in the first night; `commits` are those
    between it and `new`, newest first, without `commits_left_out` older ones. `suite_last` and
    `suite_release` are geometric means. `error` says why a line failed, `notes` are remarks for
    readers; `folder` has the results, "" without any. `missing` maps benchmarks to reasons. `facts`
    are `bench.history.epochs.FACTS` of the session.
    """

    branch: str
    flavor: str
    pgo: bool = False
    outcome: str = NEUTRAL
    old: Revised | None = None
    new: Revised | None = None
    release: Revised | None = None
    commits: tuple[NightCommit, ...] = ()
    commits_left_out: int = 0
    suite_last: HistoryRatio | None = None
    suite_release: HistoryRatio | None = None
    benchmarks: tuple[NightBenchmark, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[ConfirmedFinding, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    error: str = ""
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Branch and flavor as text, such as `main pgo+lto`."""
        return f"{self.branch} {self.flavor}"

    @property
    def confirmed(self) -> tuple[ConfirmedFinding, ...]:
        """The findings that measuring again confirmed."""
        return tuple(finding for finding in self.findings if finding.state == CONFIRMED)


@dataclass(frozen=True, kw_only=True)
class NightReport:
    """The report of one night. `name` is that of the nightly file, `ended` the time of its end.

    `host` is the hashed name of the host. `missed` are the dates before this one without a night.
    `site` is the URL of the site, "" without one; `folder` is the folder of the night. `warnings`
    are problems with site and mail.
    """

    name: str
    date: Day
    ended: datetime
    host: str
    lines: tuple[LineResult, ...]
    missed: tuple[Day, ...] = ()
    site: str = ""
    folder: str = ""
    margin: float = 0.01
    warnings: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """The most important outcome of all lines."""
        present = {line.outcome for line in self.lines}
        return next((outcome for outcome in OUTCOMES if outcome in present), QUIET)

    def under_pgo(self, line: LineResult) -> LineResult | None:
        """The line of the same branch with PGO, to be shown beside `line`, which is without PGO.

        Of several, the one whose flavor differs only in PGO, else the first. None if `line` has PGO
        itself or the branch has no line with PGO.
        """
        if line.pgo:
            return None
        others = [other for other in self.lines if other.branch == line.branch and other.pgo]
        flavor = "pgo" if line.flavor == "plain" else f"pgo+{line.flavor}"
        same = (other for other in others if other.flavor == flavor)
        return next(same, others[0] if others else None)
