"""All rows of a line as arrays: this way years of nights are read in a second.

Rows never change once they are written, so the arrays are cached beside the history, and the next
time only new nights are queried. The cache is checked against the history night by night, and may
be deleted at any time.
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

# The columns of the table that are read; verdicts are indices of `models.VERDICTS`.
FIELDS = (
    *("mean", "rsd", "last_ratio", "last_low95", "last_high95", "last_verdict"),
    *("release_ratio", "release_low95", "release_high95", "release_verdict"),
)
# Up to so many new nights are queried by number; else the whole line, in the order of the disk.
_MOST_SINGLE_NIGHTS = 64
_BATCH = 20_000
# Raised when FIELDS or the form of the file change.
_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The rows of a line. `entries` are all its nights, in order of time; `nights` are the indices
    among them of those that have rows. The axes of `values` are FIELDS, `benchmarks` and `nights`;
    NaN where there is no value. Seven digits are enough for times and ratios.
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
class _Cached:
    """The content of a cache file: marks of the nights (`_mark`), benchmarks, and values."""

    marks: npt.NDArray[np.uint64]
    benchmarks: tuple[str, ...]
    values: Values


def columns_of(connection: Connection, line: LineKey, cache: Path | None = None) -> Columns:
    """Read the rows of a line; `cache` is a folder that keeps them for the next time.

    No other process may write to the folder meanwhile. OSError if it cannot be written.
    """
    entries = reading.nights(connection, line)
    nights = tuple(i for i, entry in enumerate(entries) if entry.benchmarks)
    measured = [entries[night] for night in nights]
    file = None if cache is None else cache / f"{cache_name(line)}.npz"
    cached = None if file is None else _read(file)
    marks = np.array([_mark(entry) for entry in measured], dtype=np.uint64)
    names = reading.benchmarks(connection, line)
    values = np.full((len(FIELDS), len(names), len(nights)), np.nan, dtype=np.float32)
    missing = _copy(cached, values, marks, names)
    if len(missing):
        _fill(
            connection,
            line,
            values,
            names,
            {measured[index].number: int(index) for index in missing},
        )
    if file is not None and (len(missing) or cached is None or len(cached.marks) != len(marks)):
        _write(file, _Cached(marks=marks, benchmarks=names, values=values))
    return Columns(line=line, entries=entries, nights=nights, benchmarks=names, values=values)


def cache_name(line: LineKey) -> str:
    """The stem of the names of a line's cache files."""
    return hashlib.sha256(repr(line).encode()).hexdigest()[:16]


def _mark(entry: NightEntry) -> int:
    """A number that identifies a night, also among nights of another history at the same path."""
    text = f"{entry.number} {entry.night.identity} {entry.benchmarks}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _copy(
    cached: _Cached | None, values: Values, marks: npt.NDArray[np.uint64], names: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Fill in the cached values; the indices of the columns that still have to be read."""
    if cached is None or not set(cached.benchmarks) <= set(names):
        return np.arange(len(marks))
    row_of = {name: row for row, name in enumerate(names)}
    rows = np.array([row_of[name] for name in cached.benchmarks], dtype=np.int64)
    _, new_columns, old_columns = np.intersect1d(marks, cached.marks, return_indices=True)
    values[:, rows[:, None], new_columns] = cached.values[:, :, old_columns]
    return np.setdiff1d(np.arange(len(marks)), new_columns)


def _fill(
    connection: Connection,
    line: LineKey,
    values: Values,
    names: Sequence[str],
    columns_of: Mapping[int, int],
) -> None:
    """Read the nights that are keys of `columns_of` into their columns."""
    index_of = {name: index for index, name in enumerate(names)}
    tracks = connection.execute(
        select(TRACKS.c.id, TRACKS.c.benchmark).where(reading.of_line(line))
    )
    row_of = {number: index_of[name] for number, name in tracks}
    for batch in _batches(connection, _query(line, columns_of)):
        records = [record for record in batch if record[1] in columns_of]
        if records:
            rows = [row_of[record[0]] for record in records]
            nights = [columns_of[record[1]] for record in records]
            values[:, rows, nights] = np.array(records, dtype=np.float64)[:, 2:].T


def _query(line: LineKey, nights: Iterable[int]) -> Select[Any]:
    query = select(ROWS.c.track_id, ROWS.c.night_id, *(ROWS.c[field] for field in FIELDS))
    numbers = list(nights)
    if len(numbers) <= _MOST_SINGLE_NIGHTS:
        return query.where(ROWS.c.night_id.in_(numbers))
    tracks = select(TRACKS.c.id).where(reading.of_line(line))
    return query.where(ROWS.c.track_id.in_(tracks))


def _batches(connection: Connection, query: Select[Any]) -> Iterator[list[tuple[Any, ...]]]:
    records = map(tuple, connection.execution_options(yield_per=_BATCH).execute(query))
    while batch := list(islice(records, _BATCH)):
        yield batch


def _read(file: Path) -> _Cached | None:
    """The content of a cache file; None if it is missing or damaged."""
    try:
        with file.open("rb") as content, np.load(content) as arrays:
            if int(arrays["version"]) != _VERSION:
                return None
            cached = _Cached(
                marks=arrays["marks"],
                benchmarks=tuple(arrays["benchmarks"].tolist()),
                values=arrays["values"],
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    shape = len(FIELDS), len(cached.benchmarks), len(cached.marks)
    return cached if cached.values.shape == shape else None


def _write(file: Path, cached: _Cached) -> None:
    out = io.BytesIO()
    np.savez(
        out,
        version=np.array(_VERSION),
        marks=cached.marks,
        benchmarks=np.array(cached.benchmarks, dtype=np.str_),
        values=cached.values,
    )
    write_file(file, out.getbuffer())


def write_file(file: Path, content: bytes | memoryview) -> None:
    """Replace a cache file atomically; without fsync, since it can be made again."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.half")
    temporary.write_bytes(content)
    temporary.replace(file)
