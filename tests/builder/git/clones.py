"""Clones with a work tree, and a git as their user has it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

IDENTITY = {
    **{f"GIT_{who}_NAME": "tests" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "tests@localhost" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_DATE": "1700000000 +0000" for who in ("AUTHOR", "COMMITTER")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "PATH": os.environ["PATH"],
    "HOME": os.devnull,
}


class Clone:
    """A repository with a work tree, in which a user works."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        if not (path / ".git").exists():
            self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, ok: bool = True, **env: str) -> str:
        """Run git in it as its user would."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env={**IDENTITY, **env},
            check=False,
            capture_output=True,
        )
        assert done.returncode == 0 or not ok, done.stderr
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, files: dict[str, str | bytes]) -> None:
        """Write files into the work tree."""
        for name, content in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, files: dict[str, str | bytes]) -> str:
        """Commit files."""
        self.write(files)
        self.git("add", "--all", "--force", ".")
        self.git("commit", "--quiet", "--message=change")
        return self.git("rev-parse", "HEAD")

    def added(self) -> str:
        """The tree that the user's `git add --update` and `git write-tree` make; nothing stays."""
        index = self.path.parent / f"{self.path.name}.index"
        # With its time, which decides which files git compares by content.
        shutil.copy2(self.path / ".git" / "index", index)
        try:
            self.git("add", "--update", ".", GIT_INDEX_FILE=str(index))
            return self.git("write-tree", GIT_INDEX_FILE=str(index))
        finally:
            index.unlink()

    def files(self) -> dict[str, tuple[int, int]]:
        """Size and time of every file of its git folder: no reader may change one. Of objects
        without the time: git renews it of those that it would write again.
        """
        folder = self.path / ".git"
        return {
            str(path): (
                path.lstat().st_size,
                0 if folder / "objects" in path.parents else path.lstat().st_mtime_ns,
            )
            for path in folder.rglob("*")
            if path.is_file()
        }
