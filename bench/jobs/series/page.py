"""RESULT.md of a series or flavor, and its line in a list: what runs found of it."""

from __future__ import annotations

from bench.compare import interval
from bench.jobs.series.results import KeptControl, KeptResult, KeptResults, base_of
from bench.report import session_facts, shown_ratio
from bench.report.formats import markdown


def render(kept: KeptResults) -> str:
    """RESULT.md. It is made of verdict.json alone, and of nothing else."""
    return markdown.filled(
        "kept.md.jinja",
        kept=kept,
        base_of=base_of,
        controlled=controlled,
        session_facts=session_facts,
    )


def cells(result: KeptResult | None, *, stale: bool) -> tuple[str, str, str, str, str]:
    """Ratio, interval, verdict, builds of each arm and base, for a table. Empty cells where nothing
    was measured.
    """
    if result is None:
        return "", "", "not measured", "", ""
    verdict = f"{result.verdict}, stale" if stale else result.verdict
    suite = result.suite
    if suite is None:
        return "", "", verdict, "", base_of(result)
    bounds = interval(suite.low, suite.high)
    ratio, builds = f"{suite.ratio:.4f}", str(suite.builds)
    return ratio, bounds, verdict, builds, base_of(result)


def controlled(control: KeptControl) -> str:
    """What an arm that changes nothing showed in the same run."""
    suite = control.suite
    bounds = interval(suite.low, suite.high)
    return f"{control.title}: {shown_ratio(suite.ratio)}, {bounds}, {suite.verdict}"
