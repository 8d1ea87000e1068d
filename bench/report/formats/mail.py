"""mail.txt: a mail for a mailing list. Plain ASCII, no line over 76 columns.

The first line is the subject, the rest the body. Text of unknown origin can neither add a header,
nor begin a line with a meaning to mail programs, nor send control characters to a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.report.sections import Fact, FactSection
from bench.report.statement import Statement, StatementRow, Table, state
from bench.results import Result
from bench.util import COLUMNS, command, cut, paragraph, plain, safe

_SUBJECT = "Subject: [patchbench] "
_TITLES = ("benchmark", "ratio", "interval", "verdict", "n")


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """The columns of a table: name, times if there are any, ratio, interval, verdict, blocks."""

    widths: tuple[int, ...]
    gap: str
    timed: bool

    @classmethod
    def of(cls, table: Table) -> _Layout:
        """With times, names get what is left of a line; longer ones are on separate lines."""
        if not table.times_title:
            return cls(widths=(27, 6, 16, 14, 5), gap="  ", timed=False)
        rows = [*table.rows, *([table.suite] if table.suite else [])]
        times = max(len(table.times_title), *(len(row.times_short) for row in rows))
        times = min(times, _LONGEST_TIMES)
        blocks = max(1, *(len(row.blocks) for row in rows))
        rest = (times, 6, 16, 14, blocks)
        name = COLUMNS - sum(rest) - len(rest)
        return cls(widths=(name, *rest), gap=" ", timed=True)

    def cells(self, row: StatementRow, name: str) -> tuple[str, ...]:
        """The cells of a row."""
        shown = (row.times_short,) if self.timed else ()
        return (name, *shown, row.ratio, row.interval, row.verdict, row.blocks)

    def line(self, cells: Sequence[str]) -> str:
        """A line of the table; the last column is flushed right."""
        *texts, last = (
            cut(plain(cell), width) for cell, width in zip(cells, self.widths, strict=True)
        )
        padded = [f"{text:{width}}" for text, width in zip(texts, self.widths, strict=False)]
        return self.gap.join((*padded, f"{last:>{self.widths[-1]}}"))


# 1234.5 -> 1234.6 ms is longer than what is usual.
_LONGEST_TIMES = 22


def render(result: Result) -> str:
    """The mail, with its subject and no other header. Shapes: docs/result-schema.md."""
    statement = state(result)
    parts = [
        [cut(_SUBJECT + plain(statement.subject), COLUMNS)],
        *([*paragraph(verdict)] for verdict in statement.verdicts),
        [*paragraph(statement.slower)],
        [*_objections(statement)],
        *([*_table(table)] for table in statement.tables),
        [*paragraph(statement.reading)] if statement.tables else [],
        *([*_section(section)] for section in statement.sections),
        ["To reproduce", *(line for text in statement.commands for line in command(text))],
        [*paragraph(statement.made)],
    ]
    text = "\n\n".join("\n".join(lines) for lines in parts if lines)
    return "\n".join(safe(line.rstrip()) for line in text.split("\n")) + "\n"


def _objections(statement: Statement) -> Iterator[str]:
    if statement.objections:
        yield "Limitations and warnings"
        for objection in statement.objections:
            yield from paragraph(objection, "    ", "  * ")


def _table(table: Table) -> Iterator[str]:
    yield from paragraph(table.title)
    yield from paragraph(f"against {table.against}")
    yield ""
    layout = _Layout.of(table)
    first, *others = _TITLES
    yield layout.line((first, *([table.times_title] if layout.timed else []), *others))
    yield "-" * COLUMNS
    for row in table.rows:
        yield from _row(row, layout)
    if table.suite is not None:
        yield "-" * COLUMNS
        yield from _row(table.suite, layout)
    if layout.timed:
        yield ""
        yield from paragraph(table.times_legend)
    rows = [*table.rows, *([table.suite] if table.suite else [])]
    notes = [f"{row.name}: {row.notes}" for row in rows if row.notes]
    if notes:
        yield ""
    for note in notes:
        yield from paragraph(note, "    ", "  * ")


def _row(row: StatementRow, layout: _Layout) -> Iterator[str]:
    """The lines of a row; a name too long for its column is on separate lines above."""
    name = plain(row.name)
    if len(name) > layout.widths[0]:
        yield from paragraph(name)
        name = ""
    yield layout.line(layout.cells(row, name))


def _section(section: FactSection) -> Iterator[str]:
    yield section.title
    for fact in section.facts:
        yield from _fact(fact)


def _fact(fact: Fact) -> Iterator[str]:
    if fact.exact:
        # On separate lines, so that flags can be read and copied.
        yield from paragraph(f"{fact.label}:", "  ")
        yield from paragraph(fact.text, "      ")
    else:
        yield from paragraph(f"{fact.label}: {fact.text}", "      ", "  ")
