"""The arms of a result as values."""

from __future__ import annotations

import copy

from bench.report.sections import sections
from bench.results.result import parse_document
from tests.golden.specimen import specimen


def test_an_arm_names_all_of_its_builds() -> None:
    result = parse_document(specimen())
    assert [arm.keys for arm in result.arms] == [
        ("0000000000000001",),
        ("0000000000000002",),
        ("0000000000000003",),
        (),
    ]
    content = specimen()
    content["base"]["replicas"] = [{"key": "a"}, {"key": "b"}]
    assert parse_document(content).base.keys == ("a", "b")


def test_a_plan_of_before_there_was_one_recipe_for_each_arm() -> None:
    """Such a plan has a list of recipes in its place, and no digests of patches."""
    content = copy.deepcopy(specimen())
    for arm in content["experiment"]["arms"]:
        arm["recipes"] = [arm.pop("recipe")]
        del arm["patches"], arm["replicas"]
    result = parse_document(content)

    assert [arm.patches for arm in result.experiment.arms] == [None] * 4
    assert sections(result) == sections(parse_document(specimen()))
