"""Applying a stack of series to a tree.

git applies the patches to an index without a work tree, so that a patch cannot write anywhere else.
Refused here is what a tree must not contain when it is exported later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from builder.errors import PatchError
from builder.git import ApplyFailure, Repository, TreeChange
from builder.patches import patch, paths
from builder.patches.catalogue import Series
from builder.patches.exact import check_result, exact_result
from builder.patches.mismatch import explain
from builder.patches.patch import Message
from builder.patches.paths import shown
from builder.patches.series_toml import FILE, refuse
from builder.sources import Revision
from builder.versions import pep440


@dataclass(frozen=True, kw_only=True)
class AppliedSeries:
    """The result of applying one series of a stack: the new tree, and the paths that it changed."""

    series: str
    tree: str
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AppliedStack:
    """The result of applying a stack: the last tree, all changed paths, and every step.

    `notes` are sentences for the plan: hunks at other lines than they say, other versions of files.
    """

    tree: str
    changed: tuple[str, ...]
    steps: tuple[AppliedSeries, ...]
    notes: tuple[str, ...] = ()


class _DoesNotApplyError(PatchError):
    """A patch does not apply; another series of the stack may be the cause."""


def check_applies(series: Series, revision: Revision) -> None:
    """Raise PatchError if the revision's version is outside the series' range.

    A version such as 2.7.10+ (development after that release) counts as its release.
    """
    if not series.applies_to:
        return
    where = f"{series.name}/{FILE}, applies_to"
    actual = f"{shown(revision.name)} is {shown(revision.version)}"
    version = pep440(revision.version)
    if version is None:
        refuse(
            f"{series.name} is for {series.applies_to}; {actual}, which cannot be compared.",
            where,
            "Give the patch itself with --patch to try it on this revision anyway.",
        )
    if not SpecifierSet(series.applies_to).contains(version, prereleases=True):
        note = " An alpha comes before its release: >=3.15.0a1." if version.is_prerelease else ""
        refuse(
            f"{series.name} is for {series.applies_to}; {actual}.",
            where,
            "Choose a revision in that range, or a series for this one; a patch given with "
            f"--patch is tried on any revision.{note}",
        )


def check_stack(stack: Sequence[Series]) -> None:
    """Raise PatchError if series are named twice, exclude each other, or lack a required one."""
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


def compatible_series(
    candidates: Iterable[Series],
) -> tuple[tuple[Series, ...], tuple[str, ...]]:
    """The series that can be stacked in this order, and for each other one why it is left out.

    Of two series that exclude each other, the first is used.
    """
    stack: list[Series] = []
    reasons: list[str] = []
    for series in candidates:
        try:
            check_stack([*stack, series])
        except PatchError as error:
            reasons.append(f"{series.name} is left out: {error.what}")
        else:
            stack.append(series)
    return tuple(stack), tuple(reasons)


def apply_series(repository: Repository, tree: str, stack: Sequence[Series]) -> AppliedStack:
    """Apply the series in order to a git tree; the new trees are stored in the repository.

    Raises PatchError naming series, patch, path and hunk, with the expected and the actual lines;
    if a series fails on top of another, also whether it applies without that one. `check_applies`
    checks whether a series is for the version.
    """
    check_stack(stack)
    # All patches are parsed first, so that a malformed patch is not reported as a conflict.
    messages = [_messages(series) for series in stack]
    steps: list[AppliedSeries] = []
    notes: list[str] = []
    for index, series in enumerate(stack):
        before = steps[-1].tree if steps else tree
        try:
            after = _apply(repository, before, messages[index], notes)
        except _DoesNotApplyError as error:
            trees = [tree, *(step.tree for step in steps)]
            raise _with_conflict(repository, trees, stack, messages[: index + 1], error) from error
        changed = _changed(repository, before, after, series.name)
        steps.append(AppliedSeries(series=series.name, tree=after, changed=changed))
    if not steps:
        return AppliedStack(tree=tree, changed=(), steps=())
    last = steps[-1].tree
    changed = _changed(repository, tree, last, ", ".join(series.name for series in stack))
    return AppliedStack(tree=last, changed=changed, steps=tuple(steps), notes=tuple(notes))


def _messages(series: Series) -> list[Message]:
    # Errors name the series before the patch; an ad-hoc patch has no series.
    folder = series.name if series.branch else ""
    return [message for file in series.patches for message in patch.parse(file, folder)]


def _changed(repository: Repository, before: str, after: str, where: str) -> tuple[str, ...]:
    changed = tuple(change.path for change in repository.changes(before, after))
    if not changed:
        refuse(
            "The patches cancel each other out: together they change nothing.",
            where,
            "Leave out the patch that reverts another.",
        )
    return changed


def _apply(repository: Repository, tree: str, messages: Sequence[Message], notes: list[str]) -> str:
    for message in messages:
        tree = _apply_message(repository, tree, message, notes)
    return tree


def _apply_message(repository: Repository, tree: str, message: Message, notes: list[str]) -> str:
    result = exact_result(repository, tree, message)
    contextless = result is not None and result.contextless
    try:
        after = repository.apply(tree, message.data, contextless=contextless)
    except ApplyFailure as failure:
        raise _failure(repository, tree, message, failure) from failure
    _refuse_result(repository, tree, after, message)
    check_result(repository, tree, after, message, result)
    notes += result.notes if result else ()
    return after


def _refuse_result(repository: Repository, tree: str, after: str, message: Message) -> None:
    """Refuse unsafe paths and modes, and a file that is named and not changed."""
    changes = repository.changes(tree, after)
    for change in changes:
        _refuse_unsafe(change, message)
    touched = {path for file in message.files for path in file.touched}
    lost = touched - {change.path for change in changes}
    if lost:
        refuse(
            f"The patch changes nothing in {shown(min(lost))}.",
            message.where,
            "It replaces lines by the same lines, or reverts its own change: create it again.",
        )


def _refuse_unsafe(change: TreeChange, message: Message) -> None:
    """Refuse unsafe paths and modes in git's result, independent of our parsing of the patch."""
    if change.status == "D":
        return
    reason = paths.unsafe(change.path) or paths.unsafe_mode(change.new_mode)
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
        listed = ", ".join(shown(file.path) for file in message.files[:3])
        return _DoesNotApplyError(
            "The patch is already applied: the tree has all of its changes.",
            where=f"{message.where}: {listed}",
            hint="Leave it out. (If its direction is wrong, use `git apply --reverse`.)",
        )
    mismatch = explain(
        message,
        read=lambda path: repository.read(tree, path),
        paths=lambda: [entry.path for entry in repository.entries(tree)],
        stderr=failure.stderr,
    )
    text = f"\n{mismatch.comparison}" if mismatch.comparison else ""
    where = f"{message.where}: {mismatch.where}{text}"
    return _DoesNotApplyError(mismatch.what, where=where, hint=mismatch.hint)


