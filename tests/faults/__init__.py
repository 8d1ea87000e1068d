"""Faults of users and machines as rows of a table, and their test environment.

Each row is a function that prepares its fault and returns the arguments of `patchbench`; its
decorator has the expected end. tests/test_faults.py runs them all.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main
from builder.files import hold_lock
from tests import fake
from tests.fake.repository import commit_tree

SUITE = Path(fake.__file__).parent / "suite" / "MANIFEST"
# An experiment with these options finds everything before its first measured process in the home.
BASE_ONLY = ("--gate", "none", "--blocks", "2")


class World:
    """Shared by all rows: a home with the base's build, a repository, a project."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home"
        self.repository = root / "fake.git"
        self.project = root / "project"
        self.host_lock = root / "host.lock"
        self._branch("main", {})
        self._branch("next", {}, version="3.14.0")
        self._branch("other", {"Lib/other.py": "pass\n"})
        self._branch("uncompilable", {"Python/ceval.c": "int speed = nothing;\n"})
        self._branch("no-configure", {"configure": None})
        self._branch("no-cpython", {"Include/patchlevel.h": None})
        self._branch("slow-to-build", {"configure": "#!/bin/sh\necho $$\nexec sleep 600\n"})
        self._series("3.13/slow", fake.speed_patch(1.05))
        self._series("3.13/slower", fake.speed_patch(1.1))
        self._series("3.13/misspelt", fake.speed_patch(2), "titel", "status")

    def _branch(self, name: str, changes: dict[str, str | None], version: str = "3.13.5") -> None:
        tree = fake.write_tree(self.root / "trees" / name, version=version)
        for path, content in changes.items():
            if content is None:
                (tree / path).unlink()
            else:
                (tree / path).write_text(content)
        commit_tree(self.repository, tree, branch=name)

    def _series(self, name: str, patch: bytes, key: str = "", instead: str = "") -> None:
        folder = self.project / "patches" / name
        folder.mkdir(parents=True)
        (folder / "0001-change.patch").write_bytes(patch)
        keys = {
            "title": "A change",
            "why": "To see",
            "applies_to": ">=3.13,<3.14",
            "upstream": "none",
            "status": "placebo",
            "effect": "Slower",
            "mechanism": "It says so",
        }
        if instead:
            keys[key] = keys.pop(instead)
        lines = [f'{key} = "{value}"\n' for key, value in keys.items()]
        (folder / "series.toml").write_text("".join(lines))


class Place:
    """The place of one row: current folder, results, standard input, temporary files."""

    def __init__(self, world: World, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = world
        self.root = root
        self.here = root / "here"
        self.out = root / "out"
        self.home = world.home
        self.patch = monkeypatch
        self._stack = contextlib.ExitStack()
        self.here.mkdir()
        (root / "tmp").mkdir()
        monkeypatch.chdir(self.here)
        monkeypatch.setattr(tempfile, "tempdir", str(root / "tmp"))
        monkeypatch.setattr(main, "PROJECT", world.project)
        monkeypatch.setenv("PATCHBENCH_HOST_LOCK", str(world.host_lock))
        self.stdin(b"")

    def stdin(self, data: bytes) -> None:
        self.patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    def own_home(self) -> Path:
        """A separate home and host lock for this row, which it may damage."""
        self.home = self.root / "home"
        self.patch.setenv("PATCHBENCH_HOST_LOCK", str(self.root / "host.lock"))
        return self.home

    def file(self, name: str, content: bytes | str) -> Path:
        path = self.here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def adhoc(self, *arguments: str, base: str = "main") -> list[str]:
        """`run` without a file, on the fake's repository."""
        where = ["--source", str(self.world.repository), "--suite", f"{SUITE},fast"]
        return ["run", "--base", base, *where, "--out", str(self.out), *arguments]

    def patched(self, data: bytes, *arguments: str) -> list[str]:
        """`run` with one patch in a file."""
        return self.adhoc("--patch", str(self.file("change.diff", data)), *arguments)

    def experiment(self, tables: str, *arguments: str, **keys: str) -> list[str]:
        """`run` of a file with the usual content, plus `keys` (as TOML) before the `tables`."""
        usual = {
            "base": '"main"',
            "source": f'"{self.world.repository}"',
            "suite": f'["{SUITE}"]',
        }
        lines = [f"{key} = {value}\n" for key, value in (usual | keys).items()]
        path = self.file("x.toml", "".join(lines) + tables)
        return ["run", str(path), "--out", str(self.out), *arguments]

    def result(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.out / "result.json").read_text())
        return content

    def candidate(self) -> dict[str, Any]:
        candidate: dict[str, Any] = self.result()["candidates"][0]
        return candidate

    def files(self) -> dict[str, tuple[int, int]]:
        """Size and time of each file, and the folders, that no run may change."""
        host_lock = self.root / "host.lock"
        ours = (self.out, self.home, host_lock, Path(f"{host_lock}.queue"))
        states = {}
        for top in (self.root, self.world.repository, self.world.project):
            for folder, folders, names in os.walk(top):
                folders[:] = [name for name in folders if Path(folder, name) not in ours]
                for name in [".", *names]:
                    path = Path(folder, name)
                    state = path.lstat()
                    if path not in ours and name != ".":
                        states[str(path)] = state.st_size, state.st_mtime_ns
                    elif name == ".":
                        states[folder] = 0, 0
        return states

    def half_made(self) -> list[str]:
        """Builds without a stamp, and temporary files of writes that were not completed."""
        builds = self.home / "builds"
        if not builds.is_dir():
            return []
        names = [path.name for path in builds.iterdir() if not (path / "build.json").exists()]
        hidden = [path for name in ("envs", "builds") for path in (self.home / name).rglob(".*")]
        return sorted([*names, *(str(path) for path in hidden)])

    def holding(self, path: Path) -> None:
        """Hold a lock as another run would, until the row has ended."""
        self._stack.enter_context(hold_lock(path, shared=True))

    def close(self) -> None:
        self._stack.close()

    def finished(self, arguments: Sequence[str]) -> None:
        """Complete the same run beforehand."""
        assert main.main(["--home", str(self.home), "--quiet", *arguments]) == 0


Prepare = Callable[[Place], Sequence[str]]
Check = Callable[[Place], None]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A fault and its expected end: the exit code, parts of stderr, and a further check."""

    name: str
    code: int
    says: tuple[str, ...]
    prepare: Prepare
    slow: bool = False
    check: Check | None = field(default=None)

    @property
    def is_error(self) -> bool:
        """Whether the document is an error and not a result."""
        return self.code not in (0, 1, 7)


def table() -> tuple[list[Row], Callable[..., Callable[[Prepare], Prepare]]]:
    """An empty list of rows, and the decorator that adds to it."""
    rows: list[Row] = []

    def fault(
        code: int, *says: str, slow: bool = False, check: Check | None = None
    ) -> Callable[[Prepare], Prepare]:
        def add(prepare: Prepare) -> Prepare:
            name = prepare.__name__.replace("_", " ").strip()
            rows.append(
                Row(name=name, code=code, says=says, prepare=prepare, slow=slow, check=check)
            )
            return prepare

        return add

    return rows, fault


def remove(path: Path) -> None:
    """Remove a file or a folder with its content."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
