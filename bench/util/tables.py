"""Tables for a terminal of any width: nothing is cut, whatever the width is.

A table that is too wide wraps its columns of prose. If its other columns need more than the width,
each row becomes a few lines: its first cell, and below it the others with their titles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # importing rich takes as long as all else that `patchbench --help` needs
    from rich.console import Console, ConsoleOptions
    from rich.text import Text

_GAP = 2
# Prose is wrapped no narrower than this.
_NARROWEST = 20


@dataclass(frozen=True, kw_only=True)
class TableColumn:
    """A column. Cells of prose may be wrapped; others are names, numbers and verdicts."""

    title: str
    is_prose: bool = False
    is_right: bool = False


class TextTable:
    """Rows of cells in rich's markup, to be printed on a console of rich."""

    def __init__(self, *titles: str, prose: Sequence[str] = (), right: Sequence[str] = ()) -> None:
        """`prose` and `right` are the titles of columns of prose, and of those aligned right."""
        self.columns = tuple(
            TableColumn(title=title, is_prose=title in prose, is_right=title in right)
            for title in titles
        )
        self.rows: list[tuple[Text, ...]] = []

    def add_row(self, *cells: str | Text) -> None:
        """Add a row with a cell for each column."""
        from rich.text import Text

        texts = [Text.from_markup(part) if isinstance(part, str) else part for part in cells]
        if len(texts) != len(self.columns):
            raise ValueError(f"{len(texts)} cells for {len(self.columns)} columns")
        self.rows.append(tuple(texts))

    def widths(self, width: int) -> tuple[int, ...] | None:
        """Return the widths of the columns within `width`; None if that is too narrow."""
        natural = self._natural()
        left = width - _GAP * (len(natural) - 1)
        left -= sum(n for n, column in self._with(natural) if not column.is_prose)
        prose = [n for n, column in self._with(natural) if column.is_prose]
        if left < sum(min(n, _NARROWEST) for n in prose):
            return None
        shares = iter(_shared(prose, left))
        return tuple(next(shares) if column.is_prose else n for n, column in self._with(natural))

    def _with(self, widths: Sequence[int]) -> list[tuple[int, TableColumn]]:
        return list(zip(widths, self.columns, strict=True))

    def _natural(self) -> list[int]:
        from rich.cells import cell_len

        return [
            max([cell_len(column.title), *(row[index].cell_len for row in self.rows)])
            for index, column in enumerate(self.columns)
        ]

    def _needed(self) -> int:
        """The least width without stacking."""
        natural = self._with(self._natural())
        least = sum(min(n, _NARROWEST) if column.is_prose else n for n, column in natural)
        return least + _GAP * (len(natural) - 1)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[object]:
        """Render the table. On a pipe it is as wide as it has to be: nothing there is narrow."""
        from rich.segment import Segment

        width = options.max_width
        if getattr(console, "is_piped", False):
            width = max(width, self._needed())
        widths = self.widths(width)
        lines = self._stacked(width) if widths is None else self._lines(widths)
        for line in lines:
            yield from line.render(console)
            yield Segment.line()

    def _lines(self, widths: Sequence[int]) -> Iterator[Text]:
        from rich.text import Text

        head = [Text(column.title, style="bold") for column in self.columns]
        yield from self._row(head, widths)
        for row in self.rows:
            yield from self._row(row, widths)

    def _row(self, row: Sequence[Text], widths: Sequence[int]) -> Iterator[Text]:
        from rich.text import Text

        cells = [_wrapped(text, width) for text, width in zip(row, widths, strict=True)]
        for number in range(max(map(len, cells))):
            line = Text()
            for lines, (width, column) in zip(cells, self._with(widths), strict=True):
                text = lines[number] if number < len(lines) else Text()
                pad = " " * (width - text.cell_len)
                line.append_text(Text(pad) + text if column.is_right else text + Text(pad))
                line.append(" " * _GAP)
            line.rstrip()
            yield line

    def _stacked(self, width: int) -> Iterator[Text]:
        from rich.text import Text

        for row in self.rows:
            if row[0]:
                yield from _wrapped(row[0], width)
            line = Text()
            for text, column in zip(row[1:], self.columns[1:], strict=True):
                if not text.plain.strip():
                    continue
                title = f"{column.title}: " if column.title else ""
                part = Text.assemble((title, "dim"), text)
                if line and line.cell_len + part.cell_len + 2 * _GAP > width:
                    yield from _indented(line, width)
                    line = Text()
                line.append_text(Text(" " * _GAP) + part if line else part)
            yield from _indented(line, width)


def _shared(natural: Sequence[int], total: int) -> list[int]:
    """Share `total` among columns: none gets more than its own width, the widest are cut first."""
    shares = list(natural)
    while sum(shares) > total:
        widest = max(range(len(shares)), key=lambda index: shares[index])
        shares[widest] -= 1
    return shares


def _wrapped(text: Text, width: int) -> list[Text]:
    """The lines of a text; a word that is longer than the width is broken."""
    from rich.console import Console

    if text.cell_len <= width:
        return [text]
    lines = list(text.wrap(Console(width=width), width, overflow="fold"))
    for line in lines:
        line.rstrip()
    return lines


def _indented(text: Text, width: int) -> Iterator[Text]:
    from rich.text import Text

    if text:
        for line in _wrapped(text, max(width - _GAP, 1)):
            yield Text(" " * _GAP) + line
