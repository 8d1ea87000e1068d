"""Paths in patches: how they are written, how git reads them, and which are refused."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

# Linux allows 255 bytes for a component and 4096 for a path, the working path included.
_MAX_COMPONENT = 255
_MAX_PATH = 2048
_NOWHERE = "/dev/null"
_ESCAPES = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_DATE = re.compile(r"(?<!\s)\s+\d{4}-\d\d-\d\d[ T]\d\d:\d\d.*$")
_EPOCH = re.compile(r"\s(1970-01-01|1969-12-31) (\d\d):(\d\d):00(?:\.0+)? ([+-])(\d\d)(\d\d)\s*$")


@dataclass(frozen=True, kw_only=True)
class Names:
    """The paths of one file's diff as git reads them, first component removed.

    `old` is None for a new file, `new` for a deleted one; `kept`: the old file stays (a copy).
    `written` are the paths as written in the patch, without /dev/null. `bare`: a git header whose
    paths have no a/ and b/ before them.
    """

    old: str | None
    new: str | None
    written: tuple[str, ...]
    kept: bool = False
    bare: bool = False

    def refused(self) -> tuple[str, str] | None:
        """The first path that no patch may touch, with the reason."""
        read = [path for path in (self.old, self.new) if path is not None]
        for path in (*self.written, *read):
            if reason := unsafe(path):
                return path, reason
        for path in read:
            if "." in path.split("/"):  # git refuses it here, and resolves it elsewhere
                return path, "has `.` as a component"
        return None


def of_git(header: bytes, fields: Mapping[bytes, bytes]) -> Names:
    """Names from a `diff --git` header and the extended lines below it."""
    before, after = _halves(_text(header))
    old = _field(fields, b"---", before)
    new = _field(fields, b"+++", after)
    written = tuple(dict.fromkeys(name for name in (old, new) if name not in ("", _NOWHERE)))
    old_path, new_path = _stripped(old), _stripped(new)
    for verb in ("rename", "copy"):
        if f"{verb} from".encode() in fields and f"{verb} to".encode() in fields:
            old_path = _unquoted(_text(fields[f"{verb} from".encode()]))
            new_path = _unquoted(_text(fields[f"{verb} to".encode()]))
            written = (*written, old_path, new_path)
    return Names(
        old=None if b"new file mode" in fields else old_path,
        new=None if b"deleted file mode" in fields else new_path,
        written=written,
        kept=b"copy from" in fields,
        bare=(bool(before) and before == after) or (b"---" in fields and old == old_path),
    )


def of_plain(old_line: bytes, new_line: bytes) -> Names:
    """Names from the `---` and `+++` lines of `diff -u`, without those markers."""
    old_text, new_text = _text(old_line), _text(new_line)
    old, new = _dated(old_text), _dated(new_text)
    written = tuple(dict.fromkeys(name for name in (old, new) if name != _NOWHERE))
    if old == _NOWHERE or _is_epoch(old_text):
        return Names(old=None, new=_stripped(new), written=written)
    if new == _NOWHERE or _is_epoch(new_text):
        return Names(old=_stripped(old), new=None, written=written)
    # As in git: of file.c and file.c.orig, the shorter one is used.
    old_path, path = _stripped(old), _stripped(new)
    if old_path and path and path.startswith(old_path):
        path = old_path
    return Names(old=path, new=path, written=written)


def unsafe(path: str) -> str:
    """Why a patch must not touch `path`; empty if it may."""
    parts = re.split(r"[/\\]", path)
    if path.startswith(("/", "\\")) or re.match(r"[A-Za-z]:[/\\]", path):
        return "is absolute"
    if ".." in parts:
        return "leaves the tree through `..`"
    if any(re.fullmatch(r"\.git|git~\d+", part.rstrip(" .").lower()) for part in parts):
        return "lies in git's own folder"
    if not path.isprintable():  # a lone surrogate represents a byte that is not UTF-8
        return "has control characters, or bytes that are not UTF-8"
    if len(path) > _MAX_PATH or max(len(os.fsencode(part)) for part in parts) > _MAX_COMPONENT:
        return "is too long"
    return ""


def unsafe_mode(mode: str) -> str:
    """Why a patch must not give a file this mode (octal digits as in git); empty if it may."""
    if mode == "120000":
        return "would become a symbolic link"
    if mode == "160000":
        return "would become a submodule"
    if not re.fullmatch(r"100[0-7]{3}", mode):
        return f"would get the mode {shown(mode)}, which no regular file has"
    return ""


def shown(text: str | bytes, limit: int = 100) -> str:
    """`text` as one printable line for a message, cut after `limit` characters."""
    if isinstance(text, bytes):
        text = text[: 4 * limit].decode("utf-8", "backslashreplace")
    text = text[: 4 * limit].rstrip("\n").expandtabs(8)
    text = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return text if len(text) <= limit else text[:limit] + "…"


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _field(fields: Mapping[bytes, bytes], key: bytes, default: str) -> str:
    return _unquoted(_text(fields[key]).partition("\t")[0]) if key in fields else default


def _halves(header: str) -> tuple[str, str]:
    """The two names in `a/x b/x`; empty if they cannot be separated."""
    if header.startswith('"'):
        match = re.fullmatch(r'("(?:[^"\\]|\\.)*") (.+)', header)
        return (_unquoted(match[1]), _unquoted(match[2])) if match else ("", "")
    if header.endswith('"') and ' "' in header:
        first, _, second = header.partition(' "')
        return first, _unquoted('"' + second)
    # Names may contain spaces, but both have equal lengths: only the first component differs.
    middle = len(header) // 2
    if header[middle : middle + 1] == " ":
        return header[:middle], header[middle + 1 :]
    return "", ""


def _unquoted(name: str) -> str:
    """A name without the quotes of git and GNU diff, which use C's escapes."""
    match = re.match(r'"((?:[^"\\]|\\.)*)"', name)
    if not match:
        return name.rstrip()
    raw = re.sub(
        rb"\\([0-7]{1,3}|.)", _unescaped, match[1].encode("utf-8", "surrogateescape"), flags=re.S
    )
    return raw.decode("utf-8", "surrogateescape")


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code.isdigit():
        return bytes([int(code, 8) & 0xFF])
    return bytes([_ESCAPES.get(code.decode("latin-1"), code[0])])


def _dated(line: str) -> str:
    """The name on a `---` or `+++` line of diff -u, without the date after it."""
    return _unquoted(_DATE.sub("", line.partition("\t")[0]))


def _is_epoch(line: str) -> bool:
    """Whether the date is 1970-01-01 00:00 UTC, diff's mark for a file that does not exist."""
    match = _EPOCH.search(line)
    if not match:
        return False
    minutes = int(match[2]) * 60 + int(match[3]) - (24 * 60 if match[1] < "1970" else 0)
    offset = int(match[5]) * 60 + int(match[6])
    return minutes == (offset if match[4] == "+" else -offset)


def _stripped(name: str) -> str | None:
    """The path without its first component; a bare name is unchanged, as in git."""
    if name == _NOWHERE:
        return None
    path = name.partition("/")[2] if "/" in name else name
    return re.sub("/+", "/", path)
