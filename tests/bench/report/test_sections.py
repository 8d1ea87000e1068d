"""The sections of a submission: which there are, and the facts that each takes from a result."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bench.report import sections as module
from bench.report.sections import Fact
from tests.bench.report import example
from tests.bench.results.given import given
from tests.golden.specimen import specimen

sections = given(module.sections)

WHY, NOISE, CORRECTNESS, BUILDS = "Why", "Noise", "Correctness", "Compiler and flags"
MACHINE, REVISIONS, MEASUREMENT = "Machine", "Revisions", "Measurement"


def facts(content: dict[str, Any], title: str) -> dict[str, Fact]:
    """The facts of a section by their labels; none where there is no such section."""
    found = {section.title: section for section in sections(content)}
    if title not in found:
        return {}
    of_section = {fact.label: fact for fact in found[title].facts}
    assert len(of_section) == len(found[title].facts)
    return of_section


def texts(content: dict[str, Any], title: str) -> dict[str, str]:
    return {label: fact.text for label, fact in facts(content, title).items()}


def small(**candidate: Any) -> dict[str, Any]:
    """The small result, with changes to its only candidate."""
    content = example.result()
    content["candidates"][0] |= candidate
    return content


def with_control(kind: str, **more: Any) -> dict[str, Any]:
    """The small result with an arm for control, which is its candidate once more."""
    content = small()
    content["candidates"].append(
        copy.deepcopy(content["candidates"][0]) | {"name": kind, "kind": kind} | more
    )
    return content


def test_sections_come_in_the_order_of_the_questions() -> None:
    titles = [section.title for section in sections(specimen())]
    assert titles == [WHY, NOISE, CORRECTNESS, BUILDS, MACHINE, REVISIONS, MEASUREMENT]


def test_a_section_without_facts_is_left_out() -> None:
    content = small(gate=None, comparisons=[], suite=None, build=None)
    titles = [section.title for section in sections(content)]
    assert not {WHY, NOISE, CORRECTNESS} & set(titles)
    assert all(section.facts for section in sections(content))


def test_every_fact_has_a_label_and_a_text() -> None:
    for section in sections(small()):
        assert all(fact.label and fact.text for fact in section.facts), section.title


# -- why -----------------------------------------------------------------------------------------


def test_differences_of_builds_are_why() -> None:
    assert texts(small(), WHY) == {"indirect jumps": "93 -> 203"}


def test_of_several_candidates_each_difference_has_its_name() -> None:
    content = with_control("candidate")
    content["candidates"][1]["name"] = "other"
    assert set(texts(content, WHY)) == {"fast-paths, indirect jumps", "other, indirect jumps"}


def test_controls_are_no_reason() -> None:
    assert set(texts(with_control("placebo"), WHY)) == {"indirect jumps"}


def test_where_builds_do_not_differ_compiled_code_is_why() -> None:
    text = texts(small(differences=[], variant="cython"), WHY)["fast-paths"]
    assert "cython" in text
    assert "compiled" not in texts(small(differences=[]), WHY)["fast-paths"]


def test_no_cause_is_claimed_for_a_change_outside_the_loop() -> None:
    content = small(differences=[], change={"subject": "x", "kinds": {"objects": {"files": 1}}})
    assert texts(content, WHY)["fast-paths"] == (
        "no cause found: the change is outside the evaluation loop (objects)"
    )
    content = small(differences=[], change={"subject": "x", "kinds": {"loop": {"files": 1}}})
    assert texts(content, WHY)["fast-paths"].startswith(
        "the same flags, and an evaluation function"
    )


# -- noise ---------------------------------------------------------------------------------------


def test_half_widths_are_percentages_of_the_ratio() -> None:
    rows = example.result()["candidates"][0]["comparisons"]
    wide = rows[0] | {"benchmark": "wide", "ratio": 1.0, "low": 0.95, "high": 1.05}
    middle = rows[0] | {"benchmark": "middle", "ratio": 2.0, "low": 1.94, "high": 2.06}
    (text,) = texts(small(comparisons=[*rows, wide, middle]), NOISE).values()
    # nbody's interval is one percent to either side; richards has none.
    assert text.replace("+-", "").split()[:3:2] == ["1%", "5%"]
    assert text.endswith("3%")


def test_no_interval_is_no_noise() -> None:
    rows = [example.result()["candidates"][0]["comparisons"][1]]
    assert facts(small(comparisons=rows), NOISE) == {}


def test_the_base_against_itself_is_noise() -> None:
    (label, text), *_ = (
        (label, text)
        for label, text in texts(with_control("aa"), NOISE).items()
        if label.startswith("A/A")
    )
    assert label
    assert "0.9142" in text
    assert "2 of 2" in text  # one is faster, one slower


def test_false_calls_and_placebos_are_noise() -> None:
    content = small()
    content["session"]["false_calls"] = {"called": 3, "of": 200, "upper": 0.043, "origin": "here"}
    content["placebo_band"] = {"suite": [0.99, 1.02], "benchmarks": {}}
    found = texts(content, NOISE)
    assert "3 of 200" in found["base against base"]
    assert "4.3%" in found["base against base"]
    assert found["base against base"].endswith("here")
    (placebos,) = (text for label, text in found.items() if label.startswith("placebo"))
    assert "0.99" in placebos
    assert "1.02" in placebos


# -- correctness ---------------------------------------------------------------------------------


def test_a_gate_that_passes() -> None:
    gate = {"selection": "core", "tests": 62, "broken": [], "flaky": [], "base_failed": []}
    text = texts(small(gate=gate), CORRECTNESS)["fast-paths"]
    assert text.startswith("62 ")
    assert "core" in text
    assert "fail" not in text


def test_a_gate_names_each_test_that_fails_and_how() -> None:
    gate = {
        **{"selection": "core", "tests": 62, "broken": ["test_int"]},
        **{"flaky": ["test_signal"], "base_failed": ["test_gdb"]},
    }
    text = texts(small(gate=gate), CORRECTNESS)["fast-paths"]
    first, second, third = (text.index(name) for name in ("test_int", "test_signal", "test_gdb"))
    assert first < second < third
    assert "passes them all" not in text


# -- builds --------------------------------------------------------------------------------------


def test_of_a_candidates_build_only_what_differs_is_there() -> None:
    found = facts(small(), BUILDS)
    others = [label for label in found if label.startswith("fast-paths")]
    assert others == ["fast-paths, computed gotos"]
    assert "203 indirect jumps" in found[others[0]].text
    assert "93 indirect jumps" in found["base, computed gotos"].text
    assert found["base, configure"] == Fact(
        label="base, configure", text="--prefix=PREFIX", exact=True
    )
    assert not found["base, compiler"].exact


def test_a_build_like_the_base_is_one_fact() -> None:
    content = small()
    content["candidates"][0]["build"] = content["base"]["build"]
    labels = [label for label in facts(content, BUILDS) if label.startswith("fast-paths")]
    assert labels == ["fast-paths"]


def test_a_flag_that_a_candidate_lacks_is_shown_as_none() -> None:
    content = small()
    facts_of = [arm["build"]["facts"] for arm in (content["base"], *content["candidates"])]
    facts_of[0]["options"], facts_of[1]["options"] = "-O2", ""
    found = facts(content, BUILDS)
    assert found["base, options of the evaluation function"].text == "-O2"
    assert found["fast-paths, options of the evaluation function"].text == "(none)"


def test_what_did_not_build_and_what_is_not_built_here() -> None:
    assert set(texts(small(build=None), BUILDS)) >= {"fast-paths"}
    runtime = {"implementation": "pypy", "release": "7.3", "version": "2.7.18"}
    content = small(build=None, runtime=runtime)
    text = texts(content, BUILDS)["fast-paths"]
    assert content["candidates"][0]["title"] in text
    assert "CPython, fast-paths" not in facts(content, REVISIONS)
    assert "CPython, base" in facts(content, REVISIONS)


# -- machine, revisions, measurement -------------------------------------------------------------


@pytest.mark.parametrize(("mode", "text"), [(0, "off"), (2, "on"), (None, "unknown"), (7, "7")])
def test_aslr(mode: int | None, text: str) -> None:
    content = small()
    content["host"]["aslr"] = mode
    assert texts(content, MACHINE)["ASLR"] == text


def test_memory_is_in_gibibytes() -> None:
    content = small()
    content["host"]["memory"] = 16 * 2**30
    assert "16 GiB" in texts(content, MACHINE)["hardware"]


def test_revisions_have_commit_source_and_series() -> None:
    content = small(series=["2.7/a", "2.7/b"])
    content["base"]["revision"]["source"] = "debian"
    found = texts(content, REVISIONS)
    assert "d" * 40 in found["CPython, base"]
    assert found["CPython, base"].endswith("debian")
    assert found["CPython, fast-paths"].endswith("2.7/a, 2.7/b")
    assert found["suite"] == "pyperformance 0.9.1"
    content["experiment"]["benchmarks"] = ["nbody", "go"]
    assert texts(content, REVISIONS)["suite"].endswith(": nbody, go")


@pytest.mark.parametrize(
    ("session", "words"),
    [
        ({}, ["1 build of"]),
        ({"replicas": 3}, ["3 builds of"]),
        ({"blocks": 40, "budget": 600.0}, ["40 blocks", "600 s"]),
        ({"until": "decided"}, ["decided"]),
        ({"until": "blocks"}, ["after its blocks"]),
    ],
)
def test_the_effort_is_what_limits_the_session(session: dict[str, Any], words: list[str]) -> None:
    content = small()
    content["session"] |= session
    text = texts(content, MEASUREMENT)["effort"]
    assert all(word in text for word in words)
    assert text.count(";") == len(session) - ("replicas" in session)


def test_the_time_and_the_seed_of_the_session() -> None:
    content = small()
    found = texts(content, MEASUREMENT)
    assert (found["seed"], found["method"]) == ("7", "Student's t")
    assert found["time"].index("240 s") < found["time"].index("235 s")
    del content["session"]["busy_seconds"]
    assert "time" not in facts(content, MEASUREMENT)


def test_protocols_that_differ_by_benchmark_are_all_there() -> None:
    content = small()
    content["session"]["protocols"] = {"nbody": "lockstep", "go": "corun"}
    text = texts(content, MEASUREMENT)["protocol"]
    assert "lockstep" in text
    assert "corun" in text


@pytest.mark.parametrize(
    ("of_facts", "gotos", "effects"),
    [
        (
            {},
            "in effect, 203 indirect jumps and 31533 bytes in PyEval_EvalFrameEx",
            "PGO off, LTO off",
        ),
        (
            {"dispatch": "merged gotos", "handlers": 119},
            "in effect, but merged for 119 handlers, 203 indirect jumps and",
            "PGO off, LTO off",
        ),
        (
            {"dispatch": "tail calls", "computed_gotos": False, "handlers": 229, "pgo": None}
            | {"lto": None, "reasons": {"pgo": "no options", "lto": "no sign"}},
            "off (tail calls), 203 indirect jumps and 31533 bytes in PyEval_EvalFrameEx and 229 "
            "functions of instructions",
            "PGO unknown (no options), LTO unknown (no sign)",
        ),
        (
            {"dispatch": "unknown", "computed_gotos": None, "reasons": {"dispatch": "stripped"}},
            "unknown (stripped), 203",
            "PGO off, LTO off",
        ),
        # A build by clang, as older versions read it.
        (
            {"compiler": "clang version 19.1.7", "computed_gotos": False},
            "unknown (read by an older version, which did not know clang's builds), 203",
            "PGO unknown (read by an older version",
        ),
    ],
)
def test_kinds_of_dispatch_and_what_is_unknown(
    of_facts: dict[str, Any], gotos: str, effects: str
) -> None:
    content = small()
    for arm in (content["base"], *content["candidates"]):
        arm["build"]["facts"] |= of_facts | {"indirect_jumps": 203}
    found = texts(content, BUILDS)
    assert found["base, computed gotos"].startswith(gotos)
    assert found["base, PGO, LTO"].startswith(effects)
