"""The changes in the series of a line over nights: what `bench.stats.change_points` is given.

A night that was held against a release counts with its ratio, of one session and so free of the
host's wander; one that was not, with its seconds. Nothing reaches over a new epoch, a new release,
or from seconds to ratios. What was found is kept beside the history, so that a new night is scored
alone; where nights came in between (an import), all is scanned again.
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

from bench.history.columns import Columns, keep, name_of
from bench.stats import SETTINGS, Floats, LevelChange, scan

# Changes by benchmark; their nights are indices of `Columns.nights`.
Changes = Mapping[str, tuple[LevelChange, ...]]
# Raised when detection gives other answers than before.
_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """What was found in the nights of which `digest` is the digest; `nights` is their number."""

    nights: int
    digest: str
    changes: Changes


def watch(columns: Columns, cache: Path | None = None) -> Changes:
    """All changes of a line. `cache` is the folder that `columns` was given.

    Nobody else may write to the folder meanwhile. OSError where it cannot be written.
    """
    runs = spans(columns)
    file = None if cache is None else cache / f"{name_of(columns.line)}.json"
    kept = _usable(None if file is None else _read(file), columns, runs)
    values = series(columns)
    found = {
        name: scan(
            values[row], runs, known=kept.changes.get(name, ()), watched=_watched(kept, name)
        )
        for row, name in enumerate(columns.benchmarks)
    }
    if file is not None and kept.nights != len(runs):
        digest = _digest(columns, runs, len(runs))
        _write(file, _Kept(nights=len(runs), digest=digest, changes=found))
    return found


def spans(columns: Columns) -> npt.NDArray[np.int64]:
    """The run of each night: a new number where the epoch or the release is another one."""
    keys = [_key(entry) for entry in columns.measured]
    new = [at > 0 and keys[at - 1] != key for at, key in enumerate(keys)]
    return np.cumsum(np.array(new, dtype=np.int64))


def _key(entry: Any) -> tuple[int, str]:
    release = entry.night.release
    return entry.epoch, release.key if release else ""


def series(columns: Columns) -> Floats:
    """What is scanned: a row for each benchmark, a column for each night, NaN for none."""
    against = np.array([entry.night.release is not None for entry in columns.measured], dtype=bool)
    chosen = np.where(against, columns.field("release_ratio"), columns.field("mean"))
    return np.asarray(chosen, dtype=np.float64)


def _watched(kept: _Kept, name: str) -> int:
    """A benchmark that is new has not been watched at all."""
    return kept.nights if name in kept.changes else 0


def _usable(kept: _Kept | None, columns: Columns, runs: npt.NDArray[np.int64]) -> _Kept:
    if kept and kept.nights <= len(runs) and kept.digest == _digest(columns, runs, kept.nights):
        return kept
    return _Kept(nights=0, digest="", changes={})


def _digest(columns: Columns, runs: npt.NDArray[np.int64], nights: int) -> str:
    """Of everything that the answers for the first `nights` nights depend on, but the values: those
    of a night never change.
    """
    own = [entry.night.identity for entry in columns.measured[:nights]]
    text = json.dumps([_VERSION, asdict(SETTINGS), own, runs[:nights].tolist()])
    return hashlib.sha256(text.encode()).hexdigest()


def _read(file: Path) -> _Kept | None:
    """What was kept; None where there is none that can be used."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        changes = {
            str(name): tuple(LevelChange(**one) for one in found)
            for name, found in document["changes"].items()
        }
        return _Kept(
            nights=int(document["nights"]), digest=str(document["digest"]), changes=changes
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _write(file: Path, kept: _Kept) -> None:
    keep(file, json.dumps(asdict(kept)).encode())
