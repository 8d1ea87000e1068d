"""A calibration as a table for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.measure import KNOWN, Calibration, FalseCalls, RankingRow, ranking
from bench.stats import SPAN, Accuracy
from bench.util import harmless

# As many blocks of a protocol as a calibration should have.
ENOUGH = 20


def show(found: Calibration, console: Console) -> None:
    """Every protocol in every class, which are chosen, and how often a base was called different
    from itself.
    """
    rows = found.rows()
    chosen = ranking.choose(rows)
    table = Table(box=None, pad_edge=False)
    for title, right in (
        ("class", False),
        ("protocol", False),
        ("benchmarks", True),
        ("blocks", True),
        ("RMS error of a block", False),
        ("takes", True),
        (f"after {SPAN:.0f} s", True),
        (f"bias on {KNOWN - 1:.0%} more", False),
        ("", False),
    ):
        table.add_column(title, justify="right" if right else "left", no_wrap=True)
    before = ""
    for row in rows:
        if before and row.kind != before:
            table.add_section()
        told = "" if row.kind == before else row.kind
        table.add_row(told, *_cells(row, is_chosen=chosen.get(row.kind) == row.protocol))
        before = row.kind
    console.print(table)
    for line in _lines(found, rows):
        console.print(_safe(line))


def _safe(text: str) -> str:
    return escape(" ".join(harmless(text).split()))


def _cells(row: RankingRow, *, is_chosen: bool) -> tuple[str, ...]:
    one = row.accuracy
    if one is None:
        return (row.protocol, "", "", "none", "", "", "", "")
    return (
        f"[bold]{row.protocol}[/bold]" if is_chosen else row.protocol,
        str(one.benchmarks),
        str(one.blocks),
        f"{_share(one.error)} ({_share(one.low)} to {_share(one.high)})",
        f"{one.seconds:.1f} s",
        _share(one.after),
        _bias(one),
        "[bold]* chosen[/bold]" if is_chosen else "",
    )


def _share(value: float) -> str:
    return f"{value:.2%}"


def _bias(one: Accuracy) -> str:
    if one.bias is None or one.bias_low is None or one.bias_high is None:
        return "not measured"
    return f"{one.bias:+.2%} ({one.bias_low:+.2%} to {one.bias_high:+.2%})"


def _lines(found: Calibration, rows: tuple[RankingRow, ...]) -> list[str]:
    lines = [found.choices().origin, _called(found.false_calls)]
    fewest = min((row.accuracy.blocks for row in rows if row.accuracy is not None), default=0)
    if fewest < ENOUGH:
        lines.append(f"few blocks: {fewest} of some protocol and class; {ENOUGH} are the least")
    lines.append(f"blocks side by side: {found.side_by_side} ({found.tried})")
    lines += [
        f"{row.protocol} measures none of class {row.kind}: {row.reason}"
        for row in rows
        if row.accuracy is None
    ]
    lines += [f"missing: {name}: {reason}" for name, reason in found.missing.items()]
    return lines


def _called(calls: FalseCalls) -> str:
    return (
        f"the base against itself: called different in {calls.called} of {calls.of} comparisons "
        f"(a rate of at most {calls.upper:.1%}, exact 95% interval)"
    )
