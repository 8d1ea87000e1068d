"""What a change between two levels is; `bench.stats.change_points` finds them.

Apart from the method, which needs NumPy, so that importing the room takes no time.
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
    """What an alarm takes. Lengths are nights; the others are shares of the reference's scale.

    `windows`: lengths of the recent window. `reference`, `least_reference`: most and fewest nights
    that it is held against; `stride`: the reference moves on by so many at a time, which costs
    nothing and saves most of the work. `clip`: one night counts for no more. `threshold`: the score
    above which there is an alarm, for a long reference. `least`: a change of the log is no news
    below this, `floor`: and noise is never taken as smaller than this (log units).
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

    `ratio` is new / old; `low`, `high` its plain 95% interval, which knows nothing of having been
    picked for its size: measure again before you quote it. `score` is that of the alarm, in units
    of its own threshold: above 1.
    """

    start: int
    found: int
    ratio: float
    low: float
    high: float
    score: float
