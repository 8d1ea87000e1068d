"""Series as short text, for the script that shows what is under the pointer.

Whole numbers with commas between them, each the difference to the one before it; nothing where
there is no value. Years of nights of four flavors take some hundred kilobytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.site.model import Floats, LineData, Track

# Ratios and the logarithms of seconds are told to this many parts of one.
FINE = 10_000


def differences(values: Floats, parts: float = 1) -> str:
    """Values in whole `parts`."""
    known = np.isfinite(values)
    whole = np.rint(values[known] * parts).astype(np.int64)
    steps = map(str, np.diff(whole, prepend=0).tolist())
    if len(whole) == len(values):
        return ",".join(steps)
    return ",".join(next(steps) if there else "" for there in known.tolist())


def packed_line(line: LineData, commits: Sequence[str]) -> dict[str, str]:
    """What a page tells its script of a line's nights, the same for all benchmarks. `commits` are
    those of the page, in order.
    """
    place = {name: at for at, name in enumerate(commits)}
    at = np.array([place.get(name, np.nan) for name in line.commits], dtype=np.float64)
    return {"minutes": differences(line.moments / 60), "commit": differences(at)}


def packed(track: Track) -> dict[str, str]:
    """What a page tells its script of a track's values."""
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(track.seconds)
    return {
        "ratio": differences(track.ratio, FINE),
        "low": differences(track.ratio - track.low, FINE),
        "high": differences(track.high - track.ratio, FINE),
        "seconds": differences(np.where(np.isfinite(logs), logs, np.nan), FINE),
        "rsd": differences(track.rsd, FINE),
    }
