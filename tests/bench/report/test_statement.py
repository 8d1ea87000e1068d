"""What a submission states, before it has a form."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bench.report import statement
from bench.report.sections import sections
from bench.results.result import parse_document
from tests.bench.report import example
from tests.bench.results.given import given
from tests.golden.specimen import specimen

state = given(statement.state)


def small(**candidate: Any) -> dict[str, Any]:
    content = example.result()
    content["candidates"][0] |= candidate
    return content


def several(*names: str, **more: Any) -> dict[str, Any]:
    """The small result with more candidates like its own."""
    content = small()
    for name in names:
        content["candidates"].append(
            copy.deepcopy(content["candidates"][0]) | {"name": name} | more
        )
    return content


# -- subject and verdicts ------------------------------------------------------------------------


def test_the_subject_names_base_candidate_and_speed() -> None:
    stated = state(small())
    assert (stated.subjects, stated.result) == (("CPython 2.7.18: fast-paths",), "1.09x faster")


@pytest.mark.parametrize("verdict", ["equivalent", "undecided", "broken"])
def test_no_speed_is_claimed_without_a_verdict(verdict: str) -> None:
    stated = state(small(verdict=verdict))
    assert stated.subjects[0].endswith("fast-paths")
    assert stated.result == verdict


def test_more_candidates_are_counted_and_controls_are_not() -> None:
    assert state(several("b", "c")).result.endswith("(and 2 more)")
    assert "more)" not in state(several("aa", kind="aa")).result


def test_a_base_that_is_no_cpython_of_ours_has_its_title() -> None:
    content = small()
    runtime = {"implementation": "pypy", "release": "7.3", "version": "2.7.18"}
    content["base"] |= {"title": "PyPy 7.3", "build": None, "runtime": runtime}
    assert state(content).subjects[0].startswith("PyPy 7.3: ")


def test_each_candidate_has_a_verdict() -> None:
    verdicts = state(specimen()).verdicts
    names = [arm["name"] for arm in specimen()["candidates"]]
    assert [text.split()[0].rstrip(":") for text in verdicts] == names


# -- tables --------------------------------------------------------------------------------------


def test_a_table_has_each_comparison_in_words_and_figures() -> None:
    (table,) = state(small()).tables
    nbody, richards = table.rows
    assert (table.title, table.against) == ("2.7.18 plain fast-paths", "2.7.18 plain base")
    assert (nbody.name, nbody.ratio, nbody.blocks) == ("nbody", "0.7074", "12")
    assert "0.7003" in nbody.interval
    assert "0.7145" in nbody.interval
    assert nbody.verdict.endswith("1.41x faster")
    assert "1.0" not in richards.interval
    assert table.suite is not None
    assert table.suite.ratio == "0.9142"


def test_an_undecided_ratio_is_not_called_faster() -> None:
    rows = example.result()["candidates"][0]["comparisons"]
    (table,) = state(small(comparisons=[rows[0] | {"verdict": "undecided"}])).tables
    assert table.rows[0].verdict.endswith("undecided")
    assert "1.41x" not in table.rows[0].verdict


def test_notes_are_the_warnings_that_not_all_rows_have() -> None:
    rows = example.result()["candidates"][0]["comparisons"]
    rows[1]["warnings"] = [*rows[1]["warnings"], "few-blocks: 2 blocks"]
    suite = example.result()["candidates"][0]["suite"]
    suite["warnings"] = [*suite["warnings"], "suite-mix: they disagree"]
    (table,) = state(small(comparisons=rows, suite=suite)).tables
    assert [row.notes for row in table.rows] == ["", "few-blocks: 2 blocks"]
    assert table.suite is not None
    assert table.suite.notes == "suite-mix: they disagree"


def test_a_metric_is_named_where_there_are_several() -> None:
    rows = example.result()["candidates"][0]["comparisons"]
    rows[1] |= {"benchmark": "nbody", "metric": "memory"}
    (table,) = state(small(comparisons=rows)).tables
    assert [row.name for row in table.rows] == ["nbody (time)", "nbody (memory)"]


def test_what_was_not_compared_has_no_table_or_no_suite() -> None:
    assert state(small(comparisons=[], suite=None)).tables == ()
    (table,) = state(small(suite=None)).tables
    assert table.suite is None


# -- the rest ------------------------------------------------------------------------------------


def test_how_it_came_about_is_handed_through() -> None:
    content = small()
    content["session"]["margin"] = 0.025
    stated = state(content)
    assert "2.5%" in stated.reading
    assert stated.sections == sections(parse_document(content))
    assert stated.commands == ("patchbench run some --seed 7",)
    assert "0.1.0" in stated.made
    assert content["when"] in stated.made


def test_text_is_handed_through_as_it_is() -> None:
    evil = "<b> | *x* @all"
    (table,) = state(small(title=evil)).tables
    assert table.title == evil
