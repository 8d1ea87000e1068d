from __future__ import annotations

import re
from typing import Any

import pytest

from bench.report import rungs
from bench.report.formats import catalogue, ladder
from tests.bench.results.given import given
from tests.golden import specimen as specimens

render = given(ladder.render)
render_all = given(catalogue.render_all)
groups = given(rungs.groups)


def ratio(value: float) -> dict[str, Any]:
    return {
        "ratio": value,
        "low": value * 0.99,
        "high": value * 1.01,
        "low95": value * 0.99,
        "high95": value * 1.01,
        "verdict": "faster",
        "blocks": 5,
        "builds": 1,
    }


def rung(name: str, arm: str, value: float | None, **more: Any) -> dict[str, Any]:
    rung: dict[str, Any] = {
        "group": "kernels",
        "name": name,
        "title": f"step {name} <b>",
        "arm": arm,
        "on": "switch",
        "in_chain": True,
        "tasks": ["nbody", "richards"],
    }
    if value is not None:
        cells = {"nbody": {**ratio(value), "step": ratio(value)}}
        rung |= {**ratio(value), "step": ratio(value), "cells": cells}
    return rung | more


@pytest.fixture
def result() -> dict[str, Any]:
    content: dict[str, Any] = specimens.specimen()
    names = [one["name"] for one in content["candidates"]]
    first = content["candidates"][0]
    first["missing"] = [{"benchmark": "richards", "reason": "it has | no types"}]
    content["ladder"] = [
        rung("switch", "base", None, on=""),
        rung("gotos", names[0], 0.8),
        rung("typed", names[1], None, tasks=[]),
        rung("gotos-alone", names[0], 0.8, in_chain=False),
    ]
    return content


def test_the_rungs_are_read_with_what_is_missing(result: dict[str, Any]) -> None:
    (group,) = groups(result)
    base, gotos, typed, alone = group.lines

    assert group.tasks == ("nbody", "richards")
    assert (base.is_base, base.whole) == (True, None)
    assert gotos.whole is not None
    assert gotos.whole.ratio == 0.8
    assert gotos.cells["richards"].reason == "it has | no types"
    assert typed.whole is None
    assert typed.reason
    assert not alone.in_chain


def test_one_table_and_one_picture_are_made(result: dict[str, Any]) -> None:
    files = render(result)

    assert set(files) == {"ladder.svg", "ladder.md", "ladder.html"}
    assert files["ladder.svg"].startswith("<?xml")
    assert "missing: " in files["ladder.svg"]
    text = files["ladder.md"]
    assert "| nbody | 0.800 + | missing (" in text
    assert re.search(r"missing \(\d\): it has \\\| no types", text)
    assert "\n\n\n" not in text
    page = files["ladder.html"]
    assert "step gotos &lt;b&gt;" in page
    assert "<b>" not in page
    assert 'src="data:image/svg+xml;base64,' in page


def test_a_run_with_a_ladder_leaves_its_files(result: dict[str, Any]) -> None:
    assert {"ladder.md", "report.md"} <= set(render_all(result))
    del result["ladder"]
    assert "ladder.md" not in render_all(result)
    assert render(result) == {}
