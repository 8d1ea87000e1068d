"""Show two results of one experiment side by side in a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape

from bench.compare import SIGNS, SuiteComparison, interval
from bench.jobs.bundle.reproduction import Pair, Reproduction
from bench.util import TextTable, harmless

_OVERLAP = {True: "yes", False: "NO", None: "-"}
_OVERLAPPING = {
    True: "the intervals overlap",
    False: "the intervals do not overlap",
    None: "there is no interval to compare",
}


def show(comparison: Reproduction, console: Console) -> None:
    """Print how host and builds differ, then every pair of comparisons, then a summary."""
    for title, rows in (("host", comparison.host), ("builds", comparison.builds)):
        for what, before, after in rows:
            console.print(f"{title}: {_safe(what)}: {_safe(before)} -> {_safe(after)}")
    if comparison.same_builds:
        console.print("builds: the same recipes")
    console.print()
    console.print(_table(comparison))
    for sentence in sentences(comparison):
        console.print(_safe(sentence))


def sentences(comparison: Reproduction) -> tuple[str, ...]:
    """Summarize in sentences how the two results agree."""
    rows = [pair for pair in comparison.pairs if pair.benchmark]
    compared = [pair for pair in rows if pair.overlap is not None]
    overlapping = sum(pair.overlap is True for pair in compared)
    same = sum(pair.agreement == "same" for pair in rows)
    lines = [
        f"The intervals of {overlapping} of {len(compared)} benchmarks overlap; {same} of "
        f"{len(rows)} have the same verdict."
    ]
    for pair in comparison.pairs:
        if not pair.benchmark:
            lines.append(
                f"{pair.candidate}, over the suite: {_words(pair.before)} then, "
                f"{_words(pair.after)} now; {_OVERLAPPING[pair.overlap]}."
            )
    for pair in comparison.contradictions:
        name = pair.benchmark or "the suite"
        lines.append(f"The two results contradict each other on {name} ({pair.candidate}).")
    if comparison.contradictions and (comparison.host or comparison.builds):
        lines.append(
            "Host or builds differ (see above), so the change may have another effect there."
        )
    return tuple(lines)


def _table(comparison: Reproduction) -> TextTable:
    table = TextTable("benchmark", "then", "", "now", "", "overlap", "")
    several = len({pair.candidate for pair in comparison.pairs}) > 1
    for pair in comparison.pairs:
        name = pair.benchmark or "geometric mean"
        table.add_row(
            _safe(f"{pair.candidate}: {name}" if several else name),
            *_cells(pair.before),
            *_cells(pair.after),
            _OVERLAP[pair.overlap],
            pair.agreement,
        )
    return table


def _cells(row: SuiteComparison | None) -> tuple[str, str]:
    if row is None:
        return "not measured", ""
    verdict = row.verdict
    figures = f"{row.ratio:.4f} ({interval(row.low, row.high)})"
    return figures, _safe(f"{SIGNS.get(verdict, ' ')} {verdict}")


def _words(row: SuiteComparison | None) -> str:
    return "not compared" if row is None else f"{row.ratio:.4f} ({row.verdict})"


def _safe(text: object) -> str:
    return escape(" ".join(harmless(str(text)).split()))


def as_json(comparison: Reproduction) -> dict[str, Any]:
    """The comparison as plain JSON."""
    return {
        "agrees": comparison.agrees,
        "same_builds": comparison.same_builds,
        "host": [list(row) for row in comparison.host],
        "builds": [list(row) for row in comparison.builds],
        "pairs": [_pair(pair) for pair in comparison.pairs],
        "sentences": list(sentences(comparison)),
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "candidate": pair.candidate,
        "benchmark": pair.benchmark,
        "before": _figures(pair.before),
        "after": _figures(pair.after),
        "overlap": pair.overlap,
        "agreement": pair.agreement,
    }


def _figures(row: SuiteComparison | None) -> dict[str, Any] | None:
    names = ("ratio", "low", "high", "low95", "high95", "verdict", "blocks", "builds")
    return None if row is None else {name: getattr(row, name) for name in names}
