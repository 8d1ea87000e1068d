"""Parsing unified diffs as git does: from bytes to files and hunks, without access to a tree.

git applies the patches; this parser serves error messages and those checks that need no tree. It
refuses what git would skip silently, since a lost change would be measured as no difference.
(Libraries for this parse text, not bytes, and are lenient where this must be strict.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from builder.errors import PatchError
from builder.patches import paths
from builder.patches.mail import Mail
from builder.patches.paths import shown


@dataclass(frozen=True, kw_only=True)
class Hunk:
    """One hunk. Starts count from 1; `before` and `after` are lines with their line ends.

    `header` is the @@ line, `line` its line number in the patch, `context` the number of its lines
    of context, `trailing` that of those at its end.
    """

    line: int
    header: str
    old_start: int
    new_start: int
    before: tuple[bytes, ...]
    after: tuple[bytes, ...]
    trailing: int
    context: int = 0

    @property
    def named(self) -> int:
        """The index, from 0, at which its header puts its old lines."""
        return max(0, self.old_start - 1) if self.before else self.old_start


@dataclass(frozen=True, kw_only=True)
class FileDiff:
    """The changes of a patch to one file. `old` is None for a new file, `new` for a deleted one.

    `old` and `new` are paths as git uses them (first component removed), `written` are the paths as
    in the patch. `kept`: the old file stays, as in a copy.
    """

    line: int
    old: str | None
    new: str | None
    written: tuple[str, ...]
    hunks: tuple[Hunk, ...] = ()
    binary: bool = False
    kept: bool = False
    bare: bool = False
    index: tuple[str, str] | None = None
    old_mode: str = ""
    new_mode: str = ""

    @property
    def path(self) -> str:
        """The path for error messages."""
        return self.new or self.old or "".join(self.written[:1])

    @property
    def touched(self) -> tuple[str, ...]:
        """The paths that are created, changed or deleted."""
        old = None if self.kept else self.old
        return tuple(dict.fromkeys(path for path in (old, self.new) if path))


@dataclass(frozen=True, kw_only=True)
class Diff:
    """All files of a diff. `crlf`: its header lines end in CR LF. `stated`: how many files there
    are by the summary of its mail; None without one.
    """

    files: tuple[FileDiff, ...]
    crlf: bool
    stated: int | None = None


def read(mail: Mail, where: str) -> Diff:
    """The diff in a mail, or a bare one; `files` is empty without a diff.

    Raises PatchError (`where` names the patch) if it is malformed, would lose a part of its effect,
    or has paths or modes that are refused for any tree.
    """
    reader = _Reader(mail, where)
    return Diff(files=reader.read(), crlf=reader.crlf, stated=reader.stated)


_HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_EXTENDED = re.compile(
    rb"(old mode|new mode|deleted file mode|new file mode|copy from|copy to|rename from|rename to|"
    rb"similarity index|dissimilarity index|index|---|\+\+\+) (.*)",
    re.DOTALL,
)
_CHANGES_WITHOUT_HUNKS = {
    b"new mode",
    b"new file mode",
    b"deleted file mode",
    b"rename to",
    b"copy to",
}
_BINARY_DIFFERS = re.compile(rb"Binary files .+ and .+ differ$")
_BINARY_LINE = re.compile(rb"(literal|delta) \d+$|[A-Za-z][!-~]{5,70}$|$")
# Longer than any path; regular expressions on longer lines would take too long.
_MAX_HEADER = 16 * 1024
_HINT_CUT = "The patch was damaged or cut off: download it again, or create it again with git."
_HINT_COUNT = "After editing a patch by hand, correct its line counts, or create it again with git."
_HINT_UNSAFE = (
    "Patches may change regular files inside the tree and nothing else. Paths are a/FILE and "
    "b/FILE, relative to the top of the tree, as `git diff` writes them."
)
# The hashes of empty content in git's two formats.
_EMPTY = ("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", "473a0f4c3be8a93681a267e3b1e9a7dc")
_SUMMARY = re.compile(rb" (\d+) files? changed(,|$)")
_STAT = re.compile(rb" \S.* \| +(\d+|Bin)\b")
_LOST_PREFIXES = (b"@", b"d", b"B", b"O", b"F", b"S", b"*", *(b"%d" % n for n in range(10)))
# Lines that git skips silently although they stand for a change: pattern, message, hint.
_LOST = (
    (
        _HUNK,
        "There is a hunk without the header of its file",
        "Give each file its `---` and `+++` lines, right before its hunks.",
    ),
    (
        re.compile(rb"diff --(cc|combined) "),
        "This is the combined diff of a merge, which cannot be applied",
        "Make the diff against one parent: `git diff PARENT MERGE`.",
    ),
    (
        _BINARY_DIFFERS,
        "A binary change is listed without its content",
        "Create the patch with `git diff --binary`, or leave the file out.",
    ),
    (
        re.compile(rb"Files .+ and .+ differ$"),
        "A changed file is listed without its content",
        "Create the patch with `diff -ruN`, or `git diff --binary`.",
    ),
    (
        re.compile(rb"Submodule \S+ (contains|[0-9a-f]{7,}\.\.)"),
        "A submodule is listed, whose change is not in the patch",
        "Leave it out: CPython has no submodules.",
    ),
    (
        re.compile(rb"\* Unmerged path "),
        "A file with a conflict is listed without its content",
        "Resolve the conflict in your tree, and create the patch again.",
    ),
    (
        re.compile(rb"\*{15}$"),
        "A part of this patch is a context diff",
        "Make all of it with `diff -u`.",
    ),
    (
        re.compile(rb"\d+(,\d+)?([acd]\d+(,\d+)?$|[acd]$)"),
        "A part of this patch is a plain diff or an ed script",
        "Make all of it with `diff -u`.",
    ),
    (
        re.compile(rb"Only in [^:]*: ."),
        "A file is listed without its content",
        "Create the patch with `diff -ruN`, or delete this line if the file does not matter.",
    ),
)


@dataclass(kw_only=True)
class _Body:
    """The lines of a hunk while it is parsed; `old` and `new` count the lines still expected."""

    old: int
    new: int
    before: list[bytes] = field(default_factory=list)
    after: list[bytes] = field(default_factory=list)
    trailing: int = 0
    context: int = 0
    _marker: bytes = b""

    def add(self, line: bytes) -> bool:
        """Add one line; False if it cannot belong to the hunk."""
        marker = line[:1] or b" "  # an empty line of context may have lost its space
        if marker == b"\\":
            return self._end_without_newline()
        if marker not in (b" ", b"-", b"+"):
            return False
        self._marker = marker
        self.context += marker == b" "
        complete = True
        if marker != b"+":
            self.old -= 1
            complete &= _append(self.before, line[1:])
        if marker != b"-":
            self.new -= 1
            complete &= _append(self.after, line[1:])
        self.trailing = self.trailing + 1 if marker == b" " else 0
        return complete and self.old >= 0 and self.new >= 0

    def _end_without_newline(self) -> bool:
        if self._marker in (b" ", b"-"):
            self.before[-1] = self.before[-1].removesuffix(b"\n")
        if self._marker in (b" ", b"+"):
            self.after[-1] = self.after[-1].removesuffix(b"\n")
        return bool(self._marker)


def _append(side: list[bytes], line: bytes) -> bool:
    """Add a line to one side of a hunk; False after a line without an end, the file's last one."""
    complete = not side or side[-1].endswith(b"\n")
    side.append(line + b"\n")
    return complete


