"""Reading Cython's annotated page: which lines of a module call the C API, and how much.

The page has an element for each line of the source, whose class ends in its score. Cython's score
is a weighted count of the calls of C API functions in the C code of the line: 0 is plain C.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from builder.errors import DataError

_CLASS = re.compile(r"cython line score-(\d+)")
_NUMBERED = re.compile(r"\W*(\d+):(?: (.*))?$", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class AnnotatedLine:
    """A line of the source, counted from 1, with its score."""

    number: int
    score: int
    text: str


def read(page: Path) -> tuple[AnnotatedLine, ...]:
    """The lines of an annotated page. Raises DataError if the file is not one."""
    try:
        text = page.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise DataError(
            f"Cython's annotated page cannot be read: {error}.", where=str(page)
        ) from error
    reader = _Reader()
    reader.feed(text)
    if not reader.lines:
        raise DataError(
            "Cython's annotated page has no lines.",
            where=str(page),
            hint="Another version of Cython may use another format: see ext/annotate.py.",
        )
    return tuple(reader.lines)


class _Reader(HTMLParser):
    """Collects the text of every <pre class="cython line score-N">, which begins with a number."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[AnnotatedLine] = []
        self._score: int | None = None
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A line begins."""
        match = _CLASS.fullmatch(dict(attrs).get("class") or "") if tag == "pre" else None
        if match:
            self._score = int(match[1])
            self._text = []

    def handle_data(self, data: str) -> None:
        """Text, of a line or around them."""
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        """A line ends."""
        if tag == "pre" and self._score is not None:
            match = _NUMBERED.match("".join(self._text))
            if match:
                text = (match[2] or "").rstrip("\n")
                self.lines.append(AnnotatedLine(number=int(match[1]), score=self._score, text=text))
            self._score = None
