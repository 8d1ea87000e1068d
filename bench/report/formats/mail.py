"""mail.txt: a mail for a mailing list. Plain ASCII, no line over 76 columns.

The first line is the subject, the rest the body. What decides comes first and has at most `FOLD`
lines, so that it fits into an issue; the details follow below the fold. Text of unknown origin can
neither add a header, nor begin a line with a meaning to mail programs, nor send control characters
to a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.report.answers import ReportAnswer
from bench.report.objections import first_sentence
from bench.report.sections import Fact, FactSection
from bench.report.statement import Statement, StatementRow, Table, state
from bench.results import Result
from bench.util import COLUMNS, command, cut, paragraph, plain, safe

FOLD = 60
FOLD_LINE = f"{' details ':-^{COLUMNS}}"
_SUBJECT = "Subject: [patchbench] "
# Most lines of each part above the fold; together with the lines between them less than FOLD.
_MOST_VERDICTS, _MOST_OBJECTIONS = 6, 10
_MOST = {"What it is": 9, "Faster": 5, "Slower": 8, "Costs": 7, "Still Python?": 4}
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
    above, below = _first_screen(statement)
    tables = [[*_table(table)] for table in statement.tables]
    notes = [[*_notes(table)] for table in statement.tables]
    if tables:
        notes.append([*paragraph(statement.reading)])
    # A table that fits above the fold saves the reader the way down.
    fits = len(_joined([*above, *tables])) < FOLD
    parts = [
        *(above + tables if fits else above),
        [FOLD_LINE],
        *below,
        *([] if fits else tables),
        *notes,
        *([*_section(section)] for section in statement.sections),
        ["To reproduce", *(line for text in statement.commands for line in command(text))],
        [*paragraph(statement.made)],
    ]
    return "\n".join(safe(line.rstrip()) for line in _joined(parts)) + "\n"


def _joined(parts: Sequence[Sequence[str]]) -> list[str]:
    """The lines of the parts that have any, with an empty line between two parts."""
    return [line for part in parts if part for line in ("", *part)][1:]


def _subject(statement: Statement) -> str:
    """The subject; a change with a long name is cut, never what came out."""
    result = plain(statement.result)
    room = COLUMNS - len(_SUBJECT) - len(": ") - min(len(result), 30)
    names = [plain(subject) for subject in statement.subjects]
    name = next((name for name in names if len(name) <= room), cut(names[-1], room))
    return cut(f"{_SUBJECT}{name}: {result}", COLUMNS)


def _first_screen(statement: Statement) -> tuple[list[list[str]], list[list[str]]]:
    """The parts above the fold, and in full those of them that had to be cut."""
    above, below = [[_subject(statement)]], []
    verdicts = [line for verdict in statement.verdicts for line in paragraph(verdict)]
    answers = [([*_answer(answer)], _MOST[answer.label]) for answer in statement.answers]
    for lines, most in [(verdicts, _MOST_VERDICTS), *answers]:
        shown = _fitted(lines, most)
        above.append(shown)
        if shown != lines:
            below.append(lines)
    objections = [*_objections(statement)]
    above.append(_fitted([*_in_short(statement)], _MOST_OBJECTIONS + 1))
    if above[-1] != objections:
        below.append(objections)
    return above, below


def _fitted(lines: Sequence[str], most: int) -> list[str]:
    if len(lines) <= most:
        return list(lines)
    left = len(lines) - most + 1
    return [*lines[: most - 1], f"  ... {left} more lines below"]


def _answer(answer: ReportAnswer) -> Iterator[str]:
    """An answer of one line beside its label, one of several below it."""
    label = answer.label if answer.label.endswith("?") else f"{answer.label}:"
    if len(answer.lines) == 1:
        yield from paragraph(f"{label} {answer.lines[0]}", "    ", "")
        return
    yield label
    for line in answer.lines:
        yield from paragraph(line, "    ", "  ")


_LIMITATIONS = "Limitations and warnings"


def _in_short(statement: Statement) -> Iterator[str]:
    """A line for each objection, as much of it as there is room for."""
    if statement.objections:
        yield _LIMITATIONS
        for objection in statement.objections:
            yield cut(f"  * {plain(first_sentence(objection))}", COLUMNS - 1)


def _objections(statement: Statement) -> Iterator[str]:
    if statement.objections:
        yield _LIMITATIONS
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


def _notes(table: Table) -> Iterator[str]:
    """The warnings of single rows."""
    rows = [*table.rows, *([table.suite] if table.suite else [])]
    notes = [f"{row.name}: {row.notes}" for row in rows if row.notes]
    if notes:
        yield from paragraph(f"Warnings of single benchmarks, {table.title}")
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
