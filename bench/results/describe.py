"""What each candidate changes: commits, patches and files against the base, for the report.

A reader of a report asks this first. Nothing that is measured depends on it, so whatever git cannot
say here is a note and no error.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import parseaddr, parsedate_to_datetime

from bench.experiments import CANDIDATE, Plan, PlannedArm
from bench.results.change import (
    KINDS,
    ChangeRecord,
    ChangeStep,
    FileChange,
    LineCount,
    kind_of,
)
from builder.errors import PatchbenchError
from builder.git import LineChange, Repository
from builder.patches import Series, patch

MOST_STEPS = 20
MOST_FILES = 100
# What a result and its page hold of a patch; the results folder has all of it.
MOST_LINES, MOST_CHARACTERS = 2_000, 100_000
MOST_KEPT = 32 * 1024 * 1024
_FOLDER = "changes"


@dataclass(frozen=True, kw_only=True)
class Changes:
    """The change of each arm that has one, and the files of whole patches by their names below the
    results folder.
    """

    records: Mapping[str, ChangeRecord] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def changes(
    plan: Plan,
    repositories: Mapping[str, Repository],
    patches: Mapping[str, Sequence[Series]],
) -> Changes:
    """The changes of the candidates that are built, against a base that is built.

    `repositories` and `patches` are those of the arms, by their names.
    """
    records, files = {}, {}
    base = plan.base
    for arm in plan.candidates:
        if arm.kind != CANDIDATE or not arm.recipes or not base.recipes:
            continue
        stacks = tuple(tuple(patches.get(one.name, ())) for one in (base, arm))
        record, whole = _Comparison(base, arm, repositories[arm.name], stacks).change()
        records[arm.name] = record
        if whole:
            files[record.patch_file] = whole
    return Changes(records=records, files=files)


class _Comparison:
    """The base's recipe against that of one arm."""

    def __init__(
        self,
        base: PlannedArm,
        arm: PlannedArm,
        repository: Repository,
        stacks: tuple[tuple[Series, ...], ...],
    ) -> None:
        self._base, self._arm = base, arm
        self._repository = repository
        self._of_base, self._of_arm = stacks

    def change(self) -> tuple[ChangeRecord, str]:
        """The change, and the whole patch where the results folder does not hold it already."""
        notes: list[str] = []
        history = self._history(notes)
        patches = self._patches()
        record = ChangeRecord(
            subject=self._subject(history),
            name=self._name(history),
            steps=(*history.steps, *patches)[:MOST_STEPS],
            commits=history.commits,
            lacking=history.lacking,
        )
        old, new = self._base.recipe.tree, self._arm.recipe.tree
        if old == new:
            return _noted(record, notes), ""
        try:
            lines = self._repository.line_changes(old, new)
            text = self._repository.diff(old, new, renames=True)
            whole = self._whole(old, new)
        except PatchbenchError:
            notes.append(
                "The files that differ are not known: the repository of this arm lacks some of "
                "the base's."
            )
            return _noted(record, notes), ""
        return _noted(self._with_files(record, lines, text, whole), notes), whole

    def _with_files(
        self, record: ChangeRecord, lines: Sequence[LineChange], text: str, whole: str
    ) -> ChangeRecord:
        files = [
            FileChange(path=one.path, kind=kind_of(one.path), added=one.added, removed=one.removed)
            for one in lines
        ]
        shown, left_out = _shown(text, files)
        return replace(
            record,
            files=tuple(sorted(files, key=lambda one: one.weight)[:MOST_FILES]),
            count=LineCount.of(files),
            kinds={
                kind: LineCount.of(own)
                for kind in KINDS
                if (own := [one for one in files if one.kind == kind])
            },
            patch=shown,
            left_out=left_out,
            patch_file=self._patch_file(whole),
        )

    # -- the commits -----------------------------------------------------------------------------

    def _history(self, notes: list[str]) -> _History:
        old, new = (arm.recipe.revision.commit for arm in (self._base, self._arm))
        if old == new:
            return _History()
        try:
            # Without a common ancestor git would list whatever part of the history is here.
            if self._repository.merge_bases(old, new):
                return self._commits(old, new)
            newest = self._newest(new)
        except PatchbenchError:
            newest = None
        notes.append(
            "The commits between base and candidate are not known: this repository has no "
            "history of both."
        )
        return _History(steps=(newest,) if newest else ())

    def _commits(self, old: str, new: str) -> _History:
        commits = self._repository.commits(old, new)
        steps = tuple(self._newest(commit.hash) for commit in commits[:MOST_STEPS])
        lacking = len(self._repository.commits(new, old))
        return _History(steps=steps, commits=len(commits), lacking=lacking)

    def _newest(self, commit: str) -> ChangeStep:
        authored = self._repository.authored(commit)
        return ChangeStep(
            name=commit,
            subject=authored.subject,
            author=authored.author,
            date=authored.day.isoformat(),
        )

    # -- the patches -----------------------------------------------------------------------------

    def _patches(self) -> tuple[ChangeStep, ...]:
        """The steps of the arm's own series and patches."""
        return tuple(step for series in self._own() for step in _steps(series))

    def _own(self) -> tuple[Series, ...]:
        """The arm's series and patches that the base does not have."""
        return tuple(series for series in self._of_arm if series not in self._of_base)

    def _name(self, history: _History) -> str:
        if history.steps:
            return history.steps[0].name
        return next((_label(series) for series in self._own()), "")

    def _subject(self, history: _History) -> str:
        parts = _of_history(history, self._arm.recipe.revision.label)
        parts += [_title(series) for series in self._own()]
        taken = [series for series in self._of_base if series not in self._of_arm]
        parts += [f"without {_title(series)}" for series in taken]
        return " + ".join(parts) or self._settings()

    def _settings(self) -> str:
        """The change of an arm that has the base's source."""
        ours, theirs = self._base, self._arm
        parts = []
        if ours.recipe.flavor.as_built != theirs.recipe.flavor.as_built:
            old, new = (arm.recipe.flavor.name for arm in (ours, theirs))
            parts.append(f"flavor {new} against {old}" if old != new else "another compiler")
        elif ours.environment != theirs.environment:
            old, new = (" ".join(arm.environment) or "nothing set" for arm in (ours, theirs))
            parts.append(f"the same build with {new} against {old}")
        if ours.variant != theirs.variant:
            old, new = (arm.variant or "plain" for arm in (ours, theirs))
            parts.append(f"benchmarks' code {new} against {old}")
        return ", ".join(parts) or "the base's source in another build"

    # -- the patch -------------------------------------------------------------------------------

    def _whole(self, old: str, new: str) -> str:
        """The whole patch, which can be applied; "" where it is kept as patches, or too large."""
        if self._arm.recipe.revision.commit == self._base.recipe.revision.commit:
            return ""
        whole = self._repository.diff(old, new, renames=True, binary=True)
        whole = whole.encode("utf-8", "backslashreplace").decode()
        return whole if len(whole) <= MOST_KEPT else ""

    def _patch_file(self, whole: str) -> str:
        if whole:
            return f"{_FOLDER}/{self._arm.name}.diff"
        return f"patches/{self._arm.name}/" if self._own() else ""


