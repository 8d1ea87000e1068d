"""A plan, its recipes and its patches held against each other and against the result."""

from __future__ import annotations

import copy
import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.jobs.bundle.agreement import Counter
from bench.jobs.bundle.recipes import check_patches, check_plan, own_name, patches_of, plan_of
from bench.util.documents import read_json
from builder.errors import VerifyError
from tests.bench.results_folder import NAME, lay_out

FILE = f"patches/{NAME}/01-{NAME}/{NAME}.patch"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recipes") / "out"
    lay_out(folder, controls=True)
    return folder


@pytest.fixture
def plan(whole: Path) -> dict[str, Any]:
    return read_json(whole / "plan.json")


@pytest.fixture
def document(whole: Path) -> dict[str, Any]:
    return read_json(whole / "result.json")


def problems(plan: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """What differs; the result has the same plan, if the plan was altered."""
    return list(check_plan(plan, document | {"experiment": plan}, Counter()))


# -- the plan ------------------------------------------------------------------------------------


def test_a_plan_agrees_with_its_own_result(plan: dict[str, Any], document: dict[str, Any]) -> None:
    counter = Counter()
    assert list(check_plan(plan, document, counter)) == []
    assert counter.count > 100


@pytest.mark.parametrize("side", ["plan", "document"])
def test_a_plan_that_differs_from_the_results_own_is_seen_from_either_side(
    side: str, plan: dict[str, Any], document: dict[str, Any]
) -> None:
    other = copy.deepcopy(plan)
    (other if side == "plan" else document["experiment"])["more"] = 1
    (problem,) = check_plan(other, document, Counter())
    assert "more" in problem


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "title": lambda arm: arm.update(title="another"),
    "series": lambda arm: arm.update(series=["another"]),
    "revision, commit": lambda arm: arm["revision"].update(commit="f" * 40),
    "flavor, pgo": lambda arm: arm["flavor"].update(pgo=True),
    "kind": lambda arm: arm.update(kind="aa"),
    "build 0, key": lambda arm: arm["replicas"][0].update(key="0" * 16),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_a_result_says_otherwise_of_an_arm_is_named(
    what: str, plan: dict[str, Any], document: dict[str, Any]
) -> None:
    CHANGES[what](document["candidates"][0])
    (problem,) = problems(plan, document)
    assert problem.startswith(f"result.json, {NAME}, {what}")


def test_arms_that_are_not_the_plans_are_named(
    plan: dict[str, Any], document: dict[str, Any]
) -> None:
    document["candidates"].pop()
    assert problems(plan, document)[0].startswith("result.json, arms")


def test_a_recipe_that_was_altered_has_another_key(
    plan: dict[str, Any], document: dict[str, Any]
) -> None:
    plan["arms"][1]["recipe"]["tree"] = "f" * 40
    (problem,) = problems(plan, document)
    assert problem.startswith(f"plan.json, {NAME}, key of build 0")


def test_a_key_with_a_folder_that_was_taken_out_cannot_be_recomputed(
    plan: dict[str, Any], document: dict[str, Any]
) -> None:
    for arm in plan["arms"]:
        arm["recipe"]["compiler"]["path"] = "HOME/bin/gcc"
    assert problems(plan, document) == []


def test_of_a_runtime_only_the_runtime_is_compared(
    plan: dict[str, Any], document: dict[str, Any]
) -> None:
    runtime = {"implementation": "pypy", "release": "7.3", "version": "3.10.14"}
    plan["arms"][1] |= {"recipe": None, "runtime": runtime}
    document["candidates"][0]["runtime"] = runtime
    assert problems(plan, document) == []
    document["candidates"][0]["runtime"] = runtime | {"release": "7.4"}
    (problem,) = problems(plan, document)
    assert problem.startswith(f"result.json, {NAME}, runtime, release")


@pytest.mark.parametrize("content", [{}, {"arms": 3}, {"arms": [{}]}])
def test_what_is_no_plan_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(VerifyError) as caught:
        plan_of(content)
    assert caught.value.where.startswith("plan.json")


# -- patches -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../x", "a/b", "/etc", "a/"])
def test_a_name_that_leads_away_is_refused(name: str) -> None:
    with pytest.raises(VerifyError, match="out of the folder"):
        own_name(name)


def test_a_plain_name_is_a_part_of_a_path() -> None:
    assert own_name("placebo-padding-1") == "placebo-padding-1"


def test_patches_come_in_the_order_of_their_series_and_files(
    plan: dict[str, Any], tmp_path: Path
) -> None:
    names = ["01-b/0001.patch", "01-b/0002.patch", "02-a/0001.patch"]
    for name in reversed(names):
        path = tmp_path / "patches" / NAME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    record = plan_of(plan)
    found = patches_of(tmp_path, record, record.arms[1])
    assert [patch.name for patch in found] == [f"patches/{NAME}/{name}" for name in names]
    assert [patch.data.decode() for patch in found] == names


def test_added_arms_have_the_patches_of_the_base(plan: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "patches" / "base" / "01-x" / "x.patch"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    record = plan_of(plan)
    counts = {arm.kind: len(patches_of(tmp_path, record, arm)) for arm in record.arms}
    assert counts == {"base": 1, "candidate": 0, "aa": 1, "placebo": 1}


def patch_problems(folder: Path) -> list[str]:
    return list(check_patches(plan_of(read_json(folder / "plan.json")), folder, Counter()))


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole / "patches", tmp_path / "patches")
    shutil.copy(whole / "plan.json", tmp_path)
    return tmp_path


def test_the_patches_are_those_of_the_plan(folder: Path) -> None:
    counter = Counter()
    assert list(check_patches(plan_of(read_json(folder / "plan.json")), folder, counter)) == []
    assert counter.count > 1


def test_a_patch_with_another_digest_is_named(folder: Path) -> None:
    path = folder / FILE
    path.write_bytes(path.read_bytes().replace(b'"0.9"', b'"0.8"'))
    (problem,) = patch_problems(folder)
    assert problem.startswith(FILE)
    assert "SHA-256" in problem


def test_a_patch_that_is_not_there_is_named_and_so_is_what_it_changed(folder: Path) -> None:
    (folder / FILE).unlink()
    missing, unchanged = patch_problems(folder)
    assert missing.startswith(FILE)
    assert unchanged.startswith(f"patches/{NAME}")
    assert "Python/ceval.c" in unchanged


def test_a_patch_that_nobody_planned_is_named(folder: Path) -> None:
    more = (folder / FILE).with_name("more.patch")
    more.write_bytes((folder / FILE).read_bytes())
    (problem,) = patch_problems(folder)
    assert problem.startswith(f"patches/{NAME}/01-{NAME}/more.patch")


def test_a_path_that_the_recipe_does_not_name_is_seen(folder: Path) -> None:
    record = plan_of(read_json(folder / "plan.json"))
    arm = record.arms[1]
    assert arm.recipe is not None
    recipe = dataclasses.replace(arm.recipe, changed=())
    arms = (record.arms[0], dataclasses.replace(arm, recipe=recipe))
    (problem,) = check_patches(dataclasses.replace(record, arms=arms), folder, Counter())
    assert "Python/ceval.c" in problem
