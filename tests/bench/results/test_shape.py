"""result.json as values: required keys, keys that were added later, and damage."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.results import result as results
from bench.results.result import parse_document
from bench.util import documents
from builder.errors import DataError
from tests.bench.report import example
from tests.bench.report.big import big
from tests.golden.specimen import specimen


def test_every_key_of_a_result_has_its_place() -> None:
    """Every key that is written is read, with the same value."""
    for document in (specimen(), big(benchmarks=2, blocks=4, arms=3, replicas=2)):
        content = json.loads(json.dumps(document))
        again = json.loads(json.dumps(documents.dump(parse_document(content))))
        assert lacking(content, again) == set()


def lacking(written: Any, read: Any, place: str = "") -> set[str]:
    """The places at which `read` lacks something of `written`, or has another value."""
    if isinstance(written, dict) and isinstance(read, dict):
        absent = {f"{place}.{key}" for key in written.keys() - read.keys()}
        below = (
            lacking(written[key], read[key], f"{place}.{key}") for key in written if key in read
        )
        # A flavor's name follows from its other keys.
        return {
            at for places in (absent, *below) for at in places if not at.endswith("flavor.name")
        }
    if isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        pairs = zip(written, read, strict=True)
        return {at for pair in pairs for at in lacking(*pair, f"{place}[]")}
    return set() if written == read else {place}


def test_the_oldest_results_have_defaults_for_what_came_later() -> None:
    result = parse_document(example.result())
    (arm,) = result.candidates

    assert (arm.kind, arm.placebo, arm.variant, arm.runtime) == ("candidate", "", "", None)
    assert arm.keys == ("0123456789abcdef",)
    assert (result.placebo_band, result.ladder, result.experiment.arms) == (None, (), ())
    assert (result.session.false_calls, result.session.missing) == (None, ())
    assert result.host.governor is None


def test_unknown_keys_are_ignored() -> None:
    content = specimen()
    content["colour"] = content["base"]["colour"] = "red"
    assert parse_document(content) == parse_document(specimen())


Change = Callable[[dict[str, Any]], Any]


def put(*place: str | int, to: Any) -> Change:
    def change(content: dict[str, Any]) -> None:
        *above, last = place
        target: Any = content
        for part in above:
            target = target[part]
        target[last] = to

    return change


def deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (put("session", to=[]), "$.session"),
        (put("candidates", to=[]), "there is no candidate"),
        (put("candidates", 0, "suite", "ratio", to="<b>"), "$.candidates[0].suite.ratio"),
        (put("candidates", 0, "suite", "ratio", to=math.nan), "$.candidates[0].suite.ratio"),
        (put("candidates", 0, "suite", "ratio", to=1e300), "$.candidates[0].suite.ratio"),
        (put("candidates", 0, "suite", "low", to=10**400), "$.candidates[0].suite.low"),
        (put("candidates", 0, "suite", "blocks", to=True), "$.candidates[0].suite.blocks"),
        (put("candidates", 0, "comparisons", to={}), "$.candidates[0].comparisons"),
        (put("candidates", 0, "gate", to={"tests": 1}), "$.candidates[0].gate"),
        (put("candidates", 0, "warnings", to=[1]), "$.candidates[0].warnings[0]"),
        (put("candidates", 0, "warnings", to=deep(100_000)), "$.candidates[0].warnings[0]"),
        (put("base", "build", "facts", "pgo", to=1), "$.base.build.facts.pgo"),
        (put("blocks", 0, "means", "base", to=0), "$.blocks[0].means[...]"),
        (put("session", "margin", to=-0.01), "$.session.margin"),
        (put("host", "memory", to=2**70), "$.host.memory"),
        (put("experiment", "arms", 0, "recipe", "tree", to=3), "$.experiment.arms[0].recipe.tree"),
        (put("commands", to="run"), "$.commands"),
    ],
)
def test_damage_is_named_with_its_place(change: Change, place: str) -> None:
    content = copy.deepcopy(specimen())
    change(content)
    with pytest.raises(DataError) as caught:
        parse_document(content, "here/result.json")
    assert caught.value.where.startswith("here/result.json: ")
    assert place in caught.value.where
    assert caught.value.hint


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "1" * 5000])
def test_what_is_no_number_in_json_is_damage(number: str, tmp_path: Path) -> None:
    text = json.dumps(specimen()).replace('"ratio": 0.9512', f'"ratio": {number}')
    (tmp_path / results.FILE).write_text(text)
    with pytest.raises(DataError) as caught:
        results.read(tmp_path)
    assert str(tmp_path / results.FILE) in caught.value.where
