"""RESULT.md of a series, stack or flavor, and its row in the list, from the recorded results."""

from __future__ import annotations

from bench.compare import interval
from bench.jobs.series.results import KeptControl, KeptResult, KeptResults, base_of
from bench.report import session_facts, shown_ratio
from bench.report.formats import markdown


def render(kept: KeptResults) -> str:
    """Render RESULT.md, from the contents of verdict.json only."""
    return markdown.filled(
        "kept.md.jinja",
        kept=kept,
        base_of=base_of,
        controlled=controlled,
        session_facts=session_facts,
    )


def cells(result: KeptResult | None, *, stale: bool) -> tuple[str, str, str, str, str]:
    """The cells of a result: ratio, interval, verdict, builds of each arm, and base.

    Cells are empty where nothing was measured.
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
    """Describe the ratio of an arm of the same run that changes nothing."""
    suite = control.suite
    bounds = interval(suite.low, suite.high)
    return f"{control.title}: {shown_ratio(suite.ratio)}, {bounds}, {suite.verdict}"
