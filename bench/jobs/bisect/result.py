"""What a bisection found: frozen values, and the document that bisect.json and --json hold.

schema       1
outcome      searching, found, unconfirmed, range or no-change
good, bad    a commit: its hash, author, date and subject
benchmarks   what was measured
change       BAD against GOOD: ratio, low, high, low95, high95, verdict, blocks, builds, warnings
steps        each commit that was asked about: its side (good, bad, skipped), the same figures
             against GOOD where it was measured, and the reason where they do not tell
culprits     the commits that may have brought the change, oldest first: one, when found
parent       what the culprit was measured against directly, with the figures or the reason
             why there are none
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
    """One commit that was asked about. `row` is None where it was not measured: `reason` says why,
    or why the figures do not tell.
    """

    about: AuthoredCommit
    found: str
    row: SuiteComparison | None = None
    reason: str = ""

    @property
    def told(self) -> str:
        """One line for who watches."""
        figures = f" (ratio {figures_of(self.row)})" if self.row else ""
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.about.hash[:12]} is {self.found}{figures}{reason}"


@dataclass(frozen=True, kw_only=True)
class BisectionResult:
    """All of a bisection, as far as it came. The module's docstring describes the fields."""

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
        """How far it came."""
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
        """The ratio of the change; 1 where there is none."""
        return self.change.ratio if self.change else 1.0

    @property
    def what(self) -> str:
        """The benchmarks in a sentence."""
        if len(self.benchmarks) < 4:
            return ", ".join(self.benchmarks) or "nothing"
        return f"{self.benchmarks[0]} and {len(self.benchmarks) - 1} others"

    @property
    def complaint(self) -> BisectError | None:
        """Why there is no single commit to name; None where there is, or may be in the end."""
        outcome = self.outcome
        if outcome == NO_CHANGE:
            return self._no_change()
        if outcome == RANGE:
            first, last = self.culprits[0].hash, self.culprits[-1].hash
            return BisectError(
                f"The change came with one of {len(self.culprits)} commits, and which cannot be "
                "told: those between could not be judged.",
                where="\n".join(f"{one.hash} {one.subject}" for one in self.culprits),
                hint=f"Look at {first[:12]}^..{last[:12]}. More --blocks or --replicas may decide "
                "those that were undecided.",
            )
        if outcome == UNCONFIRMED:
            return self._not_confirmed()
        return None

    def _no_change(self) -> BisectError:
        row = self.change
        told = f"ratio {figures_of(row)}, {row.verdict}" if row else "nothing was compared"
        return BisectError(
            f"There is no change of {self.what} to be seen from GOOD to BAD.",
            where=f"{self.good.hash[:12]} against {self.bad.hash[:12]}: {told}",
            hint="Name other commits or benchmarks; more --blocks show smaller changes.",
        )

    def _not_confirmed(self) -> BisectError:
        row = self.confirmation
        told = f"ratio {figures_of(row)}, {row.verdict}" if row else self.unconfirmed
        return BisectError(
            "The search ended at one commit, but measured against its own parent it does not show "
            "the change: several commits may share it, or the layout of the builds moved it.",
            where=f"{self.culprits[0].hash} against {self.parent[:12]}: {told}",
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
            "culprits": [_authored(one) for one in self.culprits],
            "parent": {
                "commit": self.parent,
                "against_parent": _figures(self.confirmation),
                "reason": self.unconfirmed,
            },
        }


def figures_of(row: SuiteComparison) -> str:
    """A ratio with its interval and what it means."""
    return f"{row.ratio:.4f}, {interval(row.low, row.high)}, {spelled(row.ratio)}"


def _figures(row: SuiteComparison | None) -> dict[str, Any] | None:
    if row is None:
        return None
    figures = {name: getattr(row, name) for name in _FIGURES}
    return figures | {"warnings": list(row.warnings)}


def _authored(one: AuthoredCommit) -> dict[str, str]:
    return {
        "commit": one.hash,
        "author": one.author,
        "date": one.day.isoformat(),
        "subject": one.subject,
    }
