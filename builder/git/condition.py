"""What a clone lacks and how that is mended, for errors: read from its files and configuration.

patchbench's own repository of a local source has no objects: it borrows those of the clone. Each
error is therefore about the clone, which is where a command of the user can mend something.
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from builder.errors import SourceError
from builder.git.command import ISOLATED, run

_OURS = re.compile(r"(remote|local|archive)-[0-9a-f]+(-history)?\.git|debian\.git")
_PROMISOR = r"^(remote\..*\.(promisor|partialclonefilter)|extensions\.partialclone)$"
# What git says of objects that are missing or cannot be read.
_DAMAGE = re.compile(
    r"missing|corrupt|unable to (read|find|unpack|parse)|bad object|not a tree object|inflate"
    r"|could not (fetch|parse|read)|does not match index|garbage|bad (tree|object|pack|signature)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What is known of a clone: `path` is what a user calls it, `remote` the promisor remote of a
    partial clone, `kept_out` its filter (blob:none), `lost` the folders of objects that it borrows
    and that are gone. `is_ours`: it is a copy in patchbench's home, which is made as needed.
    """

    path: Path
    remote: str = ""
    kept_out: str = ""
    is_shallow: bool = False
    is_empty: bool = False
    is_ours: bool = False
    lost: tuple[Path, ...] = ()

    @property
    def kind(self) -> str:
        """What kind of clone it is, where that means that something is not there; else ""."""
        if self.lost:
            gone = ", ".join(str(folder) for folder in self.lost)
            return f"borrows its objects from {gone}, which is gone"
        if self.remote:
            kept = f" (filter {self.kept_out})" if self.kept_out else ""
            return f"is a partial clone{kept}: it leaves files to its remote {self.remote}"
        if self.is_shallow:
            return "is a shallow clone: its history was cut off"
        return "has no commits yet" if self.is_empty else ""

    @property
    def remedy(self) -> str:
        """The command that mends it, or what to do; for a clone without a `kind`, a check."""
        clone = shlex.quote(str(self.path))
        if self.lost:
            return "Bring that folder back, or clone again without --shared and --reference."
        if self.remote:
            return f"Fetch all of it: git -C {clone} fetch --refetch --no-filter {self.remote}"
        if self.is_shallow:
            return f"Fetch its history: git -C {clone} fetch --unshallow"
        if self.is_empty:
            return f"Fetch or commit CPython there, or name another --source than {clone}."
        if self.is_ours:
            return f"Delete it, the same command makes it again: rm -rf {clone}"
        return (
            f"`git -C {clone} fsck --full` lists the damage. Clone again, or, if a remote has "
            f"everything: git -C {clone} fetch --refetch"
        )


def examine(git_folder: Path) -> Condition:
    """The condition of the repository with this git folder, and of those that it borrows from: of
    the first that lacks something.
    """
    lenders, lost = _lenders(git_folder)
    conditions = [_examined(folder) for folder in lenders]
    if len(conditions) > 1 and conditions[0].is_empty:
        del conditions[0]  # patchbench's own repository of a clone
    if lost:
        return Condition(path=conditions[0].path, lost=tuple(lost))
    return next((state for state in conditions if state.kind), conditions[0])


def missing(git_folder: Path, commit: str, path: str = "") -> SourceError:
    """The error for a file of a commit (or tree) that the repository should have, and lacks."""
    state = _of_objects(examine(git_folder))
    output = _run(git_folder, "rev-list", "--objects", "--no-walk", "--missing=print", commit)
    count = sum(line.startswith(b"?") for line in output.splitlines())
    objects = "1 object is" if count == 1 else f"{count} objects are"
    lacking = f"{commit[:12]} in {state.path}" + (f": {objects} missing" if count else "")
    reason = f"{state.path} {state.kind}" if state.kind else f"{state.path} is damaged"
    return SourceError(
        f"The content of {path or 'a file'} is not there: {reason}.",
        where=f"{path or commit[:12]}, {lacking}",
        hint=f"{_removal(git_folder, commit, path)}{state.remedy}",
    )


