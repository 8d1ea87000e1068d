"""A night from a result.json: the golden one, with each arm as base."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest

from bench.history import from_result
from bench.history.from_result import read_result
from builder.errors import DataError
from tests.bench.results.given import given

night_of = given(from_result.night_of)
GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((GOLDEN / "result.json").read_text())
    return loaded


def test_the_golden_result_is_a_night(document: dict[str, Any]) -> None:
    night = read_result(GOLDEN, branch="3.13", tonight="fast-add", last="base")
    assert (night.host, night.branch, night.flavor) == ("c0ffee", "3.13", "plain")
    assert night.build is not None
    assert night.build.key == "0000000000000002"
    assert night.facts["compiler"] == "gcc 12.2.0"
    compared = {one["benchmark"]: one for one in document["candidates"][0]["comparisons"]}
    assert night.rows
    for row in night.rows:
        means = [
            block["means"]["fast-add"]
            for block in document["blocks"]
            if block["benchmark"] == row.benchmark
        ]
        assert row.mean == pytest.approx(math.fsum(means) / len(means))
        assert row.release is None
        if row.last:
            assert row.last.ratio == compared[row.benchmark]["ratio"]
    assert any(row.last for row in night.rows)
    assert night.missing


def test_ratios_are_inverted_if_tonights_build_is_the_base(document: dict[str, Any]) -> None:
    given = night_of(document, branch="b", tonight="fast-add", last="base")
    turned = night_of(document, branch="b", tonight="base", last="fast-add")
    there = {row.benchmark: row.last for row in given.rows if row.last}
    back = {row.benchmark: row.last for row in turned.rows if row.last}
    assert there.keys() & back.keys()
    names = {"faster": "slower", "slower": "faster"}
    for name in there.keys() & back.keys():
        assert back[name].ratio == pytest.approx(1 / there[name].ratio)
        assert back[name].verdict == names.get(there[name].verdict, there[name].verdict)
        if there[name].low:
            assert back[name].high == pytest.approx(1 / there[name].low)


def test_beside_each_other_they_are_compared_by_their_blocks(document: dict[str, Any]) -> None:
    other = copy.deepcopy(document["candidates"][0]) | {"name": "release"}
    document["candidates"].append(other)
    for block in document["blocks"]:
        block["means"]["release"] = block["means"]["base"] * 2
    night = night_of(document, branch="b", tonight="fast-add", last="base", release="release")
    found = [row for row in night.rows if row.last and row.release]
    assert found
    for row in found:
        assert row.release
        assert row.release.blocks == row.processes
    assert night.release is not None


def test_what_is_missing_is_an_error(document: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="no arm 'none'"):
        night_of(document, branch="b", tonight="none")
    document["candidates"][0]["build"] = None
    with pytest.raises(DataError, match="was not built"):
        night_of(document, branch="b", tonight="fast-add")
    del document["session"]
    with pytest.raises(DataError, match="required field `session`"):
        night_of(document, branch="b", tonight="base")
