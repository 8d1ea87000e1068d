"""All rows of a line as arrays, which is how years of nights are read in a second.

Rows never change once they are written, so that what was read may be kept beside the history: the
next time only the nights that are not there yet are asked for. What is kept is checked against the
history night by night, and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Select, select

from bench.history import reading
from bench.history.models import NightEntry
from bench.history.reading import LineKey
from bench.history.tables import ROWS, TRACKS

Values = npt.NDArray[np.float32]

# What is read of a row, by the columns of the table; verdicts as indices of `models.VERDICTS`.
FIELDS = (
    *("mean", "rsd", "last_ratio", "last_low95", "last_high95", "last_verdict"),
    *("release_ratio", "release_low95", "release_high95", "release_verdict"),
)
# More new nights than this, and the whole line is read in the order of the disk.
_FEW = 64
_AT_ONCE = 20_000
# Raised when FIELDS or the form of the file change.
_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The rows of a line. `entries` are all its nights, in order of time; `nights` are the indices
    among them of those that have rows. `values` is by FIELDS, `benchmarks` and `nights`, NaN where
    there is none. Seven digits: enough for times and ratios.
    """

    line: LineKey
    entries: tuple[NightEntry, ...]
    nights: tuple[int, ...]
    benchmarks: tuple[str, ...]
    values: Values

    def field(self, name: str) -> Values:
        """One of FIELDS: a row for each benchmark, a column for each night."""
        return np.asarray(self.values[FIELDS.index(name)])

    @cached_property
    def measured(self) -> tuple[NightEntry, ...]:
        """The nights that have rows, one for each column."""
        return tuple(self.entries[night] for night in self.nights)


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """What was read before: marks of the nights, benchmarks, and the values."""

    marks: npt.NDArray[np.uint64]
    benchmarks: tuple[str, ...]
    values: Values


def columns_of(connection: Connection, line: LineKey, cache: Path | None = None) -> Columns:
    """The rows of a line; `cache` is a folder where they are kept for the next time.

    Nobody else may write to the folder meanwhile. OSError where it cannot be written.
    """
    entries = reading.nights(connection, line)
    nights = tuple(i for i, entry in enumerate(entries) if entry.benchmarks)
    measured = [entries[night] for night in nights]
    file = None if cache is None else cache / f"{name_of(line)}.npz"
    kept = None if file is None else _read(file)
    marks = np.array([_mark(entry) for entry in measured], dtype=np.uint64)
    names = reading.benchmarks(connection, line)
    values = np.full((len(FIELDS), len(names), len(nights)), np.nan, dtype=np.float32)
    missing = _copy(kept, values, marks, names)
    if len(missing):
        _fill(connection, line, values, names, {measured[at].number: int(at) for at in missing})
    if file is not None and (len(missing) or kept is None or len(kept.marks) != len(marks)):
        _write(file, _Kept(marks=marks, benchmarks=names, values=values))
    return Columns(line=line, entries=entries, nights=nights, benchmarks=names, values=values)


def name_of(line: LineKey) -> str:
    """What files are called in which something of a line is kept."""
    return hashlib.sha256(repr(line).encode()).hexdigest()[:16]


def _mark(entry: NightEntry) -> int:
    """Tells nights apart, those of another history at the same place too."""
    text = f"{entry.number} {entry.night.identity} {entry.benchmarks}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _copy(
    kept: _Kept | None, values: Values, marks: npt.NDArray[np.uint64], names: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Fill in what was kept; which columns are still to be read."""
    if kept is None or not set(kept.benchmarks) <= set(names):
        return np.arange(len(marks))
    place = {name: at for at, name in enumerate(names)}
    rows = np.array([place[name] for name in kept.benchmarks], dtype=np.int64)
    _, now, before = np.intersect1d(marks, kept.marks, return_indices=True)
    values[:, rows[:, None], now] = kept.values[:, :, before]
    return np.setdiff1d(np.arange(len(marks)), now)


def _fill(
    connection: Connection,
    line: LineKey,
    values: Values,
    names: Sequence[str],
    columns_of: Mapping[int, int],
) -> None:
    """Read the nights that are keys of `columns_of` into their columns."""
    place = {name: at for at, name in enumerate(names)}
    tracks = connection.execute(
        select(TRACKS.c.id, TRACKS.c.benchmark).where(reading.of_line(line))
    )
    row_of = {number: place[name] for number, name in tracks}
    for some in _batches(connection, _query(line, columns_of)):
        known = [one for one in some if one[1] in columns_of]
        if known:
            rows = [row_of[one[0]] for one in known]
            nights = [columns_of[one[1]] for one in known]
            values[:, rows, nights] = np.array(known, dtype=np.float64)[:, 2:].T


def _query(line: LineKey, nights: Iterable[int]) -> Select[Any]:
    query = select(ROWS.c.track_id, ROWS.c.night_id, *(ROWS.c[field] for field in FIELDS))
    wanted = list(nights)
    if len(wanted) <= _FEW:
        return query.where(ROWS.c.night_id.in_(wanted))
    tracks = select(TRACKS.c.id).where(reading.of_line(line))
    return query.where(ROWS.c.track_id.in_(tracks))


def _batches(connection: Connection, query: Select[Any]) -> Iterator[list[tuple[Any, ...]]]:
    found = map(tuple, connection.execution_options(yield_per=_AT_ONCE).execute(query))
    while some := list(islice(found, _AT_ONCE)):
        yield some


def _read(file: Path) -> _Kept | None:
    """What was kept; None where there is none that can be used."""
    try:
        with file.open("rb") as content, np.load(content) as found:
            if int(found["version"]) != _VERSION:
                return None
            kept = _Kept(
                marks=found["marks"],
                benchmarks=tuple(found["benchmarks"].tolist()),
                values=found["values"],
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    shape = len(FIELDS), len(kept.benchmarks), len(kept.marks)
    return kept if kept.values.shape == shape else None


def _write(file: Path, kept: _Kept) -> None:
    out = io.BytesIO()
    np.savez(
        out,
        version=np.array(_VERSION),
        marks=kept.marks,
        benchmarks=np.array(kept.benchmarks, dtype=np.str_),
        values=kept.values,
    )
    keep(file, out.getbuffer())


def keep(file: Path, content: bytes | memoryview) -> None:
    """Write a file that can be made again: all of it or none, without waiting for the disk."""
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f".{file.name}.half")
    half.write_bytes(content)
    half.replace(file)
