"""The view of a result: frozen values that pages, charts and tables share.

`bench.report.reading` makes them from a result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.compare import TIME
from bench.report.answers import NO_GATE, ReportAnswer
from bench.report.change import ReportChange
from builder.builds import Difference, Judgement

VERDICTS = ("faster", "slower", "equivalent", "undecided")
KINDS = {
    "candidate": "candidate",
    "aa": "A/A: the base once more",
    "placebo": "placebo: changes nothing a program can observe",
}


@dataclass(frozen=True, kw_only=True)
class BlockPoint:
    """One block of one benchmark: the candidate's ratio, and `drift`, the base's time / its median.

    `order` counts the blocks of the session from 0; `disturbed` is why the block was disturbed, or
    empty.
    """

    order: int
    number: int
    ratio: float
    drift: float
    replica: int
    disturbed: str


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """One comparison. Bounds are None without an interval; `placebo` is (least, greatest).

    The times and their clock are None where the comparison has none (bench.compare.times).
    """

    name: str
    metric: str
    ratio: float
    low: float | None
    high: float | None
    low95: float | None
    high95: float | None
    verdict: str
    blocks: int
    builds: int
    warnings: tuple[str, ...] = ()
    protocol: str = ""
    placebo: tuple[float, float] | None = None
    points: tuple[BlockPoint, ...] = ()
    base_seconds: float | None = None
    candidate_seconds: float | None = None
    clock: str | None = None

    @property
    def width(self) -> float:
        """The logarithm of the interval's width; infinite without one."""
        if self.low is None or self.high is None:
            return math.inf
        return math.log(self.high / self.low)


@dataclass(frozen=True, kw_only=True)
class ReportArm:
    """An arm; `facts` describe its build, as pairs of label and value. `change` is None where
    nothing is known of it.
    """

    name: str
    title: str
    facts: tuple[tuple[str, str], ...]
    change: ReportChange | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One candidate with its comparisons. `rows` go from the fastest to the slowest.

    `warmups` are pairs of benchmark and sentence, for a runtime that compiles while it runs.
    """

    arm: ReportArm
    kind: str
    verdict: str
    broken: str
    headline: str
    suites: tuple[ReportRow, ...]
    rows: tuple[ReportRow, ...]
    missing: tuple[tuple[str, str], ...]
    gate: Judgement | None
    correctness: str
    differences: tuple[Difference, ...]
    warnings: tuple[str, ...]
    method: str
    is_built: bool = True
    warmups: tuple[tuple[str, str], ...] = ()

    @property
    def suite(self) -> ReportRow | None:
        """The geometric mean of times."""
        return next((row for row in self.suites if row.metric == TIME), None)

    @property
    def has_metrics(self) -> bool:
        """Whether metrics other than time were compared."""
        return any(row.metric != TIME for row in self.rows)

    @property
    def tally(self) -> dict[str, int]:
        """The number of benchmarks by verdict, without zeros."""
        counts = dict.fromkeys(VERDICTS, 0)
        for row in self.rows:
            counts[row.verdict] = counts.get(row.verdict, 0) + 1
        return {verdict: count for verdict, count in counts.items() if count}


@dataclass(frozen=True, kw_only=True)
class ReportRung:
    """One rung of a ladder, or another runtime: the suite's ratio to the ladder's base."""

    row: ReportRow
    title: str


@dataclass(frozen=True, kw_only=True)
class View:
    """A whole report. `name` is the experiment's, `title` names the change where it has none."""

    name: str
    title: str
    answers: tuple[ReportAnswer, ...]
    when: str
    version: str
    margin: float
    base: ReportArm
    candidates: tuple[Candidate, ...]
    ladder: tuple[ReportRung, ...]
    objections: tuple[str, ...]
    host: tuple[tuple[str, str], ...]
    host_name: str
    host_line: str
    session: tuple[tuple[str, str], ...]
    commands: tuple[str, ...]
    disturbed: int
    blocks: int

    @property
    def untested(self) -> tuple[str, ...]:
        """The answers that some arms were not tested, for a page without the other answers."""
        lines = [line for answer in self.answers for line in answer.lines]
        return tuple(line for line in lines if line.endswith(NO_GATE))

    @property
    def margins(self) -> tuple[float, float]:
        """The least and the greatest ratio that count as equivalent."""
        return 1 / (1 + self.margin), 1 + self.margin
