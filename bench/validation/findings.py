"""What a study found: one figure a finding, with the promise that it is held to. Values alone."""

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
    `least` and `most` are the limits that it is held to; None where it has none.
    `exact`: the trials are independent, so that binomial bounds hold. `note`: what a reader must
    know to read it right. `headline`: the row of the summary that it belongs to, "" for none;
    a row shows the span of all findings of a procedure.
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
        """Whether the promise is kept by the figure itself; None where nothing is promised."""
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
    """One study: what it was made of, in sentences, and what it found."""

    name: str
    setup: tuple[str, ...]
    findings: tuple[StudyFinding, ...]


def broken_promises(parts: Sequence[Part]) -> list[StudyFinding]:
    """Those whose figure is not what is promised."""
    return [one for part in parts for one in part.findings if one.kept is False]
