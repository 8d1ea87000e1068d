"""Experiments from typed values: what is refused, and what the value is called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.experiments.build import Origin, build, command_line
from bench.experiments.experiment import ArmRequest, Conditions, Experiment
from bench.experiments.session_options import SessionOptions
from bench.util.toml import Keys
from builder.builds.recipe import Flavor
from builder.errors import ExperimentError

BASE = ArmRequest(revision="3.13")
PATCHED = ArmRequest(patches=("/a.diff",))
PYPY = ArmRequest(runtime="/opt/pypy3")


def made(*candidates: ArmRequest, origin: Origin | None = None, **given: Any) -> Experiment:
    base, name = given.pop("base", BASE), given.pop("name", "x")
    return build(
        origin or command_line(),
        name=name,
        base=base,
        candidates=candidates or (PATCHED,),
        conditions=Conditions(**given),
    )


def test_arms_are_named_after_what_they_are() -> None:
    many = replace(PATCHED, series=("3.13/b",), variant="typed", name="")
    experiment = made(PATCHED, many, PYPY, replace(PATCHED, name="own", revision="main"))
    assert experiment.base.name == "base"
    assert [arm.name for arm in experiment.candidates] == ["a", "b+a+typed", "pypy3", "own"]


def test_an_arm_never_takes_the_name_of_a_file_of_its_folder() -> None:
    assert made(replace(PATCHED, patches=("/block.diff",))).candidates[0].name == "block-candidate"


def test_the_base_may_be_where_a_candidate_begins() -> None:
    assert made(ArmRequest(revision="feature"), base=ArmRequest()).base.revision == ""
    with pytest.raises(ExperimentError, match=r"base\.revision is missing"):
        made(PATCHED, base=ArmRequest())


def test_no_candidate_is_needed_where_the_session_adds_an_arm() -> None:
    plain = {"name": "x", "base": BASE, "candidates": ()}
    alone = build(command_line(), **plain, conditions=Conditions(session=SessionOptions(aa=True)))  # type: ignore[arg-type]
    assert [arm.name for _kind, arm in alone.arms] == ["base", "aa"]
    with pytest.raises(ExperimentError, match="candidate is missing"):
        build(command_line(), **plain, conditions=Conditions())  # type: ignore[arg-type]


WRONG: list[tuple[str, list[ArmRequest], dict[str, Any]]] = [
    ("name is 'a/b'", [], {"name": "a/b"}),
    ("--suite is empty", [], {"suite": ()}),
    ("--suite is empty", [], {"suite": ("nbody", "")}),
    ("--gate is 'some'", [], {"gate": "some"}),
    ("--blocks is 1", [], {"session": SessionOptions(blocks=1)}),
    ("session.margin is 0.9", [], {"session": SessionOptions(margin=0.9)}),
    ("--budget is -1.0", [], {"session": SessionOptions(budget=-1.0)}),
    ("--protocol is 'duet'", [], {"session": SessionOptions(protocol="duet")}),
    ("--replicas is 4, and --blocks 3", [], {"session": SessionOptions(replicas=4, blocks=3)}),
    ("--placebos needs a base", [], {"base": PYPY, "session": SessionOptions(placebos=1)}),
    ("candidate[1] is the base itself", [ArmRequest()], {}),
    ("candidate[2] is the base itself", [PATCHED, ArmRequest(name="z")], {}),
    ("candidate[2].name 'a' is used twice", [PATCHED, PATCHED], {}),
    ("candidate[1].name 'aa' is reserved", [replace(PATCHED, name="aa")], {}),
    ("candidate[1].name is 'a b'", [replace(PATCHED, name="a b")], {}),
    ("candidate[1].variant is 'fast'", [replace(PATCHED, variant="fast")], {}),
    ("candidate[1].placebo is 'luck:1'", [ArmRequest(placebo="luck:1")], {}),
    ("candidate[1].series cannot be combined with", [replace(PYPY, series=("a/b",))], {}),
    ("candidate[1].revision cannot be combined with", [replace(PYPY, revision="main")], {}),
    ("base.flavor.configure has", [], {"base": replace(BASE, flavor=Flavor(configure=("-O3",)))}),
    (
        "candidate[1].flavor.loop_cflags has",
        [replace(PATCHED, flavor=Flavor(loop_cflags="$(x)"))],
        {},
    ),
]


@pytest.mark.parametrize(("what", "candidates", "given"), WRONG, ids=[row[0] for row in WRONG])
def test_what_makes_no_experiment_is_refused(
    what: str, candidates: list[ArmRequest], given: dict[str, Any]
) -> None:
    with pytest.raises(ExperimentError) as caught:
        made(*candidates, **given)
    assert caught.value.what.startswith(what)
    assert caught.value.where == "the command line"
    assert caught.value.hint.startswith("Right would be: ")


def test_a_value_is_named_by_its_option_or_by_its_key_and_line() -> None:
    keys = Keys(file="x.toml", text="[session]\nblocks = 3\nreplicas = 5\n", folder=Path())
    session = SessionOptions(blocks=3, replicas=5)
    for names, what, where in (
        ({}, "session.replicas is 5, and session.blocks 3.", "x.toml, line 3"),
        (
            {"session.blocks": "--blocks"},
            "session.replicas is 5, and --blocks 3.",
            "x.toml, line 3",
        ),
        ({"session.replicas": "--replicas"}, "--replicas is 5, and session.blocks 3.", "here"),
    ):
        with pytest.raises(ExperimentError) as caught:
            made(origin=Origin(where="here", names=names, file=keys), session=session)
        assert (caught.value.what, caught.value.where) == (what, where)
