"""Paths of a patch that begin at another folder than the top of the tree. Pure.

git removes one component from each path. Where that is wrong, a changed file is missing, which git
notices, but a new file is created in the wrong place without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from builder.errors import PatchError
from builder.patches.diff import FileDiff
from builder.patches.patch import Message
from builder.patches.paths import shown

_DEEPEST = 4
_LISTED = 3


@dataclass(frozen=True, kw_only=True)
class TreePaths:
    """The files and folders of a tree."""

    files: frozenset[str]
    folders: frozenset[str]


def tree_paths(files: Iterable[str]) -> TreePaths:
    """The files of a tree, and the folders that they are in, the top one left out."""
    every, folders = frozenset(files), set()
    for path in every:
        while path := path.rpartition("/")[0]:
            if path in folders:
                break
            folders.add(path)
    return TreePaths(files=every, folders=frozenset(folders))


def check_prefix(message: Message, tree: TreePaths) -> None:
    """Raise PatchError, with what to do, if the paths fit the tree only with another beginning."""
    bare = any(file.bare for file in message.files)
    if _fits(message.files, tree, 1) and not bare:
        return
    if _fits(message.files, tree, 0):
        _refuse(
            message,
            "its paths have no a/ and b/ before them (diff.noprefix, or a patch for -p0)",
            "Make it with `git diff --src-prefix=a/ --dst-prefix=b/`: exactly one component comes "
            "before the path in the tree.",
        )
    for depth in range(2, _DEEPEST + 1):
        if _fits(message.files, tree, depth):
            above = _written(message.files[0])[-1].split("/")[1:depth]
            folder = shown("/".join(above))
            _refuse(
                message,
                f"its paths begin above the tree, with {folder}/",
                f"Make it with `git diff --relative={folder}`: exactly one component comes before "
                "the path in the tree.",
            )
    if folders := [] if _present(message.files, tree) else _below(message.files, tree):
        _refuse_relative(message, folders)


def at_top(message: Message, tree: TreePaths) -> tuple[str, ...]:
    """New files in the top folder, of a patch that changes no file: is that where they belong?"""
    if any(file.old for file in message.files):
        return ()
    new = [file.new for file in message.files if file.new]
    return tuple(path for path in new if "/" not in path and path not in tree.files)


def _refuse_relative(message: Message, folders: Sequence[str]) -> None:
    listed = " or ".join(f"{shown(folder)}/" for folder in folders[:_LISTED])
    more = f", and {len(folders) - _LISTED} more" if len(folders) > _LISTED else ""
    one = shown(folders[0])
    _refuse(
        message,
        f"its paths begin below the top of the tree: they fit in {listed}{more}",
        "The output of `git diff --relative`? Make it with `git diff --no-relative`, or with "
        f"`--src-prefix=a/{one}/ --dst-prefix=b/{one}/`.",
    )


def _refuse(message: Message, what: str, hint: str) -> None:
    path = message.files[0].path
    raise PatchError(
        f"The patch is not for the top of the tree: {what}.",
        where=f"{message.where}: {shown(_written(message.files[0])[-1])}, read as {shown(path)}",
        hint=hint,
    )


def _written(file: FileDiff) -> tuple[str, str]:
    """The old and the new path as the patch has them; equal where it has only one."""
    names = file.written or (file.path,)
    return names[0], names[min(1, len(names) - 1)]


def _stripped(file: FileDiff, depth: int) -> tuple[str, str]:
    """The old and the new path without their first components."""
    names = _written(file)
    if file.old and file.new and file.old != file.new:
        # git writes the paths of a rename or copy without a/ and b/.
        names, depth = (file.old, file.new), max(0, depth - 1)
    old, new = ([part for part in name.split("/") if part][depth:] for name in names)
    return "/".join(old), "/".join(new)


def _fits(files: Sequence[FileDiff], tree: TreePaths, depth: int) -> bool:
    """Whether all files that are changed exist; or, of a patch that only creates files, folders."""
    created: set[str] = set()
    folders = []
    changes = False
    for file in files:
        old, new = _stripped(file, depth)
        # diff -u has two names of one file: ceval.c.orig and ceval.c.
        same = {old, new} if file.old == file.new else {old}
        if not new or (file.old and not same & tree.files and old not in created):
            return False
        changes |= file.old is not None and bool(same & tree.files)
        folders.append(new.rpartition("/")[0])
        created.add(new)
    return changes or (any(folders) and all(not it or it in tree.folders for it in folders))


def _present(files: Iterable[FileDiff], tree: TreePaths) -> bool:
    """Whether a file that the patch changes is where the patch has it."""
    return any(file.old in tree.files for file in files if file.old)


def _below(files: Sequence[FileDiff], tree: TreePaths) -> list[str]:
    """The folders of the tree below which all paths exist, the shallowest first."""
    changed = [file.old for file in files if file.old]
    created = [file.new.rpartition("/")[0] for file in files if not file.old and file.new]
    wanted = [(path, tree.files) for path in changed]
    wanted += [(folder, tree.folders) for folder in created if folder]
    if not wanted or (not changed and set(created) & tree.folders):
        return []
    path, known = wanted[0]
    folders = [place.removesuffix(f"/{path}") for place in known if place.endswith(f"/{path}")]
    fitting = [
        folder for folder in folders if all(f"{folder}/{path}" in known for path, known in wanted)
    ]
    return sorted(fitting, key=lambda folder: (folder.count("/"), folder))
