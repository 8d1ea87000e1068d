"""mail.txt: a mail for a mailing list. Plain ASCII, no line over 76 columns.

The first line is the subject, the rest the body. Text of unknown origin can neither add a header,
nor begin a line with a meaning to mail programs, nor send control characters to a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.report.sections import Fact, FactSection
from bench.report.statement import Statement, StatementRow, Table, state
from bench.results import Result
from bench.util import COLUMNS, command, cut, paragraph, plain, safe

_SUBJECT = "Subject: [patchbench] "
# Widths of the columns: name, ratio, interval, verdict, blocks, with two blanks between them.
_WIDTHS = (27, 6, 16, 14, 5)
_TITLES = ("benchmark", "ratio", "interval", "verdict", "n")


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
    yield _line(_TITLES)
    yield "-" * COLUMNS
    for row in table.rows:
        yield from _row(row)
    if table.suite is not None:
        yield "-" * COLUMNS
        yield from _row(table.suite)
    rows = [*table.rows, *([table.suite] if table.suite else [])]
    notes = [f"{row.name}: {row.notes}" for row in rows if row.notes]
    if notes:
        yield ""
    for note in notes:
        yield from paragraph(note, "    ", "  * ")


def _row(row: StatementRow) -> Iterator[str]:
    """The lines of a row; a name too long for its column is on separate lines above."""
    name = plain(row.name)
    if len(name) > _WIDTHS[0]:
        yield from paragraph(name)
        name = ""
    yield _line((name, row.ratio, row.interval, row.verdict, row.blocks))


def _line(cells: Sequence[str]) -> str:
    name, ratio, interval, verdict, blocks = (
        cut(plain(cell), width) for cell, width in zip(cells, _WIDTHS, strict=True)
    )
    widths = _WIDTHS
    return (
        f"{name:{widths[0]}}  {ratio:{widths[1]}}  {interval:{widths[2]}}  "
        f"{verdict:{widths[3]}}  {blocks:>{widths[4]}}"
    )


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
