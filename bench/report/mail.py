"""mail.txt: what one would post to a mailing list. Plain ASCII, no line over 76 columns.

The first line is the subject, the rest the body. Text of unknown origin can neither add a header,
nor begin a line that mail programs read as something of their own, nor send a terminal anything.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.progress import harmless
from bench.report.sections import Fact, Section
from bench.report.statement import Row, Statement, Table, state

COLUMNS = 76
_SUBJECT = "Subject: [patchbench] "
# Widths of the table: name, ratio, interval, verdict, blocks, with two blanks between them.
_WIDTHS = (27, 6, 16, 14, 5)
_TITLES = ("benchmark", "ratio", "interval", "verdict", "n")


def render(result: Mapping[str, Any]) -> str:
    """The mail, with its subject and no other header. Shapes: docs/result-schema.md."""
    told = state(result)
    parts = [
        [cut(_SUBJECT + plain(told.subject), COLUMNS)],
        *([*paragraph(one)] for one in told.verdicts),
        [*paragraph(told.slower)],
        [*_objections(told)],
        *([*_table(one)] for one in told.tables),
        [*paragraph(told.reading)] if told.tables else [],
        *([*_section(one)] for one in told.sections),
        ["To reproduce", *(line for one in told.commands for line in command(one))],
        [*paragraph(told.made)],
    ]
    text = "\n\n".join("\n".join(lines) for lines in parts if lines)
    return "\n".join(safe(line.rstrip()) for line in text.split("\n")) + "\n"


def plain(text: object) -> str:
    """Text of unknown origin as one line of printable ASCII; other letters are shown as escapes."""
    return " ".join(_ascii(text).split())


def _ascii(text: object) -> str:
    return harmless(str(text)).encode("ascii", "backslashreplace").decode()


def command(text: str) -> list[str]:
    """A command in lines that a shell joins again; chopped between words where that can be."""
    try:
        words = [re.sub(r"\s", " ", word) for word in shlex.split(_ascii(text))]
    except ValueError:  # it never was one
        return [*paragraph(text, "  ")]
    lines = ["  "]
    for word in map(shlex.quote, words):
        room = COLUMNS - len(" \\")
        if len(lines[-1]) + 1 + len(word) <= room:
            lines[-1] += word if lines[-1].isspace() else f" {word}"
        elif len(word) + 4 <= room:
            lines += [f"    {word}"]
        else:
            lines += _chopped(word, room)
    return [_continued(lines, at) for at in range(len(lines))]


def _chopped(word: str, room: int) -> list[str]:
    """One word that has no room in a line, in pieces that begin at the margin: those are joined."""
    bare = shlex.split(word)[0]
    # A quoted piece may be five times as long as the bare one, since every ' becomes '"'"'.
    size = (room - len("    ''")) // 5
    pieces = [shlex.quote(bare[at : at + size]) for at in range(0, len(bare), size)]
    return ["    " + pieces[0], *("\0" + piece for piece in pieces[1:])]


def _continued(lines: Sequence[str], at: int) -> str:
    """A line of a command, with what joins the next one to it."""
    line = lines[at].removeprefix("\0")
    if at + 1 == len(lines):
        return line
    return f"{line}\\" if lines[at + 1].startswith("\0") else f"{line} \\"


def safe(line: str) -> str:
    """A line as it may stand in a mail: nothing that a mailbox takes for the next mail, or a server
    for the end of this one.
    """
    return f" {line}" if line.startswith("From ") or line in (".", "--") else line


def paragraph(text: object, indent: str = "", first: str | None = None) -> Iterator[str]:
    """Text of unknown origin in lines; `first` stands before the first one, `indent` before all
    others.
    """
    yield from textwrap.wrap(
        plain(text),
        # One column is left for safe.
        COLUMNS - 1,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def cut(text: str, width: int) -> str:
    """The beginning of a text, with dots where that is not all of it."""
    return text if len(text) <= width else text[: width - 3] + "..."


def _objections(told: Statement) -> Iterator[str]:
    if told.objections:
        yield "What speaks against it"
        for one in told.objections:
            yield from paragraph(one, "    ", "  * ")


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


def _row(row: Row) -> Iterator[str]:
    """A row; a name that is too long for its column has lines of its own above it."""
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


def _section(section: Section) -> Iterator[str]:
    yield section.title
    for fact in section.facts:
        yield from _fact(fact)


def _fact(fact: Fact) -> Iterator[str]:
    if fact.exact:
        # On lines of their own, so that flags can be read, and copied.
        yield from paragraph(f"{fact.label}:", "  ")
        yield from paragraph(fact.text, "      ")
    else:
        yield from paragraph(f"{fact.label}: {fact.text}", "      ", "  ")