def _with_conflict(
    repository: Repository,
    trees: Sequence[str],
    stack: Sequence[Series],
    messages: Sequence[Sequence[Message]],
    error: PatchError,
) -> PatchError:
    """`error`, with a note on which earlier series it conflicts with.

    `messages` are those of the series up to the failing one, the last. `trees` are the trees before
    and after each of the earlier series; the series failed on the last of them.
    """
    failed = len(messages) - 1
    if not failed:
        return PatchError(error.what, where=error.where, hint=error.hint)
    fits = [
        index for index, tree in enumerate(trees[:-1]) if _try(repository, tree, messages[failed:])
    ]
    name = stack[failed].name
    if not fits:
        note = f"{name} does not apply without the other series either."
        return PatchError(f"{error.what}\n{note}", where=error.where, hint=error.hint)
    other = stack[fits[-1]]
    note = f"{name} applies without {other.name}: the two conflict."
    hint = f"Put {name} and {other.name} into two candidates, or adapt one of them to the other."
    reordered = [messages[failed], *messages[fits[-1] : failed]]
    if other.name not in stack[failed].requires and _try(repository, trees[fits[-1]], reordered):
        hint = f"They apply in the other order: {name} before {other.name}."
    return PatchError(f"{error.what}\n{note}", where=error.where, hint=hint)


def _try(repository: Repository, tree: str, stack: Sequence[Sequence[Message]]) -> bool:
    try:
        for messages in stack:
            tree = _apply(repository, tree, messages, [])
    except PatchError:
        return False
    return True
