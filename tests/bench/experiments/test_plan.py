from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bench.experiments.experiment import ArmRequest, Experiment
from bench.experiments.plan import Plan, PlannedArm
from bench.experiments.session_options import SessionOptions
from builder.builds.recipe import Flavor
from tests.builder.builds.test_recipe import RECIPE

PLAN = Plan(
    experiment=Experiment(
        name="x",
        base=ArmRequest(name="base", revision="3.13"),
        candidates=(ArmRequest(name="pgo", flavor=Flavor(pgo=True)),),
    ),
    arms=(
        PlannedArm(name="base", kind="base", recipes=(RECIPE,)),
        PlannedArm(name="pgo", recipes=(replace(RECIPE, flavor=Flavor(pgo=True)),)),
    ),
    suite="pyperformance 1.14.0",
    benchmarks=("nbody", "richards"),
    protocol="lockstep",
)


def test_base_and_candidates() -> None:
    assert PLAN.base.name == "base"
    assert [arm.name for arm in PLAN.candidates] == ["pgo"]


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAN, benchmarks=("nbody",)),
        replace(PLAN, protocol="sequential"),
        replace(PLAN, suite="pyperformance 2"),
        replace(PLAN, arms=PLAN.arms[:1]),
        replace(PLAN, arms=(PLAN.base, replace(PLAN.arms[1], kind="placebo"))),
        replace(
            PLAN,
            arms=(replace(PLAN.base, recipes=(RECIPE, replace(RECIPE, replica=1))), PLAN.arms[1]),
        ),
        replace(PLAN, experiment=replace(PLAN.experiment, gate="none")),
        replace(PLAN, arms=(replace(PLAN.base, environment=("A=1",)), PLAN.arms[1])),
        replace(PLAN, experiment=replace(PLAN.experiment, session=SessionOptions(budget=60.0))),
    ],
)
def test_the_identity_covers_what_the_result_depends_on(other: Plan) -> None:
    assert other.identity != PLAN.identity


def test_arms_of_one_build_in_two_environments_are_no_twins() -> None:
    other = replace(PLAN.base, environment=("PYTHON_JIT=1",))
    assert other.identity != PLAN.base.identity
    assert other.to_json()["environment"] == ["PYTHON_JIT=1"]
    assert "environment" not in PLAN.base.to_json()


def test_the_identity_leaves_out_what_it_does_not_depend_on() -> None:
    renamed = replace(PLAN, experiment=replace(PLAN.experiment, name="y", wheels="/w"))
    assert renamed.identity == PLAN.identity


def test_candidates_are_watched_and_what_a_session_adds_is_not() -> None:
    added = (
        replace(PLAN.arms[1], name="aa", kind="aa"),
        replace(PLAN.arms[1], name="p", kind="placebo"),
    )
    assert replace(PLAN, arms=(*PLAN.arms, *added)).watched == ("pgo",)
    assert replace(PLAN, arms=(PLAN.base, *added)).watched == ("aa", "p")


def test_the_plan_is_plain_json() -> None:
    content = json.loads(json.dumps(PLAN.to_json(7)))
    assert content["seed"] == 7
    assert content["identity"] == PLAN.identity
    assert [arm["key"] for arm in content["arms"]] == [arm.recipe.key for arm in PLAN.arms]
    assert [replica["key"] for replica in content["arms"][0]["replicas"]] == [RECIPE.key]
