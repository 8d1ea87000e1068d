"""Change points in the series of a line over nights, by `bench.stats.change_points`.

The value of a night that was compared with a release is its ratio, which comes from one session and
so does not depend on the host's drift; of any other night it is the seconds. No comparison crosses
a new epoch, a new release, or a switch from seconds to ratios. Results are cached beside the
history, so that only new nights are scored; if older nights were added (an import), everything is
scanned again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.history.columns import Columns, cache_name, write_file
from bench.stats import SETTINGS, Floats, LevelChange, scan

# Change points by benchmark; their nights are indices of `Columns.nights`.
Changes = Mapping[str, tuple[LevelChange, ...]]
# Raised when detection gives other results for the same values.
_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class _Cached:
    """The changes in the first `nights` nights; `digest` is the digest of these nights."""

    nights: int
    digest: str
    changes: Changes


def watch(columns: Columns, cache: Path | None = None) -> Changes:
    """Find all change points of a line. `cache` is the folder that `columns` was read with.

    No other process may write to the folder meanwhile. OSError if it cannot be written.
    """
    segments = spans(columns)
    file = None if cache is None else cache / f"{cache_name(columns.line)}.json"
    cached = _usable(None if file is None else _read(file), columns, segments)
    values = series(columns)
    changes = {
        name: scan(
            values[row],
            segments,
            known=cached.changes.get(name, ()),
            watched=_scanned_nights(cached, name),
        )
        for row, name in enumerate(columns.benchmarks)
    }
    if file is not None and cached.nights != len(segments):
        digest = _digest(columns, segments, len(segments))
        _write(file, _Cached(nights=len(segments), digest=digest, changes=changes))
    return changes


def spans(columns: Columns) -> npt.NDArray[np.int64]:
    """The segment of each night, from 0; a new one begins when the epoch or release changes."""
    keys = [_key(entry) for entry in columns.measured]
    new = [index > 0 and keys[index - 1] != key for index, key in enumerate(keys)]
    return np.cumsum(np.array(new, dtype=np.int64))


def _key(entry: Any) -> tuple[int, str]:
    release = entry.night.release
    return entry.epoch, release.key if release else ""


def series(columns: Columns) -> Floats:
    """The values to scan: a row for each benchmark, a column for each night, NaN if missing."""
    has_release = np.array(
        [entry.night.release is not None for entry in columns.measured], dtype=bool
    )
    values = np.where(has_release, columns.field("release_ratio"), columns.field("mean"))
    return np.asarray(values, dtype=np.float64)


def _scanned_nights(cached: _Cached, name: str) -> int:
    """The number of nights in which a benchmark was scanned before; 0 for a new one."""
    return cached.nights if name in cached.changes else 0


def _usable(cached: _Cached | None, columns: Columns, segments: npt.NDArray[np.int64]) -> _Cached:
    if (
        cached
        and cached.nights <= len(segments)
        and cached.digest == _digest(columns, segments, cached.nights)
    ):
        return cached
    return _Cached(nights=0, digest="", changes={})


def _digest(columns: Columns, segments: npt.NDArray[np.int64], nights: int) -> str:
    """The digest of all that the changes in the first `nights` nights depend on, except the values,
    which never change.
    """
    identities = [entry.night.identity for entry in columns.measured[:nights]]
    text = json.dumps([_VERSION, asdict(SETTINGS), identities, segments[:nights].tolist()])
    return hashlib.sha256(text.encode()).hexdigest()


def _read(file: Path) -> _Cached | None:
    """The content of a cache file; None if it is missing or damaged."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        changes = {
            str(name): tuple(LevelChange(**change) for change in entries)
            for name, entries in document["changes"].items()
        }
        return _Cached(
            nights=int(document["nights"]), digest=str(document["digest"]), changes=changes
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _write(file: Path, cached: _Cached) -> None:
    write_file(file, json.dumps(asdict(cached)).encode())
