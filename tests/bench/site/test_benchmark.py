"""The page of a benchmark: its charts, and its series as the text that the script unpacks."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.site.benchmark import FINE, differences
from tests.bench.site.made_up import nights, site_of, text_of


def unpacked(text: str) -> list[float]:
    """As bench/site/templates/site.js does it."""
    last, found = 0, []
    for word in text.split(","):
        last += int(word or 0)
        found.append(last if word else math.nan)
    return found


@pytest.mark.parametrize(
    "values",
    [[1.0, 1.01, 0.99], [np.nan, 1.0, np.nan, np.nan, 0.5], [np.nan], [-3.25, 3.25], [1e-9]],
)
def test_there_and_back(values: list[float]) -> None:
    found = unpacked(differences(np.array(values), FINE))
    assert np.array(found) / FINE == pytest.approx(np.array(values), abs=0.5 / FINE, nan_ok=True)


def test_rounding_does_not_add_up() -> None:
    values = np.cumsum(np.full(10_000, 0.4 / FINE))
    assert unpacked(differences(values, FINE))[-1] / FINE == pytest.approx(values[-1], abs=1 / FINE)


def test_a_benchmark_without_ratios_shows_its_times(tmp_path: Path) -> None:
    bare = [
        replace(
            night,
            release=None,
            last=None,
            rows=tuple(replace(row, last=None, release=None) for row in night.rows),
        )
        for night in nights(20)
    ]
    site_of(tmp_path, bare)
    page = tmp_path / "site" / "benchmark" / "c0ffee" / "main" / "bm_000.html"
    assert "ratio against" not in text_of(page)
    assert page.read_text("utf-8").count('data-kind="seconds"') == 2
    suite = page.with_name("_suite.html")
    assert 'class="plot"' not in suite.read_text("utf-8")
