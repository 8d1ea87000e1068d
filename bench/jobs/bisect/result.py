"""The result of a bisection, and its document in bisect.json and --json.

schema       1
outcome      searching, found, unconfirmed, range or no-change
good, bad    a commit: its hash, author, date and subject
benchmarks   the measured benchmarks
change       BAD against GOOD: ratio, low, high, low95, high95, verdict, blocks, builds, warnings
steps        each judged commit: its side (good, bad, skipped), the same figures against GOOD if
             it was measured, and the reason if it was skipped or not measured
culprits     the commits that may have caused the change, oldest first; one if found
parent       the culprit's parent, with the figures of the culprit against it, or the reason why
             there are none
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.compare import SuiteComparison, interval, spelled
from builder.errors import BisectError
from builder.git import AuthoredCommit

SCHEMA = 1
SEARCHING, FOUND, UNCONFIRMED = "searching", "found", "unconfirmed"
RANGE, NO_CHANGE = "range", "no-change"
_CHANGES = ("faster", "slower")
_FIGURES = ("ratio", "low", "high", "low95", "high95", "verdict", "blocks", "builds", "warnings")


@dataclass(frozen=True, kw_only=True)
class BisectionStep:
    """One judged commit. `row` is None if it was not measured; `reason` says why not, or why the
    figures do not decide.
    """

    about: AuthoredCommit
    found: str
    row: SuiteComparison | None = None
    reason: str = ""

    @property
    def summary(self) -> str:
        """One line for the progress output."""
        figures = f" (ratio {figures_of(self.row)})" if self.row else ""
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.about.hash[:12]} is {self.found}{figures}{reason}"


@dataclass(frozen=True, kw_only=True)
class BisectionResult:
    """The state of a bisection. The module's docstring describes the fields."""

    good: AuthoredCommit
    bad: AuthoredCommit
    benchmarks: tuple[str, ...]
    change: SuiteComparison | None
    steps: tuple[BisectionStep, ...] = ()
    culprits: tuple[AuthoredCommit, ...] = ()
    parent: str = ""
    confirmation: SuiteComparison | None = None
    unconfirmed: str = ""

    @property
    def outcome(self) -> str:
        """One of the outcomes above."""
        if self.change is None or self.change.verdict not in _CHANGES:
            return NO_CHANGE
        if not self.culprits:
            return SEARCHING
        if len(self.culprits) > 1:
            return RANGE
        row = self.confirmation
        return FOUND if row and row.verdict == self.change.verdict else UNCONFIRMED

    @property
    def size(self) -> float:
        """The ratio of the change; 1 if there is none."""
        return self.change.ratio if self.change else 1.0

    @property
    def what(self) -> str:
        """The benchmarks, for a sentence."""
        if len(self.benchmarks) < 4:
            return ", ".join(self.benchmarks) or "nothing"
        return f"{self.benchmarks[0]} and {len(self.benchmarks) - 1} others"

    @property
    def complaint(self) -> BisectError | None:
        """The error if no single commit can be named; None if found or still searching."""
        outcome = self.outcome
        if outcome == NO_CHANGE:
            return self._no_change()
        if outcome == RANGE:
            first, last = self.culprits[0].hash, self.culprits[-1].hash
            return BisectError(
                f"One of {len(self.culprits)} commits caused the change; it is not known which, "
                "since those between could not be judged.",
                where="\n".join(f"{commit.hash} {commit.subject}" for commit in self.culprits),
                hint=f"Look at {first[:12]}^..{last[:12]}. More --blocks or --replicas may decide "
                "the undecided ones.",
            )
        if outcome == UNCONFIRMED:
            return self._not_confirmed()
        return None

    def _no_change(self) -> BisectError:
        row = self.change
        figures = f"ratio {figures_of(row)}, {row.verdict}" if row else "nothing was compared"
        return BisectError(
            f"No change of {self.what} was measured between GOOD and BAD.",
            where=f"{self.good.hash[:12]} against {self.bad.hash[:12]}: {figures}",
            hint="Name other commits or benchmarks; more --blocks show smaller changes.",
        )

    def _not_confirmed(self) -> BisectError:
        row = self.confirmation
        figures = f"ratio {figures_of(row)}, {row.verdict}" if row else self.unconfirmed
        return BisectError(
            "The search ended at one commit, but measured against its own parent it does not show "
            "the change: several commits may have caused it together, or the layout of the builds.",
            where=f"{self.culprits[0].hash} against {self.parent[:12]}: {figures}",
            hint="Try --replicas 5, which builds every commit anew in five layouts.",
        )

    def to_json(self) -> dict[str, Any]:
        """The document."""
        return {
            "schema": SCHEMA,
            "outcome": self.outcome,
            "good": _authored(self.good),
            "bad": _authored(self.bad),
            "benchmarks": list(self.benchmarks),
            "change": _figures(self.change),
            "steps": [
                {
                    **_authored(step.about),
                    "side": step.found,
                    "reason": step.reason,
                    "against_good": _figures(step.row),
                }
                for step in self.steps
            ],
            "culprits": [_authored(commit) for commit in self.culprits],
            "parent": {
                "commit": self.parent,
                "against_parent": _figures(self.confirmation),
                "reason": self.unconfirmed,
            },
        }


def figures_of(row: SuiteComparison) -> str:
    """A ratio with its interval, and in words."""
    return f"{row.ratio:.4f}, {interval(row.low, row.high)}, {spelled(row.ratio)}"


def _figures(row: SuiteComparison | None) -> dict[str, Any] | None:
    if row is None:
        return None
    figures = {name: getattr(row, name) for name in _FIGURES}
    return figures | {"warnings": list(row.warnings)}


def _authored(commit: AuthoredCommit) -> dict[str, str]:
    return {
        "commit": commit.hash,
        "author": commit.author,
        "date": commit.day.isoformat(),
        "subject": commit.subject,
    }
