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
DISTURBED = {"disturbed": 9, "measured_again": 7, "kept": 2}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (rows(builds=1), "One build of each arm"),
        (rows(verdict="undecided"), "2 of 2 benchmarks are undecided"),
        (rows(verdict="equivalent"), "2 of 2 benchmarks are called equivalent, but may still"),
        (rows(blocks=4), "fewer than 5 blocks on nbody, richards"),
        (candidate(gate=None), "No gate: CPython's own tests were not run with fast-paths"),
        (candidate(warnings=["same-code: identical"]), "same-code: identical"),
        (rows(warnings=["odd: all of them"]), "odd: all of them"),
        (candidate(missing=[{"benchmark": "go", "reason": "x"}]), "not measured: go."),
        (
            candidate(
                differences=[{"fact": "CFLAGS", "base": "", "candidate": "", "asked": False}]
            ),
            "in facts that were not asked for: CFLAGS.",
        ),
        (session(disturbance=DISTURBED), "during 9 blocks; 7 were measured again, 2 count"),
        (
            lambda content: content.update(
                blocks=[BLOCK | {"state": {"steal": 0.1}}, BLOCK | {"state": {}}]
            ),
            "took 10% of the CPU time away",
        ),
        (session(false_calls=None), "the host was not calibrated"),
        (
            session(false_calls={"called": 0, "of": 2, "upper": 0.842, "origin": "x"}),
            "is known only roughly: 0 of 2 times, so the rate may be up to 84%.",
        ),
        (facts(pgo=False), "Built without PGO: fast-paths."),
        (facts(indirect_jumps=3), "in the evaluation function: fast-paths (3)."),
        (facts(compiler="clang"), "Not all arms were built by the same compiler."),
        (host(hypervisor="KVM"), "A virtual machine (KVM)"),
        (host(quota=1.5), "The control group grants 1.5 CPUs"),
        (host(turbo=True), "Turbo is on"),
        (host(turbo=None), "Turbo: the host does not report"),
        (host(governor="powersave"), "The frequency governor is powersave"),
        (host(smt=True), "SMT is on"),
        (host(aslr=2), "ASLR is on"),
        (lambda content: content["warnings"].append("busy-host: much"), "busy-host: much"),
        (control(verdict="faster"), "(A/A) came out as faster over the suite"),
        (control(), "(A/A) was called different on nbody, richards."),
        (lambda content: content.update(placebo_band=BAND), "ratio of 0.9142 lies within"),
        (lambda content: content.update(placebo_band=BAND), "had the same effect on: nbody."),
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

    assert [text for text in objections(content) if "gate" in text.lower()] == [
        "No gate: CPython's own tests were not run with fast-paths, so it may be incorrect. A "
        "patch that leaves out necessary work is fast too."
    ]
    assert objections(content).count("busy") == 1


def test_a_broken_candidate_is_not_measured_nor_objected_to() -> None:
    content = quiet()
    candidate(broken="no", build=None, gate=None, comparisons=[], suite=None)(content)

    assert objections(content) == ()
