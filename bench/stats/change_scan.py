"""Scan a series for changes of its level; the method is imported when it is used.

NumPy takes longer to import than most commands run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.stats.level_change import SETTINGS, Floats, LevelChange, Settings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def scan(
    values: Sequence[float] | Floats,
    epochs: Sequence[int] | npt.NDArray[np.int64] | None = None,
    settings: Settings = SETTINGS,
    *,
    known: Sequence[LevelChange] = (),
    watched: int = 0,
) -> tuple[LevelChange, ...]:
    """All changes of one series: see `change_points.scan`."""
    from bench.stats import change_points

    return change_points.scan(values, epochs, settings, known=known, watched=watched)