def _versions(fields: dict[bytes, bytes]) -> dict[str, Any]:
    """The hashes and modes that git's extended header lines name."""
    hashes, _, shared = fields.get(b"index", b"").partition(b" ")
    match = re.fullmatch(rb"([0-9a-f]{7,64})\.\.([0-9a-f]{7,64})", hashes)

    def mode(*keys: bytes) -> str:
        values = (fields[key] for key in keys if key in fields)
        return next(values, b"").decode("latin-1").strip()

    return {
        "index": (match[1].decode(), match[2].decode()) if match else None,
        # As in git, the mode of the index line is that of the old file.
        "old_mode": mode(b"old mode", b"deleted file mode") or shared.decode("latin-1").strip(),
        "new_mode": mode(b"new mode", b"new file mode"),
    }


def _needs_hunks(file: FileDiff, fields: dict[bytes, bytes]) -> bool:
    """Whether the header says that the content differs: of a file that is not empty."""
    similarity = fields.get(b"similarity index", b"100%").strip()
    hashes = file.index or ("", "")
    return similarity != b"100%" or any(
        name.strip("0") and not any(name.startswith(empty[:7]) for empty in _EMPTY)
        for name in hashes
    )


class _Reader:
    """Parser for the diffs of one mail."""

    def __init__(self, mail: Mail, where: str) -> None:
        self._lines = mail.text.split(b"\n")
        # Text after the last line end means that the file was cut there.
        self._cut = self._lines[-1] != b""
        if not self._cut:
            self._lines.pop()
        self._first = mail.line
        self._where = where
        self._at = self._beginning() if mail.is_mail else 0
        self._is_mail = mail.is_mail
        self.crlf = False
        self.stated = self._stated() if mail.is_mail else None

    def _beginning(self) -> int:
        """The first line at which the diff of a mail can begin; free text comes before it."""
        for number, line in enumerate(self._lines):
            if line.startswith((b"diff ", b"--- ", b"@@ -", b"Index: ")):
                return number
        return len(self._lines)

    def _stated(self) -> int | None:
        """The number of files by the summary above the diff."""
        matches = [match for line in self._lines[: self._at] if (match := _SUMMARY.match(line))]
        return int(matches[-1][1]) if matches else None

    def read(self) -> tuple[FileDiff, ...]:
        files = self._files()
        whole = b"-- " in self._lines or b"-- \r" in self._lines or b"--" in self._lines
        if files and self.stated and len(files) < self.stated and not whole:
            self._at = len(self._lines)
            self._refuse(
                f"The mail ends early: by its summary {self.stated} files are changed, its diff "
                f"has {len(files)}.",
                _HINT_CUT,
            )
        return files

    def _files(self) -> tuple[FileDiff, ...]:
        files = []
        while self._at < len(self._lines):
            line = self._line()
            if line.startswith(b"diff --git "):
                files.append(self._git_file())
            elif self._at_plain_header():
                files.append(self._plain_file())
            else:
                if line[:1] in _LOST_PREFIXES:
                    self._refuse_lost(line)
                if files and self._is_mail:
                    self._refuse_message_diff(line)
                self._at += 1
        return tuple(files)

    def _line(self, ahead: int = 0) -> bytes:
        """A line for parsing headers, without a CR at its end; empty after the last line."""
        at = self._at + ahead
        return self._lines[at][:_MAX_HEADER].removesuffix(b"\r") if at < len(self._lines) else b""

    def _at_plain_header(self) -> bool:
        return self._line().startswith(b"--- ") and self._line(1).startswith(b"+++ ")

    def _refuse_message_diff(self, line: bytes) -> None:
        """Refuse a diff in the text of a mail: git would apply it with the mail's own."""
        if line == b"---" and _STAT.match(self._line(1)):
            self._refuse(
                "There is a diff in the message of this mail, above its `---` line.",
                "git would apply it too: indent it, or remove it from the message.",
            )

    def _refuse_lost(self, line: bytes) -> None:
        for pattern, what, hint in _LOST:
            if pattern.match(line):
                self._refuse(f"{what}: {shown(line)}.", hint)

    def _git_file(self) -> FileDiff:
        start, header = self._at, self._line()[len(b"diff --git ") :]
        self.crlf |= self._lines[start].endswith(b"\r")
        self._at += 1
        fields: dict[bytes, bytes] = {}
        while match := _EXTENDED.match(self._line()):
            fields[match[1]] = match[2]
            self._at += 1
        names = paths.of_git(header, fields)
        self._refuse_modes(names, fields, start)
        file = replace(self._file(names, start, binary=self._binary()), **_versions(fields))
        is_whole = _CHANGES_WITHOUT_HUNKS & fields.keys() and not _needs_hunks(file, fields)
        if not file.hunks and not file.binary and not is_whole:
            self._refuse(f"The diff of {shown(file.path)} has no hunks.", _HINT_CUT, start)
        return file

    def _plain_file(self) -> FileDiff:
        start = self._at
        self.crlf |= self._lines[start].endswith(b"\r")
        names = paths.of_plain(self._line()[4:], self._line(1)[4:])
        self._at += 2
        file = self._file(names, start, binary=False)
        if not file.hunks:
            self._refuse(f"The diff of {shown(file.path)} has no hunks.", _HINT_CUT, start)
        return file

    def _file(self, names: paths.Names, start: int, *, binary: bool) -> FileDiff:
        if "" in (names.old, names.new):
            self._refuse("The header contains no path that git could read.", _HINT_UNSAFE, start)
        if refused := names.refused():
            self._refuse(f"The path {shown(refused[0])} {refused[1]}.", _HINT_UNSAFE, start)
        file = FileDiff(
            line=self._first + start,
            old=names.old,
            new=names.new,
            written=names.written,
            binary=binary,
            kept=names.kept,
            bare=names.bare,
        )
        hunks: list[Hunk] = []
        while self._line().startswith(b"@@ -"):
            hunks.append(self._hunk(f"Hunk {len(hunks) + 1} of {shown(file.path)}"))
        return replace(file, hunks=tuple(hunks))

    def _refuse_modes(self, names: paths.Names, fields: dict[bytes, bytes], start: int) -> None:
        """Refuse to create symbolic links and submodules; deleting them is allowed."""
        if b"deleted file mode" in fields:
            return
        index_mode = fields.get(b"index", b"").partition(b" ")[2]
        for mode in (fields.get(b"new mode"), fields.get(b"new file mode"), index_mode):
            if mode and (reason := paths.unsafe_mode(mode.decode("latin-1").strip())):
                path = names.new or names.old or ""
                self._refuse(f"{shown(path)} {reason}.", _HINT_UNSAFE, start)

    def _binary(self) -> bool:
        self._refuse_lost(self._line() if _BINARY_DIFFERS.match(self._line()) else b"")
        if self._line() != b"GIT binary patch":
            return False
        self._at += 1
        while self._at < len(self._lines) and _BINARY_LINE.match(self._line()):
            self._at += 1
        return True

    def _hunk(self, name: str) -> Hunk:
        start, header = self._at, self._line()
        match = _HUNK.match(header)
        if match is None:
            self._refuse(f"{name} has a header that cannot be read: {shown(header)}.", _HINT_CUT)
        self._at += 1
        body = _Body(old=int(match[2] or 1), new=int(match[4] or 1))
        while body.old or body.new:
            self._add_line(body, name, start)
        if self._line().startswith(b"\\ "):
            body.add(self._line())
            self._at += 1
        self._check_end(body, name, start)
        return Hunk(
            line=self._first + start,
            header=shown(header),
            old_start=int(match[1]),
            new_start=int(match[3]),
            before=tuple(body.before),
            after=tuple(body.after),
            trailing=body.trailing,
            context=body.context,
        )

    def _add_line(self, body: _Body, name: str, start: int) -> None:
        missing = f"its header counts {body.old} more old and {body.new} more new lines"
        if self._at >= len(self._lines):
            self._refuse(f"{name} is cut short: {missing}.", _HINT_CUT, start)
        line = self._lines[self._at]
        if self._cut and self._at == len(self._lines) - 1:
            hint = (
                "The patch was cut, or lost its last line end: add that if nothing else is missing."
            )
            self._refuse(f"{name} ends in the middle of a line.", hint)
        if not body.add(line):
            hint = (
                f"A mail program may have wrapped long lines: send it as attachment. {_HINT_COUNT}"
            )
            self._refuse(f"{name} is corrupt at {shown(line, 40)!r}: {missing}.", hint)
        self._at += 1

    def _check_end(self, body: _Body, name: str, start: int) -> None:
        line = self._line()
        if self._is_mail:
            self._refuse_message_diff(line)
        is_more = line[:1] in (b"+", b"-", b" ") and line.strip() not in (b"", b"--")
        if is_more and not self._at_plain_header():
            what = (
                f"{name} has more lines than its header counts: {shown(line, 40)!r} would be lost."
            )
            self._refuse(what, _HINT_COUNT)
        if body.before == body.after:
            self._refuse(f"{name} changes nothing.", _HINT_COUNT, start)

    def _refuse(self, what: str, hint: str, at: int | None = None) -> NoReturn:
        number = self._first + (self._at if at is None else at)
        raise PatchError(what, where=f"{self._where}, line {number}", hint=hint)
