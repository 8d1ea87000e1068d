"""Values of the change point detection.

They are separate from `bench.stats.change_points`, so that importing this room does not import
NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Floats: TypeAlias = "npt.NDArray[np.float64]"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Parameters of the detection. Lengths are nights, `clip` is in units of the reference's scale.

    `windows`: lengths of the recent window. `reference`, `least_reference`: most and fewest nights
    that it is compared with; `stride`: the step by which the reference moves, which costs no
    accuracy and saves most of the work. `clip`: the limit of one night's deviation. `threshold`:
    the score above which there is an alarm, for a long reference. `least`: smaller changes are not
    reported; `floor`: the smallest scale that is assumed (both in log units).
    """

    windows: tuple[int, ...] = (5, 7, 14)
    reference: int = 250
    least_reference: int = 20
    stride: int = 5
    clip: float = 2.5
    threshold: float = 3.6
    least: float = 0.003
    floor: float = 0.0005


SETTINGS = Settings()


@dataclass(frozen=True, kw_only=True)
class LevelChange:
    """A change between two levels. `start`: index of the first night of the new level, `found`: of
    the night that raised the alarm.

    `ratio` is new / old; `low`, `high` its plain 95% interval, which is not corrected for the
    selection of large changes: measure again before you quote it. `score` is that of the alarm, in
    units of its threshold, so above 1.
    """

    start: int
    found: int
    ratio: float
    low: float
    high: float
    score: float
