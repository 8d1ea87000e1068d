"""Listing and removing builds on the command line, with builds of the fake."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from bench.jobs.inventory import builds
from tests import fake
from tests.builder.builds.test_store import FACTS
from tests.fake.repository import commit_tree


class Workbench:
    """A home with the fake's base and a candidate in it, built by `patchbench build`."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        commit_tree(folder / "fake.git", fake.write_tree(folder / "tree"))
        (folder / "slow.patch").write_bytes(fake.speed_patch(1.05))
        self.arms = [
            *("--base", "main", "--source", str(folder / "fake.git")),
            *("--patch", str(folder / "slow.patch")),
        ]

    def patchbench(self, *arguments: str) -> int:
        return main(["--home", str(self.home), *arguments])


@pytest.fixture
def workbench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    monkeypatch.setenv("PATCHBENCH_HOST_LOCK", str(tmp_path / "host.lock"))
    made = Workbench(tmp_path)
    assert made.patchbench("build", *made.arms) == 0
    return made


def _builds(workbench: Workbench, capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    assert workbench.patchbench("builds", "--json") == 0
    return [row["key"] for row in json.loads(capsys.readouterr().out)]


def test_builds_are_listed_and_one_is_shown(
    workbench: Workbench, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = _builds(workbench, capsys)
    assert len(keys) == 2
    assert workbench.patchbench("builds", keys[0]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["key"] == keys[0]
    assert shown["bytes"] > 10_000
    assert shown["facts"]["computed_gotos"]
    assert workbench.patchbench("builds") == 0
    assert keys[1] in capsys.readouterr().out


def test_gc_keeps_what_was_used_and_removes_what_was_not(
    workbench: Workbench, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = _builds(workbench, capsys)
    stamp = workbench.home / "builds" / old / "build.json"
    os.utime(stamp, (0, 0))
    orphan = workbench.home / "envs" / ("e" * 16)
    orphan.mkdir()
    (orphan / "env.json").write_text(
        json.dumps({"interpreter": {"identity": old, "python": "/gone"}})
    )
    assert workbench.patchbench("gc", "--dry-run") == 0
    assert stamp.exists()
    assert workbench.patchbench("gc") == 0
    assert _builds(workbench, capsys) == [new]
    assert not stamp.parent.exists()
    assert not orphan.exists()


def test_gc_of_one_build_and_of_all(
    workbench: Workbench, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = _builds(workbench, capsys)
    assert workbench.patchbench("gc", "--build", first) == 0
    assert _builds(workbench, capsys) == [second]
    assert workbench.patchbench("gc", "--all") == 0
    assert _builds(workbench, capsys) == []
    assert not (workbench.home / "configure").exists()


def test_gc_removes_what_a_killed_run_left(workbench: Workbench) -> None:
    half = workbench.home / "builds" / "0123456789abcdef"
    (half / "prefix").mkdir(parents=True)
    assert workbench.patchbench("gc") == 0
    assert not half.exists()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"dispatch": "computed gotos", "pgo": False}, ("yes, 5 jumps", "no")),
        ({"dispatch": "merged gotos", "pgo": True}, ("merged, 5 jumps", "yes")),
        ({"dispatch": "switch", "computed_gotos": False, "pgo": False}, ("no", "no")),
        (
            {"dispatch": "tail calls", "computed_gotos": False, "pgo": None},
            ("no: tail calls, 5 jumps", "unknown"),
        ),
        (
            {"dispatch": "unknown", "computed_gotos": None, "pgo": None},
            ("unknown", "unknown"),
        ),
    ],
)
def test_what_is_unknown_of_a_build_is_listed_so(
    changes: dict[str, Any], text: tuple[str, str]
) -> None:
    facts = replace(FACTS, indirect_jumps=5, **changes)
    assert (builds._gotos(facts), builds._yes(facts.pgo)) == text
