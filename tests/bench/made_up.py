"""Blocks and verdicts that were made up, for what needs sessions without processes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench.compare.comparison import Comparison, Comparisons, SuiteComparison
from bench.session.record import BlockRecord, SessionRecord

BOUNDS = {"undecided": (0.98, 1.02), "slower": (1.05, 1.07), "equivalent": (0.999, 1.001)}


def record(
    task: str,
    number: int,
    log_ratio: float = 0.0,
    *,
    seconds: float = 1.0,
    replica: int = 0,
    disturbed: str = "",
    candidates: tuple[str, ...] = ("fast",),
) -> BlockRecord:
    """A block; all candidates have the same ratio."""
    ratios = dict.fromkeys(candidates, math.exp(log_ratio))
    return BlockRecord(
        number=number,
        task=task,
        benchmark=task,
        means={"base": 1.0, **ratios},
        positions={},
        values={},
        seconds=seconds,
        busy_seconds=seconds,
        replica=replica,
        disturbed=disturbed,
    )


def measured(*blocks: BlockRecord) -> SessionRecord:
    """A session of these blocks."""
    return SessionRecord(blocks=blocks, missing=(), seconds=0.0, busy_seconds=0.0, complete=True)


def same(verdict: str) -> SuiteComparison:
    """A suite with a verdict."""
    low, high = BOUNDS[verdict]
    return SuiteComparison(
        metric="time",
        ratio=(low + high) / 2,
        low=low,
        high=high,
        low95=low,
        high95=high,
        verdict=verdict,
        blocks=1,
        builds=1,
        warnings=(),
    )


@dataclass
class Judge:
    """Verdicts by a rule: of the task and its number of blocks; "" is the suite, with the fewest.

    `asked` keeps what it was asked about.
    """

    rule: Callable[[str, int], str]
    asked: list[tuple[str, SessionRecord]] = field(default_factory=list)

    def __call__(self, session: SessionRecord, candidate: str, *, margin: float) -> Comparisons:
        self.asked.append((candidate, session))
        counts: dict[str, int] = {}
        for block in session.blocks:
            counts[block.task] = counts.get(block.task, 0) + 1
        suite = same(self.rule("", min(counts.values(), default=0)))
        rows = [self._row(task, count) for task, count in counts.items()]
        return Comparisons(
            margin=margin, error=0.05, method="", comparisons=tuple(rows), suite=suite
        )

    def _row(self, task: str, count: int) -> Comparison:
        shared: Mapping[str, object] = vars(same(self.rule(task, count)))
        return Comparison(benchmark=task, **shared)  # type: ignore[arg-type]
