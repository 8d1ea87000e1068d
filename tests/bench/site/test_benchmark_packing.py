"""Series as text: unpacking gives the series again, to the last packed digit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.site.benchmark import FINE, differences


def unpacked(text: str) -> list[float]:
    """As bench/site/templates/site.js does it."""
    last, values = 0, []
    for word in text.split(","):
        last += int(word or 0)
        values.append(last if word else math.nan)
    return values


@pytest.mark.parametrize(
    "values",
    [[1.0, 1.01, 0.99], [np.nan, 1.0, np.nan, np.nan, 0.5], [np.nan], [-3.25, 3.25], [1e-9]],
)
def test_unpacking_gives_the_packed_values(values: list[float]) -> None:
    result = unpacked(differences(np.array(values), FINE))
    assert np.array(result) / FINE == pytest.approx(np.array(values), abs=0.5 / FINE, nan_ok=True)


def test_rounding_does_not_add_up() -> None:
    values = np.cumsum(np.full(10_000, 0.4 / FINE))
    assert unpacked(differences(values, FINE))[-1] / FINE == pytest.approx(values[-1], abs=1 / FINE)
