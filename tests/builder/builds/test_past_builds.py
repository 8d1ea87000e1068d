"""What builds of a home took, read from stamps and logs, whole or damaged."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from builder.builds.past_builds import keep_stages, like, past_builds
from builder.builds.recipe import CompilerIdentity, Flavor, Recipe
from builder.home import Home
from builder.sources.revision import Revision


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home", host_lock=tmp_path / "lock")


def stamp(home: Home, key: str, *, when: float = 1.0, **changes: Any) -> Path:
    """A build as the store has it, without an interpreter."""
    folder = home.builds / key
    (folder / "log").mkdir(parents=True)
    content: dict[str, Any] = {
        "stages": [{"name": "configure", "seconds": 20}, {"name": "make", "seconds": 80.5}],
        "recipe": {
            "revision": {"version": changes.pop("version", "2.7.18")},
            "tree": changes.pop("tree", "t"),
            "flavor": {"pgo": changes.pop("pgo", False), "lto": changes.pop("lto", False)},
        },
        **changes,
    }
    (folder / "build.json").write_text(json.dumps(content))
    (folder / "log" / "make.log").write_text("cc -c a.c\n")
    os.utime(folder / "log" / "make.log", (when, when))
    return folder


def recipe(*, tree: str = "t", version: str = "2.7.18", **flavor: Any) -> Recipe:
    return Recipe(
        revision=Revision(source="s", name=version, commit="c" * 40, version=version, epoch=1),
        tree=tree,
        flavor=Flavor(**flavor),
        compiler=CompilerIdentity(path="/usr/bin/gcc", version="gcc", sha256="0"),
    )


def test_no_home_has_no_builds(home: Home) -> None:
    assert past_builds(home) == ()


def test_the_newest_comes_first(home: Home) -> None:
    stamp(home, "a", when=1)
    stamp(home, "b", when=2)
    keep_stages(home.builds / "a", {"compiling": 12.5})
    builds = past_builds(home)
    assert [build.folder.name for build in builds] == ["b", "a"]
    assert [build.made for build in builds] == [{}, {"compiling": 12.5}]
    assert builds[0].total == 100.5
    state = builds[0].files()
    assert state is not None
    assert state.files == 1


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "[]",
        "{}",
        '{"stages": [], "recipe": null}',
        '{"stages": [{"name": "make", "seconds": -1}], "recipe": {"revision": {"version": "3"},'
        ' "tree": "t", "flavor": {"pgo": false, "lto": false}}}',
        '{"stages": [{"name": "make", "seconds": NaN}], "recipe": {"revision": {"version": "3"},'
        ' "tree": "t", "flavor": {"pgo": false, "lto": false}}}',
        "\xff",
    ],
)
def test_a_damaged_stamp_is_left_out(home: Home, damage: str) -> None:
    stamp(home, "a")
    (stamp(home, "b") / "build.json").write_bytes(damage.encode("latin-1"))
    assert [build.folder.name for build in past_builds(home)] == ["a"]


@pytest.mark.parametrize("damage", ["", "[]", '{"compiling": "soon"}', '{"compiling": -1}'])
def test_damaged_stages_are_none(home: Home, damage: str) -> None:
    (stamp(home, "a") / "log" / "make-stages.json").write_text(damage)
    assert past_builds(home)[0].made == {}


def test_a_build_without_a_log_has_no_files(home: Home) -> None:
    (stamp(home, "a") / "log" / "make.log").unlink()
    (build,) = past_builds(home)
    assert build.files() is None


def test_alike_are_builds_of_the_branch_and_flavor(home: Home) -> None:
    stamp(home, "other-branch", version="3.13.5")
    stamp(home, "pgo", pgo=True)
    stamp(home, "lto", lto=True)
    stamp(home, "version", version="2.7.10", tree="u", when=9)
    stamp(home, "tree", when=1)
    stamp(home, "newer", tree="u", when=5)
    builds = past_builds(home)
    assert [build.folder.name for build in like(builds, recipe())] == ["tree", "newer", "version"]
    assert [build.folder.name for build in like(builds, recipe(pgo=True))] == ["pgo"]
    assert like(builds, recipe(pgo=True, lto=True)) == ()
