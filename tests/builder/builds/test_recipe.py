from __future__ import annotations

from dataclasses import replace

import pytest

from builder.builds.recipe import CompilerIdentity, Flavor, Recipe
from builder.sources.revision import Revision
from builder.versions import numbers

RECIPE = Recipe(
    revision=Revision(source="debian", name="3.13", commit="c" * 40, version="3.13.5", epoch=7),
    tree="t" * 40,
    flavor=Flavor(),
    compiler=CompilerIdentity(path="/usr/bin/gcc", version="gcc 12.2", sha256="s"),
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
