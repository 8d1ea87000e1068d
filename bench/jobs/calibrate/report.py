"""Show a calibration as a table in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from bench.measure import KNOWN, Calibration, FalseCalls, RankingRow, ranking
from bench.stats import SPAN, Accuracy
from bench.util import TextTable, harmless

# The number of blocks of each protocol that a calibration should have.
ENOUGH = 20


def show(calibration: Calibration, console: Console) -> None:
    """Print each protocol's accuracy in each class, the choices, and the false-positive rate."""
    rows = calibration.rows()
    chosen = ranking.choose(rows)
    after = f"after {SPAN:.0f} s"
    table = TextTable(
        "class",
        "protocol",
        "benchmarks",
        "blocks",
        "RMS error of a block",
        "takes",
        after,
        f"bias on {KNOWN - 1:.0%} more",
        "",
        right=("benchmarks", "blocks", "takes", after),
    )
    before = ""
    for row in rows:
        kind = "" if row.kind == before else row.kind
        table.add_row(kind, *_cells(row, is_chosen=chosen.get(row.kind) == row.protocol))
        before = row.kind
    console.print(table)
    for line in _lines(calibration, rows):
        console.print(_safe(line))


def _safe(text: str) -> str:
    return escape(" ".join(harmless(text).split()))


def _cells(row: RankingRow, *, is_chosen: bool) -> tuple[str, ...]:
    accuracy = row.accuracy
    if accuracy is None:
        return (row.protocol, "", "", "none", "", "", "", "")
    return (
        f"[bold]{row.protocol}[/bold]" if is_chosen else row.protocol,
        str(accuracy.benchmarks),
        str(accuracy.blocks),
        f"{_share(accuracy.error)} ({_share(accuracy.low)} to {_share(accuracy.high)})",
        f"{accuracy.seconds:.1f} s",
        _share(accuracy.after),
        _bias(accuracy),
        "[bold]* chosen[/bold]" if is_chosen else "",
    )


def _share(value: float) -> str:
    return f"{value:.2%}"


def _bias(accuracy: Accuracy) -> str:
    if accuracy.bias is None or accuracy.bias_low is None or accuracy.bias_high is None:
        return "not measured"
    return f"{accuracy.bias:+.2%} ({accuracy.bias_low:+.2%} to {accuracy.bias_high:+.2%})"


def _lines(calibration: Calibration, rows: tuple[RankingRow, ...]) -> list[str]:
    lines = [calibration.choices().origin, _called(calibration.false_calls)]
    fewest = min((row.accuracy.blocks for row in rows if row.accuracy is not None), default=0)
    if fewest < ENOUGH:
        lines.append(
            f"few blocks: only {fewest} of some protocol and class, of the {ENOUGH} needed"
        )
    lines.append(f"blocks side by side: {calibration.side_by_side} ({calibration.tried})")
    lines += [
        f"{row.protocol} cannot measure class {row.kind}: {row.reason}"
        for row in rows
        if row.accuracy is None
    ]
    lines += [f"missing: {name}: {reason}" for name, reason in calibration.missing.items()]
    return lines


def _called(calls: FalseCalls) -> str:
    return (
        f"the base against itself: called different in {calls.called} of {calls.of} comparisons "
        f"(a rate of at most {calls.upper:.1%}, exact 95% interval)"
    )
