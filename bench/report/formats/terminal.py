"""The result as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.console import Console
from rich.markup import escape

from bench.benchmarks import Missing
from bench.compare import SIGNS, Comparison, SuiteComparison, interval, spelled, times
from bench.report.answers import answers
from bench.report.change import title_of
from bench.report.objections import first_sentence, objections
from bench.report.wording import common_warnings, headline, kind
from bench.results import Result
from bench.util import TextTable, harmless

_TITLES = ("ratio", "", "95% interval", "verdict", "blocks", "notes")
_STYLES = {"faster": "green", "slower": "red", "equivalent": "cyan", "broken": "bold red"}


def _safe(text: object) -> str:
    """Make text of unknown origin safe: no markup, no control characters, on one line."""
    return escape(" ".join(harmless(str(text)).split()))


def verdict_cell(verdict: str) -> str:
    """A verdict with its sign and colour, as rich markup."""
    style = _STYLES.get(verdict, "yellow")
    return f"[{style}]{SIGNS.get(verdict, ' ')} {verdict}[/{style}]"


def show(result: Result, console: Console) -> None:
    """Print a result: the tables first, and last, where a terminal stops, what decides."""
    for candidate in result.candidates:
        console.print(f"[bold]{_safe(candidate.title)}[/bold] against {_safe(result.base.title)}")
        show_comparisons(candidate, console)
        for warning in candidate.warnings if kind(candidate) != "candidate" else ():
            console.print(f"[yellow]warning:[/yellow] {_safe(warning)}")
        console.print()
    _show_summary(result, console)


def _show_summary(result: Result, console: Console) -> None:
    """The verdicts, the answers, and a line for each limitation."""
    console.print(f"[bold]{_safe(title_of(result))}[/bold]")
    for candidate in result.candidates:
        console.print(f"[bold]{_safe(headline(candidate))}[/bold]")
    for answer in answers(result):
        for number, line in enumerate(answer.lines):
            label = answer.label if not number else ""
            console.print(f"{label:14} {_safe(line)}")
    for objection in objections(result):
        console.print(f"[yellow]limitation:[/yellow] {_safe(first_sentence(objection))}")


class Compared(Protocol):
    """What a table needs: `bench.compare.Comparisons`, or a candidate of a result."""

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """One for each benchmark."""

    @property
    def suite(self) -> SuiteComparison | None:
        """The geometric mean of times."""

    @property
    def suites(self) -> tuple[SuiteComparison, ...]:
        """The geometric means of other metrics."""

    @property
    def missing(self) -> tuple[Missing, ...]:
        """Benchmarks that could not be compared."""


def show_comparisons(compared: Compared, console: Console) -> None:
    """Print the table of one candidate."""
    rows = compared.comparisons
    common = common_warnings(rows)
    if rows:
        timed = times.have_times(rows)
        columns = ("benchmark", *([times.title_of(rows)] if timed else []), *_TITLES)
        table = TextTable(*columns, prose=["notes"], right=["blocks"])
        several = len({row.metric for row in rows}) > 1
        for row in rows:
            name = f"{row.benchmark} ({row.metric})" if several else row.benchmark
            shown = [times.times(row, is_short=True)] if timed else []
            table.add_row(_safe(name), *shown, *_cells(row), _notes(row, common))
        for suite in _suites(compared):
            kind = "" if suite.metric == "time" else f" {suite.metric}"
            title = f"geometric mean{kind}"
            empty = [""] if timed else []
            table.add_row(f"[bold]{title}[/bold]", *empty, *_cells(suite), _notes(suite, common))
        console.print(table)
    for absent in compared.missing:
        console.print(f"missing: {_safe(absent.benchmark)}: {_safe(absent.reason)}")
    for warning in common:
        console.print(f"[dim]all: {_safe(warning)}[/dim]")
    for line in explanations(compared, common):
        console.print(f"[dim]{_safe(line)}[/dim]")
    if legend := times.legend(rows):
        console.print(f"[dim]{_safe(legend)}[/dim]")


def _suites(compared: Compared) -> tuple[SuiteComparison, ...]:
    return compared.suites if compared.suite is None else (compared.suite, *compared.suites)


def _notes(row: SuiteComparison, common: Sequence[str]) -> str:
    """The codes of a row's warnings; their texts are below the table (`explanations`)."""
    own = [warning for warning in row.warnings if warning not in common]
    return _safe(", ".join(warning.partition(":")[0] for warning in own))


def explanations(compared: Compared, common: Sequence[str]) -> list[str]:
    """A line for each code in the table: its text in the first row that has it."""
    by_code: dict[str, list[tuple[str, str]]] = {}
    for row in (*compared.comparisons, *_suites(compared)):
        for warning in row.warnings:
            if warning not in common:
                code, _, text = warning.partition(":")
                name = row.benchmark if isinstance(row, Comparison) else "geometric mean"
                by_code.setdefault(code, []).append((name, text.strip()))
    return [
        f"{code} ({name}{f' and {len(rest)} more' if rest else ''}): {text}"
        for code, ((name, text), *rest) in by_code.items()
    ]


def _cells(row: SuiteComparison) -> tuple[str, ...]:
    return (
        f"{row.ratio:.4f}",
        spelled(row.ratio),
        interval(row.low, row.high),
        verdict_cell(row.verdict),
        str(row.blocks),
    )
