"""Whole bisections on the fake CPython: by patchbench, and by git with steps of patchbench."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.cli import main
from tests import fake
from tests.pipeline import PROJECT

pytestmark = pytest.mark.slow

BROKEN, SLOW = 2, 4
# What each commit after the first changes: a file of the tree, and a text in it.
CHANGES = (
    ("README", "", "one\n"),
    ("configure", "#!/bin/sh\n", "#!/bin/sh\nexit 1\n"),
    ("configure", "#!/bin/sh\nexit 1\n", "#!/bin/sh\n"),
    ("README", "one", "two"),
    ("README", "two", "three"),
)


@dataclass(frozen=True, kw_only=True)
class Clone:
    """A clone with a work tree, its commits, the oldest first."""

    root: Path
    commits: tuple[str, ...]

    def arguments(self, *more: str) -> list[str]:
        """A bisection from the first commit to the last."""
        return [
            *("--home", str(self.root / "home"), "bisect", self.commits[0], self.commits[-1]),
            *("--source", str(self.root / "clone"), "--benchmark", "fast"),
            *("--suite", str(self.root / "suite" / "MANIFEST"), "--gate", "none"),
            *("--blocks", "4", "--seed", "7", "--out", str(self.root / "out"), *more),
        ]


def git(folder: Path, *arguments: str, **env: str) -> str:
    identity = ("-c", "user.name=tests", "-c", "user.email=tests@localhost")
    done = subprocess.run(
        ["git", *identity, *arguments],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    root = tmp_path_factory.mktemp("bisect")
    folder = root / "clone"
    fake.write_tree(folder)
    (folder / "README").touch()
    shutil.copytree(Path(fake.__file__).parent / "suite", root / "suite")
    git(root, "init", "--quiet", "--initial-branch=main", str(folder))
    commits = [committed(folder, "the fake CPython")]
    for number, (name, old, new) in enumerate(CHANGES, 1):
        path = folder / name
        path.write_text(path.read_text().replace(old, new, 1))
        if number == SLOW:
            (root / "slow.patch").write_bytes(fake.speed_patch(1.5))
            git(folder, "apply", str(root / "slow.patch"))
        commits.append(committed(folder, f"change {number} [bold]\x1b[31m"))
    return Clone(root=root, commits=tuple(commits))


def committed(folder: Path, subject: str) -> str:
    git(folder, "add", "--all", "--force", ".")
    git(folder, "commit", "--quiet", "-m", subject)
    return git(folder, "rev-parse", "HEAD").strip()


def test_patchbench_and_git_name_the_same_commit(
    clone: Clone, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATCHBENCH_HOST_LOCK", str(clone.root / "host.lock"))
    assert main.main(clone.arguments("--json")) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert [commit["commit"] for commit in document["culprits"]] == [clone.commits[SLOW]]
    assert document["parent"]["commit"] == clone.commits[SLOW - 1]
    assert document["outcome"] == "found"
    sides = {one["commit"]: one["side"] for one in document["steps"]}
    assert sides[clone.commits[BROKEN]] == "skipped"
    assert "\x1b" not in err

    # Again: from what is there. And for people.
    assert main.main(clone.arguments()) == 0
    out, err = capsys.readouterr()
    assert err.count("Already complete") == len(document["steps"]) + 2
    assert f"{clone.commits[SLOW]}\n  tests, " in out
    assert "change 4 [bold]?[31m" in out

    git(clone.root / "clone", "bisect", "start", clone.commits[-1], clone.commits[0])
    command = (sys.executable, "-m", "bench.cli.main", *clone.arguments("--step"))
    told = git(clone.root / "clone", "bisect", "run", *command, PYTHONPATH=str(PROJECT))
    assert f"{clone.commits[SLOW]} is the first bad commit" in told
