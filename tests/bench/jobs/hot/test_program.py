"""Which interpreter a script of the user's is run with."""

from __future__ import annotations

import io
import os
import sys
import sysconfig
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from bench.context import Context
from bench.jobs.hot.program import find_program
from bench.util.console import Show
from builder.builds.store import STAMP, Build
from builder.process import SystemRunner
from tests.builder.builds.test_recipe import RECIPE
from tests.builder.builds.test_store import FACTS
from tests.builder.upstream import home_at

HEADER = Path(sysconfig.get_path("include")) / "Python.h"
pytestmark = pytest.mark.skipif(not HEADER.exists(), reason=f"there is no {HEADER}")


class Place:
    """A home with builds, all of them the Python that runs the tests, and a script."""

    def __init__(self, folder: Path) -> None:
        home, show = home_at(folder), Show(stream=io.StringIO())
        self.context = Context(home=home, project=folder, runner=SystemRunner(), show=show)
        self.script = folder / "program.py"
        self.script.write_text("pass\n")

    def build(self, key: str, *, used: int, **changes: Any) -> None:
        recipe = asdict(replace(RECIPE, **changes))

        def make(folder: Path, _held: int) -> Build:
            (folder / "python").symlink_to(sys.executable)
            return Build(
                key=key,
                title=f"build {key}",
                folder=folder,
                python=folder / "python",
                facts=FACTS,
                stages=(),
                recipe=recipe,
            )

        build, _new = self.context.store.provide(key, make)
        os.utime(build.folder / STAMP, (used, used))

    def description(self, python: str = "") -> str:
        return find_program(self.context, str(self.script), python).description


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"series": ("3.13/known-slowdown",)},
        {"changed": ("Python/ceval.c",)},
        {"placebo": "padding"},
        {"replica": 3},
    ],
)
def test_of_the_builds_the_unpatched_one_used_last_is_taken(
    place: Place, changes: dict[str, Any]
) -> None:
    place.build("a" * 16, used=100)
    place.build("b" * 16, used=200)
    place.build("c" * 16, used=300, **changes)
    assert f"(the unpatched build used last, {'b' * 16}, build " in place.description()
    # One that is named is taken whatever it is.
    assert f"(the stored build {'c' * 16}, " in place.description("c" * 16)


def test_where_all_are_patched_ours_is_taken(place: Place) -> None:
    place.build("c" * 16, used=300, replica=1)
    assert place.description().endswith("(the one that runs patchbench)")


def test_the_scripts_own_goes_before_builds_and_what_is_asked_for_before_it(place: Place) -> None:
    place.build("a" * 16, used=100)
    place.script.write_text(f"#!{sys.executable}\n")
    assert place.description().endswith("(named in the script's first line)")
    assert place.description(sys.executable).endswith("(named by --python)")
