"""From an experiment to recipes: what replicas, A/A and placebo arms become."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.context import Context
from bench.experiments.experiment import ArmRequest, Experiment
from bench.experiments.session_options import SessionOptions
from bench.planning.resolve import Resolved, resolve
from bench.util.console import Show
from builder.builds.recipe import Flavor
from builder.errors import ExperimentError, MeasureError, PatchError
from builder.home import Home
from builder.process import SystemRunner
from builder.sources.provide import SourceSpec
from tests import fake
from tests.fake.repository import commit_tree

SUITE = Path(fake.__file__).parent / "suite" / "MANIFEST"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("resolve")
    commit_tree(folder / "fake.git", fake.write_tree(folder / "tree"))
    (folder / "base.diff").write_bytes(fake.speed_patch(1.5))
    return folder


def settled(
    place: Path, *candidates: ArmRequest, base: ArmRequest | None = None, **session: object
) -> Resolved:
    context = Context(
        home=Home(root=place / "home", host_lock=place / "host.lock"),
        project=place,
        runner=SystemRunner(),
        show=Show(quiet=True),
    )
    source = SourceSpec(kind="git", location=str(place / "fake.git"))
    asked = base or ArmRequest(name="base", revision="main", source=source)
    return resolve(
        context,
        Experiment(
            name="x",
            base=asked,
            candidates=candidates,
            suite=(str(SUITE),),
            session=SessionOptions(**session),  # type: ignore[arg-type]
        ),
    )


LTO = ArmRequest(name="lto", flavor=Flavor(lto=True))


def test_without_replicas_each_arm_is_built_once(place: Path) -> None:
    plan = settled(place, LTO).plan
    assert [(arm.name, arm.kind, len(arm.recipes)) for arm in plan.arms] == [
        ("base", "base", 1),
        ("lto", "candidate", 1),
    ]
    assert plan.protocol == "auto"


def test_base_and_candidate_draw_the_same_layouts(place: Path) -> None:
    plan = settled(place, LTO, replicas=3).plan
    for arm in plan.arms:
        assert [recipe.replica for recipe in arm.recipes] == [0, 1, 2]
    assert plan.replicas == 3
    assert plan.base.recipe == settled(place, LTO).plan.base.recipe


def test_the_aa_arm_is_the_base_itself_without_replicas(place: Path) -> None:
    plan = settled(place, LTO, aa=True).plan
    assert plan.arms[-1].kind == "aa"
    assert plan.arms[-1].recipes == plan.base.recipes
    assert plan.watched == ("lto",)


def test_with_replicas_the_aa_arm_has_others_of_its_own(place: Path) -> None:
    """The base's own in another order would show it equal to itself, whatever builds do."""
    base, aa = (settled(place, aa=True, replicas=3).plan.arms[at] for at in (0, -1))
    assert [recipe.replica for recipe in aa.recipes] == [3, 4, 5]
    assert {recipe.tree for recipe in aa.recipes} == {base.recipe.tree}
    assert not {recipe.key for recipe in aa.recipes} & {recipe.key for recipe in base.recipes}


def test_placebos_are_the_base_with_a_layout(place: Path) -> None:
    source = SourceSpec(kind="git", location=str(place / "fake.git"))
    base = ArmRequest(
        name="base", revision="main", source=source, patches=(str(place / "base.diff"),)
    )
    resolved = settled(place, LTO, base=base, placebos=3, replicas=2)
    arms = resolved.plan.arms

    assert [arm.name for arm in arms] == [
        "base", "lto", "placebo-padding-1", "placebo-functions-2", "placebo-links-3",
    ]  # fmt: skip
    for arm in arms[2:]:
        assert arm.kind == "placebo"
        assert {recipe.tree for recipe in arm.recipes} == {arms[0].recipe.tree}
        assert [recipe.replica for recipe in arm.recipes] == [0, 1]
        assert {recipe.placebo for recipe in arm.recipes} == {
            arm.name.removeprefix("placebo-").replace("-", ":")
        }
    keys = [recipe.key for arm in arms for recipe in arm.recipes]
    assert len(set(keys)) == len(keys)
    # Their patches are the base's, and are kept once.
    assert set(resolved.patches) == {"base", "lto"}
    assert set(resolved.repositories) == {arm.name for arm in arms}


def test_a_candidate_that_is_a_placebo_is_one(place: Path) -> None:
    plan = settled(place, ArmRequest(name="moved", placebo="links:2")).plan
    assert plan.arms[1].kind == "placebo"
    assert plan.arms[1].recipe.placebo == "links:2"
    assert plan.watched == ("moved",)


def test_two_arms_of_one_recipe_are_refused(place: Path) -> None:
    with pytest.raises(ExperimentError, match="lto and again are the same build"):
        settled(place, LTO, ArmRequest(name="again", flavor=Flavor(lto=True)))


# -- variants and runtimes -----------------------------------------------------------------------


