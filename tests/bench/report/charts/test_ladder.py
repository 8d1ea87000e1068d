"""The picture of a ladder."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bench.report.charts import ladder
from bench.report.rungs import Group, RungCell, RungLine, RungRatio

FAST = RungRatio(ratio=0.5, low=0.48, high=0.52, verdict="faster")
BASE = RungLine(name="base", title="the base", on="", in_chain=True, count=2, is_base=True)
NEXT = RungLine(
    name="next",
    title="a step",
    on="base",
    in_chain=True,
    count=2,
    is_base=False,
    whole=FAST,
    step=FAST,
    cells={"go": RungCell(whole=replace(FAST, ratio=0.25)), "nbody": RungCell(reason="no")},
)
LOST = replace(NEXT, name="lost", title="lost", whole=None, step=None, reason="did not build")


def group(*lines: RungLine) -> Group:
    return Group(name="kernels", tasks=("go", "nbody"), lines=(BASE, *lines))


def texts(*groups: Group) -> str:
    """The texts of an SVG, which stand in comments before their outlines, or as text."""
    drawn = ladder.picture(groups, "A ladder")
    assert isinstance(drawn, str)
    assert "<svg" in drawn
    return " ".join("".join(one) for one in re.findall(r"<!-- (.*?) -->|>([^<>]+)</text>", drawn))


def test_every_rung_is_named_with_its_ratio() -> None:
    text = texts(group(NEXT, replace(NEXT, name="alone", title="alone", in_chain=False)))
    for word in ("A ladder", "the base", "a step", "alone", "2.00x faster", "to base 0.500"):
        assert word in text
    assert "2 benchmarks" in text


def test_a_rung_without_a_ratio_says_why() -> None:
    assert "missing: did not build" in texts(group(LOST))


def test_a_ratio_without_an_interval_is_drawn() -> None:
    alone = replace(NEXT, whole=replace(FAST, low=None, high=None), step=None)
    text = texts(group(alone))
    assert "2.00x faster" in text
    assert "to base" not in text


def test_each_group_has_a_panel() -> None:
    text = texts(group(NEXT), replace(group(NEXT), name="suite"))
    assert "kernels: time / time of the base" in text
    assert "suite: time / time of the base" in text


@pytest.mark.parametrize("lines", [(), (NEXT,)])
def test_a_picture_of_pixels(lines: tuple[RungLine, ...]) -> None:
    drawn = ladder.picture([group(*lines)], "A ladder", "png")
    assert isinstance(drawn, bytes)
    assert drawn.startswith(b"\x89PNG")


def test_the_same_ladder_gives_the_same_picture() -> None:
    assert ladder.picture([group(NEXT)], "x") == ladder.picture([group(NEXT)], "x")
