"""All rows of a line as arrays: equal to the history, whatever is in the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.history import columns as module
from bench.history import reading
from bench.history.columns import FIELDS, Columns, columns_of
from bench.history.models import BROKEN, VERDICTS, NightRow
from bench.history.reading import LineKey
from bench.history.store import History
from tests.bench.history import made_up

PGO = LineKey(host=made_up.HOST, branch="main", flavor="pgo")


def made_nights(nights: int = 6, benchmarks: int = 3) -> list[NightRow]:
    return list(made_up.history(nights, benchmarks, ("plain", "pgo")))


def read(history: History, cache: Path | None = None) -> Columns:
    with history.connect() as connection:
        return columns_of(connection, PGO, cache)


def same(left: Columns, right: Columns) -> bool:
    return (left.entries, left.nights, left.benchmarks) == (
        right.entries,
        right.nights,
        right.benchmarks,
    ) and np.array_equal(left.values, right.values, equal_nan=True)


def test_the_arrays_are_the_rows(history: History) -> None:
    nights = [night for night in made_nights() if night.flavor == "pgo"]
    nights[2] = replace(nights[2], rows=nights[2].rows[1:])
    nights[3] = replace(nights[3], rows=(), state=BROKEN)
    history.add_nights(nights)
    columns = read(history)
    assert columns.nights == (0, 1, 2, 4, 5)
    assert columns.benchmarks == ("bm_000", "bm_001", "bm_002")
    assert np.isnan(columns.field("mean")[0, 2])
    row = nights[5].rows[1]
    assert row.last is not None
    assert row.release is not None
    expected = [
        *(row.mean, row.rsd, row.last.ratio, row.last.low95, row.last.high95),
        *(VERDICTS.index(row.last.verdict), row.release.ratio, row.release.low95),
        *(row.release.high95, VERDICTS.index(row.release.verdict)),
    ]
    assert columns.values[:, 1, 4].tolist() == pytest.approx(expected, rel=1e-6)
    assert len(FIELDS) == len(expected)


@pytest.mark.parametrize("few", [64, 0])
def test_the_cache_gives_the_same_as_the_database(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(module, "_MOST_SINGLE_NIGHTS", few)
    nights = [night for night in made_nights(9) if night.flavor == "pgo"]
    late, more = nights.pop(4), nights[6:]
    history.add_nights(nights[:6])
    assert same(read(history, tmp_path), read(history))
    # At the end, in the middle, and with a benchmark that was not there.
    row = replace(more[0].rows[0], benchmark="a_new_one")
    history.add_nights([late, replace(more[0], rows=(*more[0].rows, row)), *more[1:]])
    columns = read(history, tmp_path)
    assert same(columns, read(history))
    assert len(columns.nights) == 9
    assert columns.benchmarks[0] == "a_new_one"


def test_only_new_nights_are_asked_for(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.add_nights(made_nights(5))
    read(history, tmp_path)
    asked: list[Sequence[int]] = []
    fill = module._fill

    def counting(*arguments: object) -> None:
        asked.append(list(arguments[-1]))  # type: ignore[call-overload]
        fill(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_fill", counting)
    read(history, tmp_path)
    assert asked == []
    history.add_nights(made_nights(6))
    read(history, tmp_path)
    assert [len(numbers) for numbers in asked] == [1]


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 half"])
def test_a_damaged_file_is_made_again(history: History, tmp_path: Path, content: bytes) -> None:
    history.add_nights(made_nights())
    read(history, tmp_path)
    (file,) = tmp_path.glob("*.npz")
    file.write_bytes(content)
    assert same(read(history, tmp_path), read(history))
    assert len(file.read_bytes()) > 100


def test_the_cache_of_another_history_is_not_used(tmp_path: Path) -> None:
    with History.open(tmp_path / "one.db") as first:
        first.add_nights(made_nights())
        read(first, tmp_path / "cache")
    others = [replace(night, identity=f"other {night.identity}") for night in made_nights()]
    changed = [replace(n, rows=tuple(replace(r, mean=9.0) for r in n.rows)) for n in others]
    with History.open(tmp_path / "other.db") as other:
        other.add_nights(changed)
        assert (read(other, tmp_path / "cache").field("mean") == 9).all()


def test_a_line_without_a_measured_night_is_empty(history: History) -> None:
    history.add_nights([replace(made_nights(1)[1], rows=(), state=BROKEN)])
    columns = read(history)
    assert (len(columns.entries), columns.nights, columns.benchmarks) == (1, (), ())
    assert columns.values.shape == (len(FIELDS), 0, 0)
    assert reading.LineKey(**vars(PGO)) == columns.line
