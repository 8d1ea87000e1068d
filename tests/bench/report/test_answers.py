"""The first screen: whether to take the change."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bench.report import answers as module
from tests.bench.report import example
from tests.bench.results.given import given
from tests.golden import changes

answers = given(module.answers)

GATE = {"selection": "core", "tests": 423, "broken": [], "flaky": [], "base_failed": []}


def small(**candidate: Any) -> dict[str, Any]:
    content = example.result()
    content["candidates"][0] |= candidate
    return content


def several(*names: str, **more: Any) -> dict[str, Any]:
    content = small()
    for name in names:
        content["candidates"].append(
            copy.deepcopy(content["candidates"][0]) | {"name": name} | more
        )
    return content


def lines(content: dict[str, Any], label: str) -> tuple[str, ...]:
    return {answer.label: answer.lines for answer in answers(content)}.get(label, ())


def rows(*pairs: tuple[str, float, str]) -> list[dict[str, Any]]:
    first = example.result()["candidates"][0]["comparisons"][0]
    return [
        first | {"benchmark": name, "ratio": ratio, "low": ratio, "high": ratio, "verdict": verdict}
        for name, ratio, verdict in pairs
    ]


def test_the_answers_come_in_the_order_of_the_questions() -> None:
    for content in (small(), changes.commit(), changes.several()):
        labels = [answer.label for answer in answers(content)]
        assert labels == ["What it is", "Faster", "Slower", "Costs", "Still Python?"]
        assert all(answer.lines and all(answer.lines) for answer in answers(content))


@pytest.mark.parametrize(
    ("compared", "faster", "slower"),
    [
        (
            rows(("go", 0.5, "faster"), ("fft", 1.1, "slower"), ("chaos", 1.5, "slower")),
            "1 of 3 benchmarks: go 2.00x",
            "2 of 3 benchmarks: chaos 1.50x (1.5000 to 1.5000), fft 1.10x (1.1000 to 1.1000)",
        ),
        (
            rows(("go", 1.0, "equivalent"), ("fft", 1.1, "undecided")),
            "none of 2 benchmarks",
            "none of 2 benchmarks; 1 undecided",
        ),
        (rows(("go", 1.0, "equivalent")), "none of 1 benchmark", "none of 1 benchmark"),
    ],
)
def test_benchmarks_are_named_the_largest_effect_first(
    compared: list[dict[str, Any]], faster: str, slower: str
) -> None:
    content = small(comparisons=compared)
    assert lines(content, "Faster") == (faster,)
    assert lines(content, "Slower") == (slower,)


def test_many_benchmarks_are_cut_with_their_number() -> None:
    many = rows(*((f"b{number}", 1.5, "slower") for number in range(155)))
    (slower,) = lines(small(comparisons=many), "Slower")
    assert slower.startswith("155 of 155 benchmarks: b0 1.50x")
    assert slower.endswith(" and 143 more")


def test_nothing_is_said_of_what_was_not_compared() -> None:
    content = small(comparisons=[], suite=None, broken="no", gate=None, build=None)
    assert lines(content, "Faster") == lines(content, "Slower") == ()
    assert lines(content, "Still Python?") == ("it did not build",)


def test_of_several_candidates_each_is_named() -> None:
    assert [line.split(":")[0] for line in lines(several("other"), "Slower")] == [
        "fast-paths",
        "other",
    ]


# -- costs ---------------------------------------------------------------------------------------


def test_costs_are_lines_code_and_memory() -> None:
    assert lines(changes.commit(), "Costs") == (
        "+3 -1 lines in 2 files; evaluation function 61,464 bytes as before; machine code "
        "2,345,678 -> 2,346,702 bytes (+1,024); memory not measured",
    )


def test_that_memory_was_not_measured_is_said_once() -> None:
    assert lines(changes.several(), "Costs")[-1] == "memory not measured"
    assert sum("memory" in line for line in lines(changes.several(), "Costs")) == 1


def test_memory_that_was_compared_is_a_cost() -> None:
    suite = small()["candidates"][0]["suite"] | {"metric": "memory", "ratio": 1.25}
    (text,) = lines(small(suites=[suite]), "Costs")
    assert text.endswith("memory 1.2500 times the base's")


# -- whether Python still is Python --------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "gate (core) passed: 423 test files, 0 differ"),
        (
            {"flaky": ["test_a"], "base_failed": ["test_b"]},
            "gate (core) passed: 423 test files, 0 differ; failed once, and not again: test_a; "
            "fail on the base too: test_b",
        ),
        (
            {"broken": [f"test_{n}" for n in range(8)]},
            "gate (core) failed: 423 test files, 8 differ: test_0, test_1, test_2, test_3, "
            "test_4, test_5 and 2 more",
        ),
    ],
)
def test_the_gate_is_told_with_its_count(changed: dict[str, Any], expected: str) -> None:
    assert lines(small(gate=GATE | changed), "Still Python?") == (expected,)


def test_what_several_arms_share_is_said_once() -> None:
    (only,) = lines(changes.several(), "Still Python?")
    assert only.startswith("fast-add, fast-sub, lto: no gate: CPython's own tests were not run")
    tested, not_tested = lines(several("other", gate=None), "Still Python?")
    assert tested.startswith("fast-paths: gate (core) passed: 62 test files")
    assert not_tested.startswith("other: no gate")
