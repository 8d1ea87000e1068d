from __future__ import annotations

import re
from typing import Any

import pytest

from bench.report.formats import catalogue, ladder
from tests.bench.report.test_rungs import ladder as ladder_result
from tests.bench.results.given import given

render = given(ladder.render)
render_all = given(catalogue.render_all)


@pytest.fixture
def result() -> dict[str, Any]:
    return ladder_result()


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
