from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from builder.builds.recipe import CompilerIdentity, Flavor, Recipe
from builder.sources.revision import Revision
from builder.toolchain import ToolIdentity
from builder.versions import numbers

RECIPE = Recipe(
    revision=Revision(source="debian", name="3.13", commit="c" * 40, version="3.13.5", epoch=7),
    tree="t" * 40,
    flavor=Flavor(),
    compiler=CompilerIdentity(path="/usr/bin/gcc", version="gcc 12.2", sha256="s"),
)

TOOL = ToolIdentity(
    role="LLVM_PROFDATA",
    path="/usr/bin/llvm-profdata-19",
    version="LLVM version 19.1.7",
    sha256="s",
)


@pytest.mark.parametrize(
    "other",
    [
        replace(RECIPE, tree="u" * 40),
        replace(RECIPE, flavor=Flavor(pgo=True)),
        replace(RECIPE, flavor=Flavor(cflags="-O2")),
        replace(RECIPE, flavor=Flavor(computed_gotos=False)),
        replace(RECIPE, flavor=Flavor(loop_cflags="-O2")),
        replace(RECIPE, compiler=replace(RECIPE.compiler, sha256="z")),
        replace(RECIPE, replica=1),
        replace(RECIPE, placebo="padding:1"),
        replace(RECIPE, changed=("Python/bytecodes.c",)),
        replace(RECIPE, flavor=Flavor(lto=True, lto_mode="thin")),
        replace(RECIPE, flavor=Flavor(bolt=True)),
        replace(RECIPE, flavor=Flavor(variables=("LLVM_AR=/x",))),
        replace(RECIPE, flavor=Flavor(build_environment=("PYTHON_JIT=0",))),
        replace(RECIPE, tools=(TOOL,)),
        replace(RECIPE, tools=(replace(TOOL, version="LLVM version 20.1.0"),)),
    ],
)
def test_everything_that_determines_a_build_is_in_its_key(other: Recipe) -> None:
    assert other.key != RECIPE.key
    assert len(other.key) == 16


def test_names_for_people_are_not_in_the_key() -> None:
    named = replace(RECIPE.revision, name="v3.13.5", source="git", commit="d" * 40)
    assert replace(RECIPE, revision=named, series=("3.13/x",)).key == RECIPE.key


def test_a_recipe_without_what_is_new_has_the_key_that_it_always_had() -> None:
    assert RECIPE.key == "e8ea773a78fc4d6b"


def test_keys_of_flavors_that_could_always_be_said() -> None:
    flavor = Flavor(pgo=True, lto=True, computed_gotos=False, cflags="-O2", cc="clang-19")
    flavor = replace(flavor, configure=("--disable-gil",), loop_cflags="-fno-gcse")
    assert replace(RECIPE, flavor=flavor).key == "3c1fd8346082eccd"


def test_the_environment_of_the_measured_processes_is_not_of_the_build() -> None:
    jit = replace(RECIPE, flavor=Flavor(run_environment=("PYTHON_JIT=1",)))
    assert jit.key == RECIPE.key
    assert jit.as_built == RECIPE
    assert (jit.title, RECIPE.title) == ("3.13.5 PYTHON_JIT=1", "3.13.5 plain")


@pytest.mark.parametrize(
    ("options", "shared"),
    [
        ((), False),
        (("--enable-shared",), True),
        (("--enable-shared=yes",), True),
        (("--enable-shared=no",), False),
        (("--enable-shared", "--disable-shared"), False),
        (("--enable-shared-memory",), False),
    ],
)
def test_a_shared_library_is_an_option_of_configure(
    options: tuple[str, ...], *, shared: bool
) -> None:
    assert Flavor(configure=options).shared is shared


@pytest.mark.parametrize(
    ("option", "stencils"),
    [("", True), ("=yes", True), ("=yes-off", True), ("=interpreter", False), ("=no", False)],
)
def test_which_jit_needs_stencils(option: str, *, stencils: bool) -> None:
    flavor = Flavor(configure=(f"--enable-experimental-jit{option}",))
    assert flavor.makes_stencils is stencils
    assert not Flavor().makes_stencils


def test_a_flavor_is_read_again_from_json() -> None:
    flavor = Flavor(lto=True, lto_mode="thin", bolt=True, run_environment=("A=1",))
    assert Flavor.of(json.loads(json.dumps(asdict(flavor) | {"name": flavor.name}))) == flavor
    assert Flavor.of({"configure": []}) == Flavor()  # of a result before these fields
    assert flavor.name == "thin-lto+bolt+A=1"


@pytest.mark.parametrize("version", ["2.7.10", "2.7.10+", "2.7.10rc1", "2.7.10rc1+"])
def test_numbers_of_a_version(version: str) -> None:
    assert numbers(version) == "2.7.10"


def test_titles() -> None:
    flavor = Flavor(pgo=True, lto=True, computed_gotos=False, cflags="-march=native")
    assert flavor.name == "pgo+lto+no-computed-gotos+-march=native"
    assert Flavor(loop_cflags="-fno-gcse").name == "loop -fno-gcse"
    recipe = replace(RECIPE, flavor=flavor, series=("3.13/x",), replica=2)
    assert recipe.title == f"3.13.5 {flavor.name} + 3.13/x (replica 2)"
    assert RECIPE.revision.branch == "3.13"
    between = replace(RECIPE.revision, version="2.7.10+")
    assert replace(RECIPE, revision=between).title == "2.7.10+ cccccccccc plain"
