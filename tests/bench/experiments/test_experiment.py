"""The arms of an experiment, and which conditions a command line changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.experiments.experiment import (
    ArmRequest,
    ConditionChanges,
    Experiment,
    is_base,
)
from bench.experiments.session_options import SessionChanges, SessionOptions
from builder.builds.recipe import Flavor
from builder.sources.provide import SourceSpec

BASE = ArmRequest(
    name="base", revision="2.7", source=SourceSpec(kind="debian"), flavor=Flavor(pgo=True)
)
EXPERIMENT = Experiment(
    name="x",
    base=BASE,
    candidates=(
        ArmRequest(name="a", series=("2.7/a",), flavor=BASE.flavor),
        ArmRequest(name="same", placebo="links:3", flavor=BASE.flavor),
    ),
    session=SessionOptions(aa=True, placebos=2),
)


def test_the_session_adds_arms_that_are_the_base() -> None:
    assert [(kind, arm.name) for kind, arm in EXPERIMENT.arms] == [
        ("base", "base"),
        ("candidate", "a"),
        ("placebo", "same"),
        ("aa", "aa"),
        ("placebo", "placebo-padding-1"),
        ("placebo", "placebo-functions-2"),
    ]
    arms = {arm.name: arm for _kind, arm in EXPERIMENT.arms}
    assert replace(arms["aa"], name="base") == BASE
    placebo = arms["placebo-functions-2"]
    assert placebo.placebo == "functions:2"
    assert replace(placebo, name="base", placebo="") == BASE


@pytest.mark.parametrize(
    "change",
    [
        {"revision": "2.6"},
        {"series": ("2.7/a",)},
        {"patches": ("a.diff",)},
        {"flavor": Flavor()},
        {"variant": "cython"},
        {"runtime": "pypy2"},
    ],
)
def test_what_makes_an_arm_another_than_the_base(change: dict[str, object]) -> None:
    same = replace(BASE, name="other", revision="", placebo="links:3")
    assert is_base(same, BASE)
    assert not is_base(replace(same, **change), BASE)  # type: ignore[arg-type]


def test_changes_are_listed_by_the_keys_of_a_file() -> None:
    session = SessionChanges(blocks=3, aa=False)
    changes = ConditionChanges(suite=("core",), wheels="/w", session=session)
    assert changes.given == ("suite", "wheels", "session.blocks", "session.aa")
    assert ConditionChanges().given == ()
