""""""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator, Sequence

from builder.files import digest

# C0 and C1 controls, and what lets text run backwards or begin a line that nobody sees coming.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)


def harmless(text: str) -> str:
    """`text` without terminal control characters: patches and logs may hold any."""
    return _CONTROL.sub("?", text)


def slug(name: str) -> str:
    """A benchmark's name as part of a path. Where anything had to be replaced, a digest is added,
    so that no two names share a path.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:100]
    return plain if plain == name and not name.startswith(".") else f"{plain}-{digest(name)[:6]}"


COLUMNS = 76


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
