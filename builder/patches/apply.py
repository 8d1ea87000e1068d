"""Series of patches applied to a tree, one stacked on the other; the front door of all patches.

git applies to an index without a work tree, so nothing that a patch says is written anywhere else;
what is refused here is what a tree must not hold when it is exported later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from builder.errors import PatchError
from builder.git import ApplyFailure, Repository, TreeChange
from builder.patches import patch
from builder.patches import paths as names
from builder.patches.catalogue import Series
from builder.patches.mismatch import explain
from builder.patches.patch import Message
from builder.patches.paths import shown
from builder.patches.series_toml import FILE, refuse
from builder.sources import Revision


@dataclass(frozen=True, kw_only=True)
class AppliedSeries:
    """One series of a stack, applied: the tree after it, and the paths that it changed."""

    series: str
    tree: str
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Applied:
    """A stack, applied: the last tree, the paths that differ from the first, and every step."""

    tree: str
    changed: tuple[str, ...]
    steps: tuple[AppliedSeries, ...]


class _NoPlaceError(PatchError):
    """git found no place for a patch: another series of the stack may be why."""


def check_applies(series: Series, revision: Revision) -> None:
    """Raise PatchError when the revision's version is outside the series' range.

    A version such as 2.7.10+ (development after that release) counts as its release.
    """
    if not series.applies_to:
        return
    where = f"{series.name}/{FILE}, applies_to"
    found = f"{shown(revision.name)} is {shown(revision.version)}"
    try:
        version = Version(revision.version.strip().removesuffix("+"))
    except InvalidVersion:
        refuse(
            f"{series.name} is for {series.applies_to}; {found}, which cannot be compared.",
            where,
            "Give the patch itself with --patch to try it all the same.",
        )
    if not SpecifierSet(series.applies_to).contains(version, prereleases=True):
        early = " An alpha comes before its release: >=3.15.0a1." if version.is_prerelease else ""
        refuse(
            f"{series.name} is for {series.applies_to}; {found}.",
            where,
            "Choose a revision in that range, or a series for this one; a patch given with "
            f"--patch is tried on any revision.{early}",
        )


def check_stack(stack: Sequence[Series]) -> None:
    """Raise PatchError when series are named twice, exclude each other, or lack what they need."""
    order = [series.name for series in stack]
    for index, series in enumerate(stack):
        if order.index(series.name) != index:
            refuse(f"{series.name} is named twice.", ", ".join(order), "Name each series once.")
        for other in series.conflicts:
            if other in order:
                refuse(
                    f"{series.name} and {other} exclude each other.",
                    f"{series.name}/{FILE}, conflicts",
                    "Put them into two candidates.",
                )
        for other in series.requires:
            if other not in order[:index]:
                refuse(
                    f"{series.name} requires {other}{' before it' if other in order else ''}.",
                    f"{series.name}/{FILE}, requires",
                    f'Write series = ["{other}", "{series.name}"].',
                )


def going_together(candidates: Iterable[Series]) -> tuple[tuple[Series, ...], tuple[str, ...]]:
    """The series that stack in the order given, and why each other one does not join them.

    Of two that exclude each other the first stays.
    """
    stack: list[Series] = []
    left: list[str] = []
    for one in candidates:
        try:
            check_stack([*stack, one])
        except PatchError as error:
            left.append(f"{one.name} is left out: {error.what}")
        else:
            stack.append(one)
    return tuple(stack), tuple(left)


def apply_series(repository: Repository, tree: str, stack: Sequence[Series]) -> Applied:
    """Apply the series in order to a git tree; the new trees are in the repository.

    Raises PatchError naming series, patch, path and hunk, with what was expected and what stands
    there; for a series that fails on top of another, whether it applies without that one. Whether
    a series is meant for the version is `check_applies`.
    """
    check_stack(stack)
    # All of them first: a malformed patch is not a conflict.
    messages = [_messages(series) for series in stack]
    steps: list[AppliedSeries] = []
    for index, series in enumerate(stack):
        before = steps[-1].tree if steps else tree
        try:
            after = _apply(repository, before, messages[index])
        except _NoPlaceError as error:
            trees = [tree, *(step.tree for step in steps)]
            raise _with_conflict(repository, trees, stack, messages[: index + 1], error) from error
        changed = _changed(repository, before, after, series.name)
        steps.append(AppliedSeries(series=series.name, tree=after, changed=changed))
    if not steps:
        return Applied(tree=tree, changed=(), steps=())
    last = steps[-1].tree
    changed = _changed(repository, tree, last, ", ".join(series.name for series in stack))
    return Applied(tree=last, changed=changed, steps=tuple(steps))


def _messages(series: Series) -> list[Message]:
    # An ad-hoc patch has no folder to name before it.
    folder = series.name if series.branch else ""
    return [message for one in series.patches for message in patch.parse(one, folder)]


def _changed(repository: Repository, before: str, after: str, who: str) -> tuple[str, ...]:
    paths = tuple(change.path for change in repository.changes(before, after))
    if not paths:
        refuse(
            "The patches cancel each other out: together they change nothing.",
            who,
            "Leave out the one that takes back what another does.",
        )
    return paths


def _apply(repository: Repository, tree: str, messages: Sequence[Message]) -> str:
    for message in messages:
        tree = _apply_message(repository, tree, message)
    return tree


def _apply_message(repository: Repository, tree: str, message: Message) -> str:
    try:
        after = repository.apply(tree, message.data)
    except ApplyFailure as failure:
        raise _failure(repository, tree, message, failure) from failure
    changes = repository.changes(tree, after)
    for change in changes:
        _refuse_unsafe(change, message)
    touched = {path for file in message.files for path in file.touched}
    lost = touched - {change.path for change in changes}
    if lost:
        refuse(
            f"The patch changes nothing in {shown(min(lost))}.",
            message.where,
            "It replaces lines by the same lines, or takes back its own change: make it again.",
        )
    return after


def _refuse_unsafe(change: TreeChange, message: Message) -> None:
    """Judge what git made of the patch, whatever we read in it."""
    if change.status == "D":
        return
    reason = names.unsafe(change.path) or names.unsafe_mode(change.new_mode)
    if reason:
        refuse(
            f"{shown(change.path)} {reason}.",
            message.where,
            "Patches may change regular files inside the tree and nothing else.",
        )


def _failure(
    repository: Repository, tree: str, message: Message, failure: ApplyFailure
) -> PatchError:
    if repository.applies_reversed(tree, message.data):
        paths = ", ".join(shown(file.path) for file in message.files[:3])
        return _NoPlaceError(
            "The patch is already applied: the tree has all of its changes.",
            where=f"{message.where}: {paths}",
            hint="Leave it out. (If it was made the wrong way round, `git apply --reverse` it.)",
        )
    found = explain(
        message,
        read=lambda path: repository.read(tree, path),
        paths=lambda: [entry.path for entry in repository.entries(tree)],
        stderr=failure.stderr,
    )
    text = f"\n{found.shown}" if found.shown else ""
    return _NoPlaceError(found.what, where=f"{message.where}: {found.where}{text}", hint=found.hint)


def _with_conflict(
    repository: Repository,
    trees: Sequence[str],
    stack: Sequence[Series],
    messages: Sequence[Sequence[Message]],
    error: PatchError,
) -> PatchError:
    """`error`, told with what the earlier series have to do with it; the last of `messages` failed.

    `trees` are those before and after each of the earlier series; the last one is where it failed.
    """
    failed = len(messages) - 1
    if not failed:
        return PatchError(error.what, where=error.where, hint=error.hint)
    fits = [at for at, tree in enumerate(trees[:-1]) if _try(repository, tree, messages[failed:])]
    name = stack[failed].name
    if not fits:
        note = f"{name} does not apply without the other series either."
        return PatchError(f"{error.what}\n{note}", where=error.where, hint=error.hint)
    other = stack[fits[-1]]
    note = f"{name} applies without {other.name}: the two conflict."
    hint = f"Put {name} and {other.name} into two candidates, or make one of them fit the other."
    turned = [messages[failed], *messages[fits[-1] : failed]]
    if other.name not in stack[failed].requires and _try(repository, trees[fits[-1]], turned):
        hint = f"They apply the other way round: {name} before {other.name}."
    return PatchError(f"{error.what}\n{note}", where=error.where, hint=hint)


def _try(repository: Repository, tree: str, stack: Sequence[Sequence[Message]]) -> bool:
    try:
        for messages in stack:
            tree = _apply(repository, tree, messages)
    except PatchError:
        return False
    return True
