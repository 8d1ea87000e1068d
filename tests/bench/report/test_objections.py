from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from bench.report import objections as module
from tests.bench.report.example import result
from tests.bench.results.given import given

objections = given(module.objections)

Change = Callable[[dict[str, Any]], Any]


def quiet() -> dict[str, Any]:
    """A result whose only limitation is its choice of benchmarks."""
    content = result(word="")
    (candidate,) = content["candidates"]
    candidate |= {"warnings": [], "missing": []}
    for row in candidate["comparisons"]:
        row |= {"warnings": [], "builds": 5}
    for arm in (content["base"], candidate):
        arm["build"]["facts"]["pgo"] = True
    content["host"] |= {"aslr": 0, "turbo": False, "governor": "performance", "smt": False}
    content["session"]["false_calls"] = {"called": 1, "of": 100, "upper": 0.05, "origin": "x"}
    return content


def candidate_of(content: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = content["candidates"][0]
    return first


def control(**more: Any) -> Change:
    def add(content: dict[str, Any]) -> None:
        arm = copy.deepcopy(candidate_of(content)) | {"name": "control", "kind": "aa"}
        content["candidates"].append(arm | more)

    return add


def facts(**more: Any) -> Change:
    return lambda content: candidate_of(content)["build"]["facts"].update(more)


def rows(**more: Any) -> Change:
    return lambda content: [row.update(more) for row in candidate_of(content)["comparisons"]]


def host(**more: Any) -> Change:
    return lambda content: content["host"].update(more)


def session(**more: Any) -> Change:
    return lambda content: content["session"].update(more)


def candidate(**more: Any) -> Change:
    return lambda content: candidate_of(content).update(more)


def test_of_a_good_result_only_the_choice_of_benchmarks_is_told() -> None:
    (only,) = objections(quiet())
    assert only.startswith("The geometric mean is of 2 benchmarks of pyperformance 0.9.1")


BAND = {"suite": [0.9, 1.1], "benchmarks": {"nbody": [0.7, 0.8], "richards": [0.99, 1.01]}}
BLOCK = {"number": 0, "benchmark": "nbody", "means": {"base": 1.0}}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (rows(builds=1), "One build of each arm"),
        (rows(verdict="undecided"), "2 of 2 benchmarks are undecided"),
        (rows(verdict="equivalent"), "2 of 2 benchmarks are called equivalent: they may differ"),
        (rows(blocks=4), "fewer than 5 blocks on 2 of 2 benchmarks: nbody, richards"),
        (candidate(warnings=["same-code: identical"]), "same-code: identical"),
        (rows(warnings=["odd: all of them"]), "odd: all of them"),
        (
            candidate(missing=[{"benchmark": "go", "reason": "x"}]),
            "not measured: 1 of 3 benchmarks: go.",
        ),
        (
            candidate(
                differences=[{"fact": "CFLAGS", "base": "", "candidate": "", "asked": False}]
            ),
            "in facts that were not asked for: CFLAGS.",
        ),
        (lambda content: content["warnings"].append("busy-host: much"), "busy-host: much"),
        (control(verdict="faster"), "(A/A) came out as faster over the suite"),
        (control(), "(A/A) was called different on 2 of 2 benchmarks: nbody, richards."),
        (lambda content: content.update(placebo_band=BAND), "ratio of 0.9142 lies within"),
        (
            lambda content: content.update(placebo_band=BAND),
            "had the same effect on 1 of 2 benchmarks: nbody.",
        ),
    ],
)
def test_each_weakness_is_told(change: Change, expected: str) -> None:
    content = quiet()
    assert not any(expected in text for text in objections(content))
    change(content)
    texts = [text for text in objections(content) if expected in text]
    assert len(texts) == 1


def test_of_several_candidates_each_is_named() -> None:
    content = quiet()
    content["candidates"].append(copy.deepcopy(candidate_of(content)) | {"name": "other"})
    rows(verdict="undecided")(content)

    assert any(
        one.startswith("fast-paths: 2 of 2 benchmarks are undec") for one in objections(content)
    )


def test_nothing_is_told_twice() -> None:
    content = quiet()
    candidate(warnings=["no-gate: nobody tested"], gate=None)(content)
    content["warnings"] = ["busy", "busy"]

    # It is among the answers, which come before.
    assert [text for text in objections(content) if "gate" in text.lower()] == []
    assert objections(content).count("busy") == 1


def test_a_broken_candidate_is_not_measured_nor_objected_to() -> None:
    content = quiet()
    candidate(broken="no", build=None, gate=None, comparisons=[], suite=None)(content)

    assert objections(content) == ()


def test_what_several_arms_share_is_one_text_that_names_them() -> None:
    content = quiet()
    for name in ("second", "third"):
        content["candidates"].append(copy.deepcopy(candidate_of(content)) | {"name": name})
    for arm in content["candidates"]:
        arm["warnings"] = ["same-code: identical"]
        for row in arm["comparisons"]:
            row["verdict"] = "undecided"
    content["candidates"][2]["warnings"] = []

    texts = objections(content)
    assert "fast-paths, second: same-code: identical" in texts
    assert [text for text in texts if "undecided" in text] == [
        "fast-paths, second, third: 2 of 2 benchmarks are undecided. There may be no difference, "
        "or one as large as the interval allows."
    ]


def test_what_is_so_on_most_hosts_comes_last_on_one_line() -> None:
    content = quiet()
    content["host"] |= {"aslr": 2, "turbo": None, "smt": True, "hypervisor": "KVM"}
    content["warnings"] = ["busy-host: much"]
    rows(verdict="equivalent")(content)
    texts = objections(content)
    assert texts[0] == "busy-host: much"
    assert texts[-1].startswith("Host: virtual machine (KVM), turbo unknown, SMT on, ASLR on.")
    assert sum("SMT" in text for text in texts) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two. Three.", "One."),
        ("No end", "No end"),
        ("One sentence.", "One sentence."),
        ("busy-host: 3.5 CPUs were used by others", "busy-host: 3.5 CPUs were used by others"),
    ],
)
def test_the_first_sentence_stands_alone(text: str, expected: str) -> None:
    assert module.first_sentence(text) == expected
