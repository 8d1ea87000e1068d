"""Bisections of real git histories, with measurements that only pretend."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.compare.comparison import SuiteComparison
from bench.context import Context
from bench.experiments.experiment import Experiment
from bench.experiments.session_options import SessionOptions
from bench.jobs.bisect.job import bisect
from bench.jobs.bisect.steps import BisectRequest
from bench.results.result import parse_document
from bench.results.shape import Result
from builder.errors import (
    BisectError,
    BuildError,
    ExperimentError,
    MeasureError,
)
from builder.sources.provide import SourceSpec
from tests.bench.results.given import comparison, suite
from tests.builder.upstream import Upstream
from tests.golden.specimen import specimen

ERROR = 0.01


@dataclass
class Machine:
    """A history, how fast each of its commits is, and what was measured of them.

    `broken`, `silent`, `alien` and `wild` are commits that do not build, on which nothing can be
    measured, that cannot be compared, and of which the first measurement does not decide. `apart`
    are ratios of two commits that their speeds do not tell.
    """

    upstream: Upstream
    context: Context
    out: Path
    speed: dict[str, float] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    alien: set[str] = field(default_factory=set)
    wild: set[str] = field(default_factory=set)
    apart: dict[tuple[str, str], float] = field(default_factory=dict)
    broken_bases: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, int, str]] = field(default_factory=list)

    def line(self, *speeds: float) -> list[str]:
        """Commits in a row, each so slow."""
        commits = []
        for speed in speeds:
            commit = self.upstream.commit("main", "3.13.5+")
            self.speed[commit] = speed
            commits.append(commit)
        return commits

    def measured(self, _context: Context, experiment: Experiment, out: Path) -> tuple[Result, None]:
        """Stands for bench.run.run.measured."""
        (candidate,) = experiment.candidates
        base, commit = experiment.base.revision, candidate.revision
        blocks = experiment.session.blocks
        self.asked.append((base, commit, blocks, str(out.relative_to(self.out))))
        if base in self.broken_bases:
            raise BuildError("make failed.")
        if commit in self.silent:
            raise MeasureError("Nothing was measured.")
        if commit in self.alien:
            raise ExperimentError("commit is Python 3.12, the base 3.13.")
        result = parse_document(specimen())
        arm = replace(
            result.candidates[0],
            verdict="broken",
            broken="make failed.",
            suite=None,
            comparisons=(comparison(1.0, benchmark="b"),),
        )
        if commit not in self.broken:
            wide = commit in self.wild and blocks == experiment.session.blocks < 20
            ratio = self.apart.get((base, commit), self.speed[commit] / self.speed[base])
            row = _suite(ratio, 0.2 if wide else ERROR, blocks)
            arm = replace(arm, broken="", verdict=row.verdict, suite=row)
        return replace(result, candidates=(arm,)), None

    def request(self, good: str, bad: str, **more: Any) -> BisectRequest:
        return BisectRequest(
            good=good,
            bad=bad,
            suite=("b",),
            source=SourceSpec(kind="git", location=str(self.upstream.path)),
            session=SessionOptions(blocks=5),
            out=self.out,
            **more,
        )

    def found(self, good: str, bad: str, **more: Any) -> dict[str, Any]:
        """The document of a bisection, whatever became of it."""
        with contextlib.suppress(BisectError):
            bisect(self.context, self.request(good, bad, **more), as_json=True)
        content: dict[str, Any] = json.loads((self.out / "bisect.json").read_text())
        return content


def _suite(ratio: float, error: float, blocks: int) -> SuiteComparison:
    low, high = ratio * (1 - error), ratio * (1 + error)
    verdict = "slower" if low > 1 else "faster" if high < 1 else "undecided"
    if low > 0.98 and high < 1.02:
        verdict = "equivalent"
    bounds = {"low": low, "high": high, "low95": low, "high95": high}
    return suite(ratio, verdict, blocks=blocks, **bounds)
