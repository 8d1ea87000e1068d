"""RESULT.md of a series or flavor, and its line in a list: what runs found of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.compare import interval
from bench.jobs.series.results import KeptResults, Result, base_of
from bench.report import session_facts, shown_ratio
from bench.report.formats import markdown


def render(kept: KeptResults) -> str:
    """RESULT.md. It is made of result.json alone, and of nothing else."""
    return markdown.filled(
        "kept.md.jinja",
        kept=kept,
        base_of=base_of,
        controlled=controlled,
        session_facts=session_facts,
    )


def cells(result: Result | None, *, stale: bool) -> tuple[str, str, str, str, str]:
    """Ratio, interval, verdict, builds of each arm and base, for a table. Empty cells where nothing
    was measured.
    """
    if result is None:
        return "", "", "not measured", "", ""
    verdict = f"{result['verdict']}, stale" if stale else str(result["verdict"])
    suite = result["suite"]
    if suite is None:
        return "", "", verdict, "", base_of(result)
    bounds = interval(suite["low"], suite["high"])
    ratio, builds = f"{suite['ratio']:.4f}", str(suite["builds"])
    return ratio, bounds, verdict, builds, base_of(result)


def controlled(control: Mapping[str, Any]) -> str:
    """What an arm that changes nothing showed in the same run."""
    suite = control["suite"]
    bounds = interval(suite["low"], suite["high"])
    return f"{control['title']}: {shown_ratio(suite['ratio'])}, {bounds}, {suite['verdict']}"
