"""Text for terminals, paths, mails and shell commands: escaped, wrapped and shortened."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator, Sequence

from builder.files import digest

# C0 and C1 controls, marks that change the direction of text, and Unicode line separators.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)


def harmless(text: str) -> str:
    """Replace control characters, which patches and logs may contain, by question marks."""
    return _CONTROL.sub("?", text)


def slug(name: str) -> str:
    """Convert a benchmark's name to a part of a path. If characters had to be replaced, a digest is
    appended, so that no two names share a path.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:100]
    return plain if plain == name and not name.startswith(".") else f"{plain}-{digest(name)[:6]}"


COLUMNS = 76


def plain(text: object) -> str:
    """Return text of unknown origin as one line of printable ASCII, other letters as escapes."""
    return " ".join(_ascii(text).split())


def _ascii(text: object) -> str:
    return harmless(str(text)).encode("ascii", "backslashreplace").decode()


def command(text: str) -> list[str]:
    """Wrap a shell command into lines continued by backslashes, between words where possible."""
    try:
        words = [re.sub(r"\s", " ", word) for word in shlex.split(_ascii(text))]
    except ValueError:  # not a shell command
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
    """Split a word that is longer than a line; the shell joins pieces that begin at column 0."""
    unquoted = shlex.split(word)[0]
    # A quoted piece may be five times as long as the unquoted one, since every ' becomes '"'"'.
    size = (room - len("    ''")) // 5
    pieces = [shlex.quote(unquoted[at : at + size]) for at in range(0, len(unquoted), size)]
    return ["    " + pieces[0], *("\0" + piece for piece in pieces[1:])]


def _continued(lines: Sequence[str], at: int) -> str:
    """Return a line of a command with the backslash that continues it, if another line follows."""
    line = lines[at].removeprefix("\0")
    if at + 1 == len(lines):
        return line
    return f"{line}\\" if lines[at + 1].startswith("\0") else f"{line} \\"


def safe(line: str) -> str:
    """Return a line that is safe in a mail: indented if a mailbox would read it as the start of the
    next mail ("From "), or a server or reader as the end of this one.
    """
    return f" {line}" if line.startswith("From ") or line in (".", "--") else line


def paragraph(text: object, indent: str = "", first: str | None = None) -> Iterator[str]:
    """Wrap text of unknown origin; `first` precedes the first line, `indent` all others."""
    yield from textwrap.wrap(
        plain(text),
        # `safe` may add one column.
        COLUMNS - 1,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def cut(text: str, width: int) -> str:
    """Shorten a text to `width` characters, with three dots at the end if it was longer."""
    return text if len(text) <= width else text[: width - 3] + "..."
