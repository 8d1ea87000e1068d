"""Out as JSON lines and CSV; JSON lines come back as they were."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from bench.history.exporting import read_json_lines, write_csv, write_json_lines
from builder.errors import DataError
from tests.bench.history import made_up


def test_json_lines_come_back_as_they_were() -> None:
    nights = list(made_up.history(2, 3))
    nights[0] = replace(nights[0], build=None, rows=(), state="broken", last=None)
    out = io.StringIO()
    assert write_json_lines(nights, out) == 8
    assert list(read_json_lines(out.getvalue().splitlines())) == nights


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"schema": 2}', '{"schema": 1, "when": 3}'])
def test_a_line_that_is_no_night_is_named(line: str) -> None:
    with pytest.raises(DataError) as raised:
        list(read_json_lines([line], "nights.jsonl"))
    assert raised.value.where == "nights.jsonl, line 1"


def test_csv_has_a_line_for_each_row() -> None:
    (night,) = made_up.history(1, 3, ("pgo",))
    out = io.StringIO()
    assert write_csv([replace(night, branch="a,b")], out) == 3
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [float(row["mean"]) for row in rows] == [row.mean for row in night.rows]
    assert rows[0]["branch"] == "a,b"
    assert float(rows[2]["release_low95"]) == night.rows[2].release.low95  # type: ignore[union-attr]
