"""Frozen values of comparisons, from which tables and reports are made.

`Comparisons.document()` is the JSON of `compare --json`:

    schema       1
    margin       ratios inside [1 / (1 + margin), 1 + margin] are equivalent
    error        the error rate of the intervals: 0.05 for 95%
    method       how the intervals were computed, one line
    comparisons  a list of benchmark, metric, ratio, low, high, low95, high95, verdict, blocks,
                 builds and warnings. `low` and `high` are adjusted for many benchmarks and for
                 early looks, and give the verdict; `low95` and `high95` are plain
    suite        of the times: the same keys without benchmark; null where no time was compared
    suites       the same, one for each other metric
                 A benchmark's times may have base_seconds, candidate_seconds and clock as well: see
                 `bench.compare.times`
    missing      a list of benchmark and reason
    warnings     warnings about all comparisons

Bounds are null if there is no interval: with a single block, or with so few at so strict a level
that the interval would extend by more than a factor of a million. A ratio is always a number.
`blocks` is 0 if processes were not measured in blocks. Each warning reads "code: what it means
here".
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta

from bench.benchmarks import Missing
from builder.errors import UsageError

SCHEMA = 1
TIME = "time"
MEMORY = "memory"
TIMES = ("base_seconds", "candidate_seconds", "clock")
"""The fields of a comparison that older results and metrics other than time do not have."""
MARGIN = 0.01
ERROR = 0.05

Positive = Annotated[float, Meta(ge=1e-100, le=1e100)]
"""A time or a ratio within bounds that keep the quotient of two finite; msgspec refuses other
values when it reads a document."""


@dataclass(frozen=True, kw_only=True)
class SuiteComparison:
    """Base against candidate over all benchmarks of a metric: the geometric mean of their ratios.

    `low`, `high` are adjusted for early looks only: the suite is one comparison.
    """

    metric: str
    ratio: Positive
    low: Positive | None
    high: Positive | None
    low95: Positive | None
    high95: Positive | None
    verdict: str
    blocks: int
    builds: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison(SuiteComparison):
    """Base against candidate on one benchmark; `low`, `high` adjusted for the number of them.

    `base_seconds`, `candidate_seconds` and their `clock` are None where the metric is not time,
    where both arms had no common clock, and in older results (bench.compare.times).
    """

    benchmark: str
    base_seconds: Positive | None = None
    candidate_seconds: Positive | None = None
    clock: Literal["wall", "cpu"] | None = None


@dataclass(frozen=True, kw_only=True)
class Comparisons:
    """All comparisons of one base and one candidate. The module's docstring describes the JSON."""

    margin: float
    error: float
    method: str
    comparisons: tuple[Comparison, ...] = ()
    suite: SuiteComparison | None = None
    suites: tuple[SuiteComparison, ...] = ()
    missing: tuple[Missing, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """UsageError for a margin or error rate out of range."""
        if not 0 <= self.margin < math.inf:
            raise UsageError(f"the margin is {self.margin}", hint="give a share, 0.01 for 1%")
        if not 0 < self.error < 1:
            raise UsageError(f"the error rate is {self.error}", hint="give a share, 0.05 for 5%")

    def as_json(self) -> dict[str, Any]:
        """Convert to lists, dictionaries and finite numbers, without the schema number."""
        data = asdict(self)
        for row in data["comparisons"]:
            # The name comes first, for human readers of the JSON; times only where there are any.
            rest = {key: row.pop(key) for key in list(row) if key != "benchmark"}
            row.update(
                (key, value) for key, value in rest.items() if key not in TIMES or value is not None
            )
        for row in data["missing"]:
            # All of this concerns one candidate.
            del row["arm"]
        return data

    def document(self) -> dict[str, Any]:
        """Return `as_json()` with the schema number."""
        return {"schema": SCHEMA, **self.as_json()}


def spelled(ratio: float) -> str:
    """Format a ratio: "1.10x slower" is the ratio itself, "1.10x faster" its reciprocal."""
    times = f"{max(ratio, 1 / ratio):.2f}x"
    if times == "1.00x":
        return times
    return f"{times} slower" if ratio > 1 else f"{times} faster"


# Signs of the verdicts, so that colour is not their only mark.
SIGNS = {"faster": "+", "slower": "-", "equivalent": "=", "undecided": "?", "broken": "!"}


def interval(low: float | None, high: float | None) -> str:
    """Format an interval of ratios."""
    if low is None or high is None:
        return "no interval"
    return f"{low:.4f} to {high:.4f}"