@dataclass(frozen=True, kw_only=True)
class _History:
    steps: tuple[ChangeStep, ...] = ()
    commits: int = 0
    lacking: int = 0


def _of_history(history: _History, label: str) -> list[str]:
    """The subject of the commits; none where the arms have one revision."""
    if history.commits == 1:
        return [history.steps[0].subject]
    if history.commits:
        return [f"{history.commits} commits up to: {history.steps[0].subject}"]
    if history.lacking:
        last = "commit" if history.lacking == 1 else f"{history.lacking} commits"
        return [f"the base without its last {last}"]
    return [f"{label}: {history.steps[0].subject}"] if history.steps else []


def _noted(record: ChangeRecord, notes: Sequence[str]) -> ChangeRecord:
    return replace(record, note=" ".join(notes))


def _label(series: Series) -> str:
    """The name of a series; of a single patch that of its file."""
    return series.name if series.branch else series.patches[0].name


def _title(series: Series) -> str:
    return _label(series) if series.title == series.name else series.title


def _steps(series: Series) -> list[ChangeStep]:
    """A step for each mail with a diff; of a bare diff the name of its file is all there is."""
    return [
        _step(message, f"{series.name}/{one.name}" if series.branch else one.name)
        for one in series.patches
        for message in patch.parse(one, series.name)
    ]


def _step(message: patch.Message, name: str) -> ChangeStep:
    if not message.subject:
        return ChangeStep(name=name, subject=name.rpartition("/")[2])
    head = re.sub(rb"\AFrom [^\n]*\n", b"", message.data[:65536])
    headers = email.message_from_bytes(head, policy=email.policy.default)
    return ChangeStep(
        name=name,
        subject=message.subject,
        author=_author(headers),
        date=_day(headers),
    )


def _author(headers: email.message.Message) -> str:
    """The author's name without the address."""
    return parseaddr(str(headers.get("From", "")))[0]


def _day(headers: email.message.Message) -> str:
    """The author's day; "" where the header is no date: the mail is of unknown origin."""
    try:
        return parsedate_to_datetime(str(headers.get("Date", ""))).date().isoformat()
    except (ValueError, TypeError, OverflowError):
        return ""


# -- counting and shortening ----------------------------------------------------------------------


def _shown(text: str, files: Sequence[FileChange]) -> tuple[str, int]:
    """The beginning of a patch, the most important files first, and how many lines follow."""
    parts = re.split(r"^(?=diff --git )", text, flags=re.MULTILINE)
    parts = [part for part in parts if part.startswith("diff --git ")]
    if len(parts) == len(files):
        order = sorted(range(len(files)), key=lambda number: files[number].weight)
        parts = [parts[number] for number in order]
    lines = "".join(parts).splitlines(keepends=True)
    size, number = 0, 0
    for line in lines[:MOST_LINES]:
        size += len(line)
        if size > MOST_CHARACTERS:
            break
        number += 1
    shown = "".join(lines[:number]).encode("utf-8", "backslashreplace").decode()
    return shown, len(lines) - number
