"""Explaining why a patch does not apply: which hunk, the expected and the actual lines. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from builder.patches.diff import FileDiff, Hunk
from builder.patches.patch import Message
from builder.patches.paths import shown

# The content of a path in the tree, None without such a file; and all paths of the tree.
ReadFile = Callable[[str], bytes | None]
ListPaths = Callable[[], Iterable[str]]

_SHOWN_LINES = 6
_COMMON = 12  # a line that occurs more often does not help to locate a hunk


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """The problem, its place in the patch, expected and actual lines, and a hint."""

    what: str
    where: str
    comparison: str = ""
    hint: str = ""


def explain(message: Message, *, read: ReadFile, paths: ListPaths, stderr: str) -> Mismatch:
    """Find the reason why `git apply` failed; `stderr` is its output.

    The hunks are applied in the same way as git does; if no fault is found, git's message is used.
    """
    files: dict[str, list[bytes] | None] = {}

    def content(path: str) -> list[bytes] | None:
        if path not in files:
            data = read(path)
            files[path] = None if data is None else _lines(data)
        return files[path]

    for file in message.files:
        mismatch = _missing(file, content, paths)
        if mismatch:
            return mismatch
        before = (content(file.old) or []) if file.old else []
        after, failed = _apply_hunks(file, before)
        if failed is not None:
            return _bad_hunk(message, file, failed, before)
        if file.new is None and file.hunks and after:
            return _of_file(
                file,
                "is to be deleted, but has lines that the patch does not remove",
                "The patch was created for another version of the file.",
            )
        if file.old and not file.kept:
            files[file.old] = None
        if file.new:
            files[file.new] = after
    return _from_git(message, stderr)


def find(lines: Sequence[bytes], hunk: Hunk, start: int) -> int | None:
    """The index in `lines` at which git finds the hunk's old lines, nearest to `start`; or None.

    As in git, a hunk at line 1 must be at the beginning of the file, and one without trailing
    context at its end.
    """
    before = hunk.before
    last = len(lines) - len(before)
    if last < 0:
        return None
    positions: Sequence[int] = range(last + 1)
    if before:
        positions = [at for at in positions if lines[at] == before[0]]
    if hunk.old_start <= 1:
        positions = [at for at in positions if at == 0]
    if not hunk.trailing:
        positions = [at for at in positions if at == last]
    for at in sorted(positions, key=lambda at: abs(at - start)):
        if tuple(lines[at : at + len(before)]) == before:
            return at
    return None


def nearest(lines: Sequence[bytes], before: Sequence[bytes], start: int) -> tuple[int, int]:
    """The index at which `lines` is most similar to `before`, and the number of equal lines there.

    Each line that is rare in the file votes for the index at which it would be in its place; of
    equal votes, the index nearest to `start` wins.
    """
    positions: dict[bytes, list[int]] = {}
    lines_of_hunk = set(before)
    for number, line in enumerate(lines):
        if line in lines_of_hunk and line.strip():
            positions.setdefault(line, []).append(number)
    votes = Counter(
        at - offset
        for offset, line in enumerate(before)
        for at in positions.get(line, [])
        if len(positions[line]) <= _COMMON and at >= offset
    )
    if not votes:
        return max(0, min(start, len(lines))), 0
    at = min(votes, key=lambda at: (-votes[at], abs(at - start)))
    alike = sum(a == b for a, b in zip(lines[at : at + len(before)], before, strict=False))
    return at, alike


def _lines(data: bytes) -> list[bytes]:
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1].removesuffix(b"\n")
    return lines if lines[-1] else lines[:-1]


def _missing(
    file: FileDiff, content: Callable[[str], list[bytes] | None], paths: ListPaths
) -> Mismatch | None:
    if file.old is None:
        if file.new and content(file.new) is not None:
            return _of_file(
                file,
                "would be created, but it already exists",
                "Create the patch again on this tree, so that it changes the file.",
            )
        return None
    if content(file.old) is not None:
        return None
    return _of_file(file, "does not exist in this tree", _hint_for_path(file, file.old, paths()))


def _hint_for_path(file: FileDiff, old: str, paths: Iterable[str]) -> str:
    """A hint: the first component of the path is wrong, or the file was moved."""
    base = old.rpartition("/")[2]
    same = [path for path in paths if path.rpartition("/")[2] == base]
    for path in same:
        if any(f"/{name}".endswith(f"/{path}") for name in file.written):
            return (
                f"The tree has {shown(path)}: paths in the patch must have one component before "
                f"that, as a/{shown(path)}. `git diff` writes them in this form."
            )
    if same:
        listed = ", ".join(shown(path) for path in same[:3])
        return f"A file of that name is at {listed}. Was the patch created for another branch?"
    return "Is the patch for another branch, or does it need another patch before it?"


def _of_file(file: FileDiff, what: str, hint: str = "") -> Mismatch:
    path = shown(file.path if file.old is None else file.old)
    return Mismatch(what=f"{path} {what}.", where=f"{path} (line {file.line})", hint=hint)


def _apply_hunks(file: FileDiff, before: Sequence[bytes]) -> tuple[list[bytes], int | None]:
    """The lines after the hunks, and the index of the first hunk that does not apply, if any."""
    lines = list(before)
    for index, hunk in enumerate(file.hunks):
        at = find(lines, hunk, max(0, hunk.new_start - 1))
        if at is None:
            return lines, index
        lines[at : at + len(hunk.before)] = hunk.after
    return lines, None


def _bad_hunk(message: Message, file: FileDiff, index: int, lines: Sequence[bytes]) -> Mismatch:
    hunk, count = file.hunks[index], len(file.hunks)
    start = max(0, min(hunk.old_start - 1, len(lines)))
    at, alike = nearest(lines, hunk.before, start)
    if 2 * alike < len(hunk.before):
        at = start
    note, hint = _difference(message, hunk, lines, at)
    path = shown(file.path)
    return Mismatch(
        what=f"Hunk {index + 1} of {count} of {path} does not apply{note}.",
        where=f"{path}, hunk {index + 1} of {count} (line {hunk.line}: {hunk.header})",
        comparison=side_by_side(hunk.before, lines, at),
        hint=hint,
    )


def _difference(message: Message, hunk: Hunk, lines: Sequence[bytes], at: int) -> tuple[str, str]:
    """The kind of difference, as the end of a sentence, and a hint."""
    actual = lines[at : at + len(hunk.before)]
    if [line.rstrip(b"\r\n") for line in actual] == [line.rstrip(b"\r\n") for line in hunk.before]:
        return _line_ends(message, tuple(actual) == hunk.before)
    if [line.split() for line in actual] == [line.split() for line in hunk.before]:
        return (
            ": only white space differs",
            "A mail program or an editor changed tabs or spaces: send patches as attachments.",
        )
    if hunk.after and find(lines, _anywhere(hunk, hunk.after), at) is not None:
        return ": its result is there already", "Leave out what the tree has already."
    if find(lines, _anywhere(hunk, hunk.before), at) is not None:
        return _HINT_NO_CONTEXT
    alike = sum(a == b for a, b in zip(actual, hunk.before, strict=False))
    if not alike:
        return ": its context is nowhere in the file", _HINT_OTHER
    return f": {alike} of its {len(hunk.before)} lines are at line {at + 1}", _HINT_OTHER


_HINT_OTHER = "Was the patch created for another version? Create it again on this one."
_HINT_NO_CONTEXT = (
    ": without lines of context it must be at the beginning or end of the file, and is not",
    "Create the patch with three lines of context, not with -U0.",
)


def _line_ends(message: Message, equal: bool) -> tuple[str, str]:
    if equal:
        return _HINT_NO_CONTEXT
    if message.crlf:
        return (
            ": the patch has CR LF line ends, the file has not",
            r"Convert the patch: `sed -i 's/\r$//' PATCH`.",
        )
    return (
        ": only line ends differ (CR LF, or a last line without one)",
        "Create the patch with git, and do not let mail programs or editors convert it.",
    )


def _anywhere(hunk: Hunk, before: tuple[bytes, ...]) -> Hunk:
    """A hunk for `before` that may be anywhere in the file."""
    return replace(hunk, old_start=2, before=before, trailing=1)


def side_by_side(before: Sequence[bytes], lines: Sequence[bytes], at: int) -> str:
    """The expected lines of a hunk and the actual lines from index `at` on, a few of each."""
    actual = list(lines[at : at + max(len(before), 1)])
    first = next((i for i, (a, b) in enumerate(zip(before, actual, strict=False)) if a != b), None)
    if first is None:
        first = min(len(before), len(actual))
    begin = max(0, min(first - 2, len(before) - _SHOWN_LINES))
    expected = before[begin : begin + _SHOWN_LINES]
    window = actual[begin : begin + _SHOWN_LINES]
    return "\n".join(
        [
            "the hunk expects:",
            *_numbered(expected, window, at + begin),
            "the tree has:",
            *(_numbered(window, expected, at + begin) or ["  (the file ends here)"]),
        ]
    )


def _numbered(lines: Sequence[bytes], others: Sequence[bytes], start: int) -> list[str]:
    text = []
    for index, line in enumerate(lines):
        same = index < len(others) and others[index] == line
        text.append(f"{' ' if same else '>'} {start + index + 1:>6} | {shown(line)}")
    return text


def _from_git(message: Message, stderr: str) -> Mismatch:
    """git's first error message, for faults that are not checked here."""
    errors = re.findall(r"^(?:error|fatal): (.+)$", stderr, re.MULTILINE)
    reason = shown(errors[0] if errors else stderr.strip() or "without a reason", 200)
    failed = re.search(r"^error: patch failed: (.+):(\d+)$", stderr, re.MULTILINE)
    for file in message.files if failed else ():
        for number, hunk in enumerate(file.hunks, 1):
            if failed and file.old == failed[1] and hunk.old_start == int(failed[2]):
                name = f"Hunk {number} of {len(file.hunks)} of {shown(file.path)}"
                return Mismatch(
                    what=f"{name} does not apply.",
                    where=f"{shown(file.path)}, line {hunk.line}: {hunk.header}",
                    hint=_HINT_OTHER,
                )
    culprit = next((file for file in message.files if file.path in stderr), message.files[0])
    return Mismatch(
        what=f"git refuses the patch: {reason}.", where=shown(culprit.path), hint=_HINT_OTHER
    )
