"""Applying the parsed hunks of a patch exactly, so that git's result can be held against it.

`git apply` guesses: it moves hunks to the nearest place that fits, and puts an insertion without
context at the end of the file. Here every file is computed from the hunks alone, and what the
patch's index lines say of the versions that it was made from is compared with the tree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from builder.errors import PatchError
from builder.git import Repository
from builder.patches import place
from builder.patches.diff import FileDiff
from builder.patches.patch import Message
from builder.patches.paths import shown
from builder.patches.place import GuessError, NoPlaceError
from builder.patches.prefix import at_top, check_prefix, tree_paths

_LISTED = 4


@dataclass(frozen=True, kw_only=True)
class ExactFile:
    """A file's mode, content and hash; the last two are empty for a binary diff, left to git."""

    mode: str
    data: bytes
    blob: str


@dataclass(frozen=True, kw_only=True)
class ExactResult:
    """What a patch makes of the files that it names; None: no such file.

    `notes` are sentences for the plan. `contextless`: it has hunks without lines of context, which
    are at the beginning or the end of their files.
    """

    files: Mapping[str, ExactFile | None]
    notes: tuple[str, ...]
    contextless: bool


def exact_result(repository: Repository, tree: str, message: Message) -> ExactResult | None:
    """Apply a message to a tree; None if one of its hunks or files is not there.

    Raises PatchError where git would have to guess, or the paths are not those of the tree.
    """
    work = _Work(repository=repository, tree=tree, message=message)
    work.read()
    try:
        for file in message.files:
            work.apply(file)
    except NoPlaceError:
        return None
    except GuessError as guess:
        hunk = guess.hunk
        where = f"{message.where}: {shown(file.path)} (line {hunk.line}: {hunk.header})"
        raise PatchError(guess.what, where=where, hint=guess.hint) from guess
    return ExactResult(
        files=work.files,
        notes=work.all_notes(),
        contextless=work.contextless,
    )


def check_result(
    repository: Repository, before: str, after: str, message: Message, result: ExactResult | None
) -> None:
    """Raise PatchError unless git's tree `after` is what the hunks say."""
    changed = {change.path for change in repository.changes(before, after)}
    expected = {} if result is None else result.files
    actual = repository.find_entries(after, {*changed, *expected})
    for path in sorted({*changed, *expected}):
        wanted, entry = expected.get(path), actual.get(path)
        ours = (wanted.mode, wanted.blob) if wanted else None
        gits = (entry.mode, entry.blob) if entry else None
        if ours and gits and not ours[1]:  # a binary diff, whose hashes git checks itself
            ours = (ours[0], gits[1])
        if path not in expected or ours != gits:
            raise PatchError(
                f"git applies the patch to {shown(path)} otherwise than its hunks say.",
                where=message.where,
                hint="Create the patch again on this revision, with three lines of context.",
            )