def runtime(folder: Path, version: str = "3.11.11", implementation: str = "pypy") -> Path:
    """Something that answers as a Python does that is asked what it is."""
    written = f'{{"implementation": "{implementation}", "version": "{version}", "release": "7.3.19"'
    python = folder / f"{implementation}-{version}"
    python.write_text(f'#!/bin/sh\necho \'{written}, "executable": "{python}"}}\'\n')
    python.chmod(0o755)
    return python


def test_a_variant_has_the_build_of_the_arm_that_it_is_of(place: Path) -> None:
    plan = settled(place, ArmRequest(name="cython", variant="cython"), LTO).plan
    cython = plan.arms[1]
    assert cython.recipes == plan.base.recipes
    assert cython.identity != plan.base.identity
    assert cython.title == f"{plan.base.title}, cython"
    assert cython.to_json()["variant"] == "cython"


def test_two_arms_of_one_variant_are_twins(place: Path) -> None:
    two = (ArmRequest(name="one", variant="cython"), ArmRequest(name="two", variant="cython"))
    with pytest.raises(ExperimentError, match="are the same build"):
        settled(place, *two)


TYPED = ArmRequest(name="typed", variant="typed")


def test_variants_that_no_benchmark_has_are_refused_before_a_build(place: Path) -> None:
    """The same would be found after builds and gate."""
    source = SourceSpec(kind="git", location=str(place / "fake.git"))
    base = ArmRequest(name="base", revision="main", source=source, variant="typed")
    for arms in ({"candidate": TYPED}, {"candidate": LTO, "base": base}):
        with pytest.raises(MeasureError, match="No benchmark can be measured") as caught:
            settled(place, arms["candidate"], base=arms.get("base"), aa=True)
        assert "fast: only kernels have a typed variant" in caught.value.where
        assert "pair: only kernels have a typed variant" in caught.value.where
        assert "--suite kernels" in caught.value.hint


def test_a_variant_that_no_benchmark_has_is_left_to_be_missing_beside_another_arm(
    place: Path,
) -> None:
    assert len(settled(place, TYPED, LTO).plan.arms) == 3


def test_a_base_alone_has_what_it_needs(place: Path) -> None:
    assert len(settled(place).plan.arms) == 1


def test_a_runtime_is_asked_what_it_is_and_not_built(place: Path, tmp_path: Path) -> None:
    python = runtime(tmp_path)
    resolved = settled(place, ArmRequest(name="pypy", runtime=str(python)))
    pypy = resolved.plan.arms[1]
    assert pypy.recipes == ()
    assert pypy.title == "pypy 7.3.19 (Python 3.11.11)"
    assert set(resolved.repositories) == {"base"}
    written = pypy.to_json()
    assert written["recipe"] is None
    assert written["runtime"]["version"] == "3.11.11"
    assert str(tmp_path) not in str(written)


def test_a_runtime_of_the_other_python_is_refused(place: Path, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="is Python 2, the base 3"):
        settled(place, ArmRequest(name="old", runtime=str(runtime(tmp_path, "2.7.18"))))


def test_beside_a_runtime_a_candidate_says_its_revision(place: Path, tmp_path: Path) -> None:
    source = SourceSpec(kind="git", location=str(place / "fake.git"))
    base = ArmRequest(name="base", runtime=str(runtime(tmp_path)), source=source)
    plan = settled(place, ArmRequest(name="built", revision="main"), base=base).plan
    assert plan.base.version == "3.11.11"
    assert [len(arm.recipes) for arm in plan.arms] == [0, 1]
    with pytest.raises(ExperimentError, match="has no revision"):
        settled(place, LTO, base=base)


# -- patches that are given together ---------------------------------------------------------------


def test_patches_of_one_name_and_a_moved_hunk(place: Path) -> None:
    (place / "a").mkdir(exist_ok=True)
    moved = fake.speed_patch(1.5).replace(b"@@ -1,", b"@@ -41,").replace(b"@@ -", b"@@ -4", 1)
    (place / "a" / "base.diff").write_bytes(fake.behaviour_patch("test_int", "fail"))
    (place / "moved.diff").write_bytes(moved)
    names = ("base.diff", "a/base.diff")
    resolved = settled(place, ArmRequest(name="x", patches=tuple(str(place / n) for n in names)))
    assert resolved.plan.arms[1].recipe.series == ("base", "base-2")
    assert resolved.notes == {"base": (), "x": ()}

    moved_arm = settled(place, ArmRequest(name="x", patches=(str(place / "moved.diff"),)))
    (note,) = moved_arm.notes["x"]
    assert "moved.diff: hunk 1 of Python/ceval.c is applied" in note
    assert "higher than the patch says" in note


def test_a_folder_of_patches_is_no_patch(place: Path) -> None:
    with pytest.raises(PatchError, match="it is a directory") as caught:
        settled(place, ArmRequest(name="x", patches=(str(place),)))
    assert f"--patch {place}/*.diff gives base.diff" in caught.value.hint
