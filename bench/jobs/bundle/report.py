"""Two results of one experiment side by side, for a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.compare import SIGNS, SuiteComparison, interval
from bench.jobs.bundle.reproduction import Pair, Reproduction
from bench.util import harmless

_OVERLAP = {True: "yes", False: "NO", None: "-"}
_OVERLAPPING = {
    True: "the intervals overlap",
    False: "the intervals do not overlap",
    None: "there is no interval to compare",
}


def show(found: Reproduction, console: Console) -> None:
    """Print what differs between the two, then every pair, then what it means."""
    for title, rows in (("host", found.host), ("builds", found.builds)):
        for what, before, after in rows:
            console.print(f"{title}: {_safe(what)}: {_safe(before)} -> {_safe(after)}")
    if found.same_builds:
        console.print("builds: the very same recipes")
    console.print()
    console.print(_table(found))
    for sentence in sentences(found):
        console.print(_safe(sentence))


def sentences(found: Reproduction) -> tuple[str, ...]:
    """What the two results say of each other."""
    rows = [pair for pair in found.pairs if pair.benchmark]
    compared = [pair for pair in rows if pair.overlap is not None]
    overlapping = sum(pair.overlap is True for pair in compared)
    same = sum(pair.agreement == "same" for pair in rows)
    told = [
        f"The intervals of {overlapping} of {len(compared)} benchmarks overlap; {same} of "
        f"{len(rows)} have the same verdict."
    ]
    for pair in found.pairs:
        if not pair.benchmark:
            told.append(
                f"{pair.candidate}, over the suite: {_words(pair.before)} then, "
                f"{_words(pair.after)} now; {_OVERLAPPING[pair.overlap]}."
            )
    for pair in found.contradictions:
        name = pair.benchmark or "the suite"
        told.append(f"They contradict each other on {name} ({pair.candidate}).")
    if found.contradictions and (found.host or found.builds):
        told.append("Host or builds differ (see above): the change may do something else there.")
    return tuple(told)


def _table(found: Reproduction) -> Table:
    table = Table(box=None, pad_edge=False)
    several = len({pair.candidate for pair in found.pairs}) > 1
    for title in ("benchmark", "then", "", "now", "", "overlap", ""):
        table.add_column(title, no_wrap=True)
    for pair in found.pairs:
        name = pair.benchmark or "geometric mean"
        table.add_row(
            _safe(f"{pair.candidate}: {name}" if several else name),
            *_cells(pair.before),
            *_cells(pair.after),
            _OVERLAP[pair.overlap],
            pair.agreement,
        )
    return table


def _cells(one: SuiteComparison | None) -> tuple[str, str]:
    if one is None:
        return "not measured", ""
    verdict = one.verdict
    figures = f"{one.ratio:.4f} ({interval(one.low, one.high)})"
    return figures, _safe(f"{SIGNS.get(verdict, ' ')} {verdict}")


def _words(one: SuiteComparison | None) -> str:
    return "not compared" if one is None else f"{one.ratio:.4f} ({one.verdict})"


def _safe(text: object) -> str:
    return escape(" ".join(harmless(str(text)).split()))


def as_json(found: Reproduction) -> dict[str, Any]:
    """The same as plain JSON."""
    return {
        "agrees": found.agrees,
        "same_builds": found.same_builds,
        "host": [list(row) for row in found.host],
        "builds": [list(row) for row in found.builds],
        "pairs": [_pair(pair) for pair in found.pairs],
        "sentences": list(sentences(found)),
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


def _figures(one: SuiteComparison | None) -> dict[str, Any] | None:
    names = ("ratio", "low", "high", "low95", "high95", "verdict", "blocks", "builds")
    return None if one is None else {name: getattr(one, name) for name in names}
