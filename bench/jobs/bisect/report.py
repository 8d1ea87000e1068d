"""A bisection for the terminal: every step, and the commit found."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from bench.compare import SuiteComparison, interval
from bench.jobs.bisect.result import FOUND, UNCONFIRMED, BisectionResult, figures_of
from bench.jobs.bisect.search import BAD, GOOD
from bench.util import TextTable, harmless
from builder.git import AuthoredCommit

# Colour is never the only sign.
_SIGNS = {GOOD: "+", BAD: "-"}


def show(result: BisectionResult, console: Console) -> None:
    """Print the steps in order, the reasons of skipped ones, and the result."""
    titles = ("commit", "side", "ratio", "interval", "blocks", "subject")
    table = TextTable(*titles, prose=["subject"])
    _row(table, result.good, "GOOD", None)
    for step in result.steps:
        _row(table, step.about, f"{_SIGNS.get(step.found, '?')} {step.found}", step.row)
    _row(table, result.bad, "BAD", result.change)
    console.print(table)
    for step in result.steps:
        if step.reason:
            console.print(_safe(f"{step.about.hash[:12]}: {step.reason}"))
    if result.outcome in (FOUND, UNCONFIRMED):
        for line in _culprit(result):
            console.print(_safe(line))


def _row(table: TextTable, about: AuthoredCommit, side: str, row: SuiteComparison | None) -> None:
    figures = (
        (f"{row.ratio:.4f}", interval(row.low, row.high), str(row.blocks)) if row else ("", "", "")
    )
    table.add_row(about.hash[:12], side, *figures, _safe(about.subject))


def _culprit(result: BisectionResult) -> list[str]:
    (commit,) = result.culprits
    lines = [
        "",
        f"{commit.hash}",
        f"  {commit.author}, {commit.day}",
        f"  {commit.subject}",
    ]
    if result.confirmation:
        figures = figures_of(result.confirmation)
        lines.append(f"  against its parent {result.parent[:12]}: {result.what} {figures}")
    else:
        lines.append(f"  against its parent {result.parent[:12]}: {result.unconfirmed}")
    if result.change:
        lines.append(f"  the whole change, BAD against GOOD: {figures_of(result.change)}")
    return lines


def _safe(text: str) -> str:
    return escape(harmless(text))
