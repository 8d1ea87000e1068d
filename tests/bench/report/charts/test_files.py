from __future__ import annotations

import warnings
from xml.etree import ElementTree

import pytest

from bench.report.charts import files as charts_files
from tests.bench.report.big import big
from tests.bench.report.hostile import hostile
from tests.bench.results.given import given
from tests.golden.specimen import specimen

render = given(charts_files.render)

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str | bytes) -> list[str]:
    return ["".join(one.itertext()) for one in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_a_candidate_that_was_measured_has_two_charts_and_the_session_one() -> None:
    files = render(specimen(), "svg")
    assert sorted(files) == [
        "charts/blocks-1-fast-add.svg",
        "charts/ratios-1-fast-add.svg",
        "charts/session.svg",
    ]
    told = texts(files["charts/ratios-1-fast-add.svg"])
    for text in ("geometric mean", "nbody", "0.8000  1.25x faster", "+ faster", "? undecided"):
        assert text in told
    assert any("is 1.05x faster over the suite" in text for text in told)
    assert any("margin of 1%" in text for text in told)


def test_one_result_gives_one_file() -> None:
    assert render(specimen(), "svg") == render(specimen(), "svg")


def test_png_is_png_and_holds_the_dots() -> None:
    files = render(big(benchmarks=2, blocks=5, arms=1), "png")
    assert all(data[:4] == b"\x89PNG" for data in files.values() if isinstance(data, bytes))
    # A dot of no length is not painted; these are then white where there is ink now.
    content = big(benchmarks=2, blocks=5, arms=1)
    content["blocks"] = content["blocks"][:2]
    fewer = render(content, "png")["charts/blocks-1-candidate-0.png"]
    assert len(fewer) < len(files["charts/blocks-1-candidate-0.png"])


@pytest.mark.parametrize("name", ["$x_1$", r"\frac{", "<b>&amp;", "日本語", "a/../../b", "x" * 300])
def test_names_stay_text(name: str) -> None:
    content = specimen()
    content["candidates"][0]["name"] = name
    content["blocks"] = []
    content["candidates"][0]["comparisons"][1]["benchmark"] = name
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files = render(content, "svg")
    (path,) = files
    assert path.count("/") == 1
    assert len(path) < 100
    shown = texts(files[path])
    assert any(text.startswith(name[:20]) for text in shown)


def test_hostile_text_is_no_markup() -> None:
    for svg in render(hostile(), "svg").values():
        tags = {one.tag.removeprefix(SVG) for one in ElementTree.fromstring(svg).iter()}
        assert not {"script", "a", "image", "foreignObject"} & tags
