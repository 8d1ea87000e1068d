"""A bisection for the terminal: every step, and the commit that it ends with."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.compare import SuiteComparison, interval
from bench.jobs.bisect.result import FOUND, UNCONFIRMED, BisectionResult, figures_of
from bench.jobs.bisect.search import BAD, GOOD
from bench.util import harmless
from builder.git import AuthoredCommit

# Colour is never the only sign.
_SIGNS = {GOOD: "+", BAD: "-"}


def show(found: BisectionResult, console: Console) -> None:
    """Print what was asked about, in its order, and what came of it."""
    table = Table("commit", "side", "ratio", "interval", "blocks", "subject", box=None)
    _row(table, found.good, "GOOD", None)
    for step in found.steps:
        _row(table, step.about, f"{_SIGNS.get(step.found, '?')} {step.found}", step.row)
    _row(table, found.bad, "BAD", found.change)
    console.print(table)
    for step in found.steps:
        if step.reason:
            console.print(_safe(f"{step.about.hash[:12]}: {step.reason}"))
    if found.outcome in (FOUND, UNCONFIRMED):
        for line in _culprit(found):
            console.print(_safe(line))


def _row(table: Table, about: AuthoredCommit, side: str, row: SuiteComparison | None) -> None:
    figures = (
        (f"{row.ratio:.4f}", interval(row.low, row.high), str(row.blocks)) if row else ("", "", "")
    )
    table.add_row(about.hash[:12], side, *figures, _safe(about.subject))


def _culprit(found: BisectionResult) -> list[str]:
    (one,) = found.culprits
    lines = [
        "",
        f"{one.hash}",
        f"  {one.author}, {one.day}",
        f"  {one.subject}",
    ]
    if found.confirmation:
        told = figures_of(found.confirmation)
        lines.append(f"  against its parent {found.parent[:12]}: {found.what} {told}")
    else:
        lines.append(f"  against its parent {found.parent[:12]}: {found.unconfirmed}")
    if found.change:
        lines.append(f"  of the whole change, BAD against GOOD: {figures_of(found.change)}")
    return lines


def _safe(text: str) -> str:
    return escape(harmless(text))
