"""Layouts of a real CPython: its functions move, and it is Python still."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from builder.builds import facts
from builder.builds.compile import Builder, identify_compiler
from builder.builds.gate import Gate
from builder.builds.recipe import Flavor, Recipe
from builder.builds.store import Build, Store
from builder.home import Home
from builder.process import SystemRunner
from builder.sources import provide

pytestmark = pytest.mark.real

NAMES = ("PyEval_EvalFrameEx", "PyDict_GetItem", "PyInt_FromLong", "PyObject_Malloc")


@pytest.fixture(scope="module")
def home(real_home: Path) -> Home:
    return Home(root=real_home, host_lock=real_home / "host.lock")


@pytest.fixture(scope="module")
def build(home: Home) -> Callable[[int, str], Build]:
    """Builds of 2.7.18 by replica and placebo."""
    runner = SystemRunner()
    home.prepare()
    source = provide.provide(provide.parse("debian"), home=home, runner=runner, say=print)
    revision = source.resolve("2.7.18")
    recipe = Recipe(
        revision=revision,
        tree=source.repository.tree(revision.commit),
        flavor=Flavor(),
        compiler=identify_compiler("gcc", runner),
    )
    builder = Builder(home=home, store=Store(home, print), runner=runner, say=print)

    def made(replica: int, placebo: str) -> Build:
        asked = replace(recipe, replica=replica, placebo=placebo)
        return builder.provide(asked, source.repository)[0]

    return made


def places(build: Build) -> dict[str, int]:
    """How far functions lie from the first of NAMES."""
    with build.python.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        found = {name: table.get_symbol_by_name(name)[0]["st_value"] for name in NAMES}
    return {name: address - found[NAMES[0]] for name, address in found.items()}


# A replica has all that the placebos padding and links do; builds are what takes time here.
@pytest.mark.parametrize(("replica", "placebo"), [(1, ""), (0, "functions:2")])
def test_functions_move_and_nothing_else_changes(
    build: Callable[[int, str], Build], home: Home, replica: int, placebo: str
) -> None:
    plain, moved = build(0, ""), build(replica, placebo)

    assert places(moved) != places(plain)
    assert moved.facts.eval_bytes == plain.facts.eval_bytes
    assert moved.facts.indirect_jumps == plain.facts.indirect_jumps
    found = facts.differences(plain.facts, moved.facts, flavors_differ=False, changed=())
    # A flag says that functions have sections of their own; nothing else is told apart.
    assert {one.fact for one in found if not one.asked} <= {"options of the evaluation loop"}
    assert bool(found) == placebo.startswith("functions")
    modules = [name for name in plain.facts.code if "lib-dynload" in name]
    assert {name: moved.facts.code[name] for name in modules} == {
        name: plain.facts.code[name] for name in modules
    }
    gate = Gate(home=home, runner=SystemRunner(), say=print, jobs=len(os.sched_getaffinity(0)))
    judgement = gate.judge(plain, moved, "short")
    assert judgement.passed
    assert judgement.tests > 10