def _removal(git_folder: Path, commit: str, path: str) -> str:
    """For a file of an object that is there and damaged: it must go, or git keeps it."""
    named = (
        _run(git_folder, "rev-parse", "--verify", "--quiet", f"{commit}:{path}").decode().strip()
    )
    blob = named or commit
    for lender in _lenders(git_folder)[0]:
        file = _common(lender) / "objects" / blob[:2] / blob[2:]
        if file.is_file():
            return f"Remove the damaged object: rm -f {shlex.quote(str(file))}\n"
    return ""


def hint_for(git_folder: Path, stderr: str) -> str:
    """What to do about a git command that failed on a repository."""
    state = _of_objects(examine(git_folder))
    if state.lost or state.remote or _DAMAGE.search(stderr):
        what = f"{state.path} {state.kind}. " if state.kind and not state.is_ours else ""
        return f"{what}{state.remedy}"
    return f"Try it with git itself: git -C {shlex.quote(str(state.path))} status"


def _of_objects(state: Condition) -> Condition:
    """What may explain a missing object: a history that was cut off does not."""
    return replace(state, is_shallow=False, is_empty=False)


def why_no_repository(path: Path) -> tuple[str, str]:
    """Why a folder is no repository that git can open, and what to do."""
    marker = path / ".git"
    if marker.exists() and not os.access(marker, os.R_OK | os.X_OK if marker.is_dir() else os.R_OK):
        return (
            "The repository cannot be read: Permission denied.",
            f"Ask its owner, or clone it: git clone {shlex.quote(str(path))} COPY",
        )
    if marker.is_file():
        where = shlex.quote(str(path))
        return (
            "The .git of this folder names a repository that is not there.",
            f"If its clone was moved, run in that: git worktree repair {where}",
        )
    if marker.is_dir():
        return "The .git of this folder is no repository: parts of it are missing.", "Clone again."
    top = _run(path, "rev-parse", "--show-toplevel", git_dir=False).decode("utf-8", "replace")
    if top.strip():
        name = shlex.quote(top.strip())
        return "This is a folder inside a clone.", f"Name its top folder: --source {name}"
    if (path / "Include" / "patchlevel.h").is_file():
        return (
            "This is a source tree without a git repository.",
            "Make one there: git init && git add --all --force . && git commit -m CPython; or name "
            "the tarball.",
        )
    return (
        "There is no git repository at this path.",
        "Name the top folder of a clone, a bare repository, or a URL.",
    )


def _lenders(git_folder: Path) -> tuple[list[Path], list[Path]]:
    """A repository's git folder, then those whose objects it borrows; and folders of objects that
    are gone.
    """
    known, lost = [git_folder], []
    for folder in known:
        objects = _common(folder) / "objects"
        try:
            lines = (objects / "info" / "alternates").read_text(errors="surrogateescape")
        except OSError:
            continue
        for line in filter(None, lines.splitlines()):
            lender = Path(os.path.normpath(objects / line))
            if not lender.is_dir():
                lost.append(lender)
            elif lender.parent not in known:
                known.append(lender.parent)
    return known, lost


def _common(git_folder: Path) -> Path:
    """The folder that a linked work tree's git folder shares with the others of its repository."""
    try:
        return Path(os.path.normpath(git_folder / (git_folder / "commondir").read_text().strip()))
    except OSError:
        return git_folder


def _examined(git_folder: Path) -> Condition:
    common = _common(git_folder)
    rows = _run(common, "config", "-z", "--get-regexp", _PROMISOR).decode("utf-8", "replace")
    values = dict(row.partition("\n")[::2] for row in rows.split("\0") if row)
    named = [
        name.removeprefix("remote.").removesuffix(".promisor")
        for name, value in values.items()
        if name.endswith(".promisor") and value != "false"
    ]
    remote = next(iter(named), values.get("extensions.partialclone", ""))
    return Condition(
        path=common.parent if common.name == ".git" else common,
        remote=remote,
        kept_out=values.get(f"remote.{remote}.partialclonefilter", ""),
        is_shallow=(common / "shallow").is_file(),
        is_empty=not _run(common, "for-each-ref", "--count=1"),
        is_ours=common.parent.name == "sources" and _OURS.fullmatch(common.name) is not None,
    )


def _run(folder: Path, *arguments: str, git_dir: bool = True) -> bytes:
    """The output of git; empty where it fails, since this describes what does not work."""
    env = {**ISOLATED, **({"GIT_DIR": str(folder)} if git_dir else {})}
    return run(arguments, cwd=folder, env=env).stdout
