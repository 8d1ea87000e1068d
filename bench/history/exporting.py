"""Export a history: as JSON lines, one for each night, which can be imported again; or as CSV, a
line for each benchmark of each night, for a spreadsheet or a data frame.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from datetime import datetime
from typing import IO, Any

from bench.history.models import HistoryRatio, NightRow
from bench.util import documents
from builder.errors import DataError

# Raised when a reader of the old schema would misread the new one.
SCHEMA = 1
_RATIO = tuple(field.name for field in fields(HistoryRatio))
_OF_NIGHT = ("when", "host", "branch", "flavor", "commit", "version", "key", "state", "origin")
_OF_ROW = ("benchmark", "mean", "rsd", "processes")


def write_json_lines(nights: Iterable[NightRow], to: IO[str]) -> int:
    """Write a line of JSON for each night, with the fields of `NightRow`; the number of lines."""
    count = 0
    for night in nights:
        document = {"schema": SCHEMA, **asdict(night)}
        json.dump(document, to, default=_moment, separators=(",", ":"))
        to.write("\n")
        count += 1
    return count


def read_json_lines(lines: Iterable[str], where: str = "") -> Iterator[NightRow]:
    """The nights that `write_json_lines` wrote. DataError names the first bad line."""
    for number, line in enumerate(lines, 1):
        try:
            document = documents.parse(line)
            if not isinstance(document, dict) or document.get("schema") != SCHEMA:
                raise ValueError("it has another schema")
            yield documents.load(NightRow, document)
        except (ValueError, RecursionError) as problem:
            raise DataError(
                f"this line is no night of an exported history: {problem}",
                where=f"{where}, line {number}",
            ) from None


def write_csv(nights: Iterable[NightRow], to: IO[str]) -> int:
    """Write a line for each row; the number of lines. Nights without rows are only in the JSON."""
    writer = csv.writer(to, lineterminator="\n")
    ratios = [f"{against}_{part}" for against in ("last", "release") for part in _RATIO]
    writer.writerow([*_OF_NIGHT, *_OF_ROW, *ratios])
    count = 0
    for night in nights:
        build = night.build
        build_fields = (build.commit, build.version, build.key) if build else ("", "", "")
        head = [night.when.isoformat(), night.host, night.branch, night.flavor, *build_fields]
        for row in night.rows:
            values = [getattr(row, name) for name in _OF_ROW]
            compared = [*_parts(row.last), *_parts(row.release)]
            writer.writerow([*head, night.state, night.origin, *values, *compared])
            count += 1
    return count


def _parts(ratio: HistoryRatio | None) -> list[Any]:
    return [None if ratio is None else getattr(ratio, part) for part in _RATIO]


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"not for JSON: {type(value)}")