@dataclass(kw_only=True)
class _Work:
    """The files of one message while it is applied. `originals` are those of the tree."""

    repository: Repository
    tree: str
    message: Message
    originals: dict[str, ExactFile | None] = field(default_factory=dict)
    files: dict[str, ExactFile | None] = field(default_factory=dict)
    preimages: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    other_versions: list[str] = field(default_factory=list)
    other_results: list[str] = field(default_factory=list)
    contextless: bool = False
    _created: set[str] = field(default_factory=set)

    def read(self) -> None:
        """Read the files that the patch names, and check that its paths are the tree's."""
        files = self.message.files
        paths = {path for file in files for path in (file.old, file.new) if path}
        entries = self.repository.find_entries(self.tree, paths)
        regular = {path: entry for path, entry in entries.items() if entry.mode != "160000"}
        contents = self.repository.contents(entry.blob for entry in regular.values())
        self.originals = dict.fromkeys(paths)
        for path, entry in regular.items():
            if entry.blob in contents:
                self.originals[path] = ExactFile(
                    mode=entry.mode, data=contents[entry.blob], blob=entry.blob
                )
        self.files = dict(self.originals)
        self.contextless = not any(hunk.context for file in files for hunk in file.hunks)
        if any(file.bare or file.old not in entries for file in files):
            known = tree_paths(entry.path for entry in self.repository.entries(self.tree))
            check_prefix(self.message, known)
            self.notes += [
                f"{shown(path)} is created in the top folder of the tree (paths of `git diff "
                "--relative` would look like this)"
                for path in at_top(self.message, known)
            ]
        self._read_preimages()

    def _read_preimages(self) -> None:
        """The versions that the patch was made from, as far as the repository has them."""
        wanted = set()
        for file in self.message.files:
            old = self.originals.get(file.old or "")
            if file.index and old and not old.blob.startswith(file.index[0]) and file.hunks:
                wanted.add(file.index[0])
        if wanted:
            self.preimages = self.repository.contents(wanted)

    def apply(self, file: FileDiff) -> None:
        """Apply the diff of one file."""
        moved = file.old and file.new and file.old != file.new
        # As in git: renames and copies are of the files before the patch.
        old = (self.originals if moved else self.files).get(file.old) if file.old else None
        if file.old and old is None:
            raise NoPlaceError
        content = self._content(file, old)
        if file.old and not file.kept and file.old not in self._created:
            self.files[file.old] = None
        if file.new is None:
            if content:
                raise NoPlaceError
            return
        mode = _canonical(file.new_mode) or (old.mode if old else "100644")
        blob = "" if file.binary else self._hash(content)
        self.files[file.new] = ExactFile(mode=mode, data=content, blob=blob)
        if moved:
            self._created.add(file.new)
        self._compare_result(file, old, blob)

    def _content(self, file: FileDiff, old: ExactFile | None) -> bytes:
        if file.binary:
            return b""
        if old and file.old_mode and old.mode != _canonical(file.old_mode):
            self.notes.append(
                f"{shown(file.path)} has the mode {old.mode}, not {file.old_mode} as in the patch"
            )
        data = old.data if old else b""
        if not file.hunks:
            if file.kept:
                self.notes.append(
                    f"{shown(file.path)} is a copy of {shown(file.old or '')} as the tree has it"
                )
            return data if file.new else b""
        lines = place.split_lines(data)
        proven = self._is_version(file, old)
        chosen = place.places(file, lines, contextless=self.contextless)
        content = place.replaced(lines, chosen)
        if self.message.crlf and not any(hunk.before for hunk in file.hunks):
            self._refuse_line_ends(file, content)
        if not proven and not self._merges(file, data, content):
            place.refuse_lookalikes(file, lines, chosen)
        self.notes += place.notes(file, chosen, len(lines), proven=proven)
        return content

    def _refuse_line_ends(self, file: FileDiff, content: bytes) -> None:
        """Refuse to create a file with the line ends that the patch's own lines were given."""
        if not file.index or not self._hash(content).startswith(file.index[1]):
            raise GuessError(
                f"The patch has CR LF line ends throughout, and {shown(file.path)} would get them.",
                r"Convert the patch: `sed -i 's/\r$//' PATCH`.",
                file.hunks[0],
            )

    def _is_version(self, file: FileDiff, old: ExactFile | None) -> bool:
        """Whether the file is the one that the patch was made from, by its index line."""
        if old is None:
            return True
        if file.index and old.blob.startswith(file.index[0]):
            return True
        if file.index:
            self.other_versions.append(file.path)
        _refuse_insertions(file, old)
        return False

    def _merges(self, file: FileDiff, data: bytes, content: bytes) -> bool:
        """Whether git's merge of the version that the patch was made from gives this content.

        False if the repository does not have that version. Raises GuessError if it has, and the
        merge gives something else.
        """
        base = self.preimages.get(file.index[0]) if file.index else None
        if base is None:
            return False
        lines = place.split_lines(base)
        try:
            chosen = place.places(file, lines, contextless=self.contextless)
            theirs = place.replaced(lines, chosen)
        except (NoPlaceError, GuessError):
            return False
        if any(at.offset for at in chosen):
            return False
        if self.repository.merge_file(data, base, theirs) != content:
            raise GuessError(
                f"The hunks of {shown(file.path)} have their lines in the tree, but git's merge "
                "with the version that the patch was made from does not put them there.",
                "Rebase the change onto this revision, and create the patch again.",
                file.hunks[0],
            )
        return True

    def _compare_result(self, file: FileDiff, old: ExactFile | None, blob: str) -> None:
        """Remember a file that is not what the patch's index line says, from the same version."""
        if not file.index or not blob or (old and not old.blob.startswith(file.index[0])):
            return
        if not blob.startswith(file.index[1]):
            self.other_results.append(file.path)

    def _hash(self, data: bytes) -> str:
        """The hash of a blob in this repository."""
        is_sha256 = len(self.tree) > 40
        name = hashlib.sha256() if is_sha256 else hashlib.sha1(usedforsecurity=False)
        name.update(b"blob %d\0" % len(data) + data)
        return name.hexdigest()

    def all_notes(self) -> tuple[str, ...]:
        """The notes on hunks and modes, and those on the versions of files."""
        notes = list(self.notes)
        stated, actual = self.message.stated, len({file.path for file in self.message.files})
        if stated not in (None, actual):
            notes.append(f"by the mail's summary {stated} files are changed, its diff has {actual}")
        if self.other_versions:
            notes.append(
                f"made from other versions of {_several(self.other_versions)} than the tree has; "
                "the lines of every hunk are there"
            )
        if self.other_results:
            notes.append(
                f"the result is not the version of {_several(self.other_results)} that the index "
                "line names: the patch was edited or cut after git wrote it"
            )
        return tuple(f"{self.message.where}: {note}" for note in notes)


def _refuse_insertions(file: FileDiff, old: ExactFile) -> None:
    """Refuse insertions without context into another version of a file than the patch's.

    The end may be elsewhere there; and an insertion before line 1 may have filled an empty file.
    """
    for number, hunk in enumerate(file.hunks, 1):
        if not hunk.before and old.data and (file.index or not hunk.named):
            raise GuessError(
                f"Hunk {number} of {len(file.hunks)} of {shown(file.path)} is without lines of "
                "context, and nothing shows that it was made from this version of the file.",
                "Create the patch with three lines of context, not with -U0.",
                hunk,
            )


def _canonical(mode: str) -> str:
    """The mode as git keeps it: 100644 or 100755 for files."""
    if not mode.startswith("100"):
        return mode
    return "100755" if int(mode, 8) & 0o100 else "100644"


def _several(paths: Sequence[str]) -> str:
    names = [shown(path) for path in dict.fromkeys(paths)]
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")
