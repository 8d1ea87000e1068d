"""The rungs of a ladder, read from a result: groups, ratios, and why a ratio is missing."""

from __future__ import annotations

from typing import Any

import pytest

from bench.report import rungs
from tests.bench.results.given import given
from tests.golden import specimen as specimens

groups = given(rungs.groups)


def ratio(value: float) -> dict[str, Any]:
    """A ratio of a rung, with an interval of one percent to either side."""
    low, high = value * 0.99, value * 1.01
    return {
        "ratio": value,
        **{"low": low, "high": high, "low95": low, "high95": high},
        **{"verdict": "faster", "blocks": 5, "builds": 1},
    }


def rung(name: str, arm: str, value: float | None, **more: Any) -> dict[str, Any]:
    """A rung of two kernels, of which one was measured where there is a value at all."""
    content: dict[str, Any] = {
        **{"group": "kernels", "name": name, "title": f"step {name} <b>", "arm": arm},
        **{"on": "switch", "in_chain": True, "tasks": ["nbody", "richards"]},
    }
    if value is not None:
        cells = {"nbody": {**ratio(value), "step": ratio(value / 2)}}
        content |= {**ratio(value), "step": ratio(value / 2), "cells": cells}
    return content | more


def ladder() -> dict[str, Any]:
    """A specimen with a base, a rung, one that nothing was measured of, and one off the chain.

    Of its candidates the first was measured, the second fails its gate, the third did not build.
    """
    content = specimens.specimen()
    measured, failing, _unbuilt = (arm["name"] for arm in content["candidates"])
    content["candidates"][0]["missing"] = [{"benchmark": "richards", "reason": "it has | no types"}]
    content["ladder"] = [
        rung("switch", "base", None, on=""),
        rung("gotos", measured, 0.8),
        rung("typed", failing, None, tasks=[]),
        rung("gotos-alone", measured, 0.8, in_chain=False),
    ]
    return content


def test_the_rungs_are_read_with_what_is_missing() -> None:
    (group,) = groups(ladder())
    base, gotos, typed, alone = group.lines

    assert (group.name, group.tasks) == ("kernels", ("nbody", "richards"))
    assert (base.is_base, base.whole, base.step, base.count) == (True, None, None, 2)
    assert gotos.whole == rungs.RungRatio(
        ratio=0.8, low=0.8 * 0.99, high=0.8 * 1.01, verdict="faster"
    )
    assert (gotos.step, gotos.reason, gotos.on) == (gotos.cells["nbody"].step, "", "switch")
    assert gotos.step is not None
    assert gotos.step.ratio == 0.4
    assert gotos.cells["nbody"].whole == gotos.whole
    assert gotos.cells["richards"] == rungs.RungCell(reason="it has | no types")
    assert (typed.whole, typed.count, typed.is_base) == (None, 0, False)
    assert (gotos.in_chain, alone.in_chain) == (True, False)


def test_what_ran_is_the_arms_title() -> None:
    content = ladder()
    (group,) = groups(content)
    titles = [content["base"]["title"], *(arm["title"] for arm in content["candidates"])]
    assert [line.arm for line in group.lines] == [titles[0], titles[1], titles[2], titles[1]]


def test_each_group_has_its_own_tasks_and_lines() -> None:
    content = ladder()
    content["ladder"] += [
        rung("switch", "base", None, on="", group="quick", tasks=["go"]),
        rung("old", "base", None, group="", tasks=None),
    ]
    kernels, quick = groups(content)
    assert (quick.name, quick.tasks) == ("quick", ("go",))
    assert [line.name for line in quick.lines] == ["switch"]
    assert len(kernels.lines) == 4


def test_a_ladder_of_other_runtimes_alone_has_no_groups() -> None:
    content = ladder()
    content["ladder"] = [{"name": "pypy", "ratio": 0.5, "low": 0.4, "high": 0.6}]
    assert groups(content) == ()
    del content["ladder"]
    assert groups(content) == ()


@pytest.mark.parametrize(
    ("number", "reason"),
    [(1, "fails tests that its base passes"), (2, "make of 3.13.5 lto exited")],
)
def test_a_broken_arm_is_why_all_its_ratios_are_missing(number: int, reason: str) -> None:
    content = ladder()
    arm = content["candidates"][number]
    assert arm["verdict"] == "broken"
    content["ladder"] = [rung("x", arm["name"], None), rung("y", arm["name"], None, tasks=[])]
    ((measured, empty),) = (group.lines for group in groups(content))
    for text in (measured.cells["nbody"].reason, measured.cells["richards"].reason, empty.reason):
        assert text.startswith(arm["name"])
        assert reason in text
        assert "\n" not in text
    assert measured.reason == ""


def test_what_nobody_knows_a_reason_of_was_not_measured() -> None:
    content = ladder()
    content["candidates"][0]["missing"] = []
    (group,) = groups(content)
    assert group.lines[1].cells["richards"].reason == "not measured"


def test_a_reason_of_a_script_is_that_of_its_benchmarks() -> None:
    content = ladder()
    content["candidates"][0]["missing"] = [{"benchmark": "bm_rich", "reason": "no such script"}]
    content["blocks"][0] |= {"benchmark": "richards", "script": "bm_rich"}
    (group,) = groups(content)
    assert group.lines[1].cells["richards"].reason == "no such script"


def test_text_comes_out_without_control_characters() -> None:
    content = ladder()
    evil = "a\x1b[2Jb\u202ec"
    content["candidates"][0]["title"] = evil
    content["candidates"][0]["missing"][0]["reason"] = evil
    for line in content["ladder"]:
        line["group"] = evil
    (group,) = groups(content)
    line = group.lines[1]
    for text in (group.name, line.arm, line.cells["richards"].reason):
        assert text.isprintable()
        assert (text[0], text[-1]) == ("a", "c")


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 benchmarks"), (1, "1 benchmark"), (2, "2 benchmarks")]
)
def test_benchmarks_are_counted_in_words(count: int, text: str) -> None:
    assert rungs.counted(count) == text
