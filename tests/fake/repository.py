"""Trees on disk to commits of a bare repository, with the git of the machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

from builder.git.repository import Repository

_IDENTITY = {
    "GIT_AUTHOR_NAME": "tests",
    "GIT_AUTHOR_EMAIL": "tests@localhost",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_NAME": "tests",
    "GIT_COMMITTER_EMAIL": "tests@localhost",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "PATH": "/usr/bin:/bin",
}


def commit_tree(
    bare: Path,
    tree: Path,
    *,
    branch: str = "main",
    subject: str = "the fake CPython",
    when: int = 1700000000,
) -> tuple[Repository, str]:
    """Commit a folder's files on top of `branch` of a bare repository (made if need be).

    `when`: seconds since 1970.
    """
    env = _IDENTITY | {"GIT_DIR": str(bare), "GIT_WORK_TREE": str(tree)}
    env |= dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), f"{when} +0000")

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=tree, env=env, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    if not bare.exists():
        subprocess.run(
            ["git", "init", "--quiet", "--bare", "--initial-branch", branch, str(bare)],
            env=_IDENTITY,
            check=True,
        )
    git("add", "--all", "--force", ".")
    has_parent = (bare / "refs" / "heads" / branch).exists()
    parent = ["-p", git("rev-parse", branch)] if has_parent else []
    commit = git("commit-tree", *parent, "-m", subject, git("write-tree"))
    git("update-ref", f"refs/heads/{branch}", commit)
    return Repository.open(bare), commit
