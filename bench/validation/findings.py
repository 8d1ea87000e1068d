"""The findings of a study: each one figure, with its target if it has one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.stats import estimates

OURS = "patchbench"
PYPERF = "pyperf compare_to"
HPT = "bench_runner (HPT)"
HPT_PAPER = "HPT with its gate"
WELCH = "Welch, log process means"

FALSE = "false positives"
COVERAGE = "coverage"
POWER = "power"
TIME = "time to decision"
ERROR = "error"
QUANTITIES = (FALSE, COVERAGE, POWER, TIME, ERROR)

PARTS = ("recorded", "simulated", "real")


@dataclass(frozen=True, kw_only=True)
class StudyFinding:
    """One figure of one procedure under one condition.

    A rate is `hits` of `of`; any other figure is `value` in `unit` ("" where it has none).
    `least` and `most` are the target: the limits set for the figure beforehand, or None.
    `exact`: the trials are independent, so that binomial bounds hold. `note`: a remark for the
    reader. `headline`: the row of the summary that it belongs to, "" for none; a row shows the
    range of all findings of a procedure.
    """

    quantity: str
    condition: str
    procedure: str
    hits: int | None = None
    of: int | None = None
    value: float | None = None
    unit: str = ""
    least: float | None = None
    most: float | None = None
    exact: bool = True
    note: str = ""
    headline: str = ""

    @property
    def figure(self) -> float:
        """The rate, as a share, or the value."""
        if self.hits is not None and self.of:
            return self.hits / self.of
        return float("nan") if self.value is None else self.value

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Exact 95% bounds of a rate of independent trials (Clopper and Pearson 1934)."""
        if self.hits is None or not self.of or not self.exact:
            return None
        return estimates.proportion_bounds(self.hits, self.of)

    @property
    def kept(self) -> bool | None:
        """Whether the figure meets its target; None if it has none."""
        if self.least is None and self.most is None:
            return None
        low = 0.0 if self.least is None else self.least
        return low <= self.figure and (self.most is None or self.figure <= self.most)


def rate(
    quantity: str,
    condition: str,
    procedure: str,
    hits: int,
    of: int,
    *,
    least: float | None = None,
    most: float | None = None,
    exact: bool = True,
    headline: str = "",
) -> StudyFinding:
    """A finding that is `hits` of `of`."""
    return StudyFinding(
        quantity=quantity,
        condition=condition,
        procedure=procedure,
        hits=hits,
        of=of,
        least=least,
        most=most,
        exact=exact,
        headline=headline,
    )


@dataclass(frozen=True, kw_only=True)
class Part:
    """One study: its set-up, in sentences, and its findings."""

    name: str
    setup: tuple[str, ...]
    findings: tuple[StudyFinding, ...]


def broken_promises(parts: Sequence[Part]) -> list[StudyFinding]:
    """The findings that miss their target."""
    return [finding for part in parts for finding in part.findings if finding.kept is False]
