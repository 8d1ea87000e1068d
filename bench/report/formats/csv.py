"""report.csv: every comparison as a line, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from bench.report.model import Candidate, ReportRow, View
from bench.report.reading import view_of
from bench.results import Result

COLUMNS = (
    "experiment", "base", "candidate", "kind", "benchmark", "metric", "ratio", "low", "high",
    "low95", "high95", "verdict", "blocks", "builds", "protocol", "notes",
)  # fmt: skip
# What makes a spreadsheet take a cell for a formula; the last four are their wide forms.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def render(result: Result) -> str:
    """The comparisons as CSV with a head; a suite's line has the benchmark `geometric mean`."""
    view = view_of(result)
    written = io.StringIO()
    writer = csv.DictWriter(written, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for candidate in view.candidates:
        for line in _lines(candidate):
            told = {**_arms(view, candidate), **line}
            writer.writerow({key: _cell(value) for key, value in told.items()})
    return written.getvalue()


def _arms(view: View, candidate: Candidate) -> dict[str, str]:
    return {
        "experiment": view.name,
        "base": view.base.title,
        "candidate": candidate.arm.name,
        "kind": candidate.kind,
    }


def _lines(candidate: Candidate) -> Iterator[dict[str, object]]:
    for row in (*candidate.rows, *candidate.suites):
        yield _comparison(row)
    for name, reason in candidate.missing:
        yield {"benchmark": name, "verdict": "missing", "notes": reason}
    if candidate.verdict == "broken":
        yield {"verdict": "broken", "notes": candidate.headline}


def _comparison(row: ReportRow) -> dict[str, object]:
    same = ("metric", "ratio", "low", "high", "low95", "high95", "verdict", "blocks", "builds")
    told: dict[str, object] = {key: getattr(row, key) for key in (*same, "protocol")}
    return told | {"benchmark": row.name, "notes": "; ".join(row.warnings)}


def _cell(value: object) -> object:
    """Numbers as they are; text on one line, and no formula."""
    if not isinstance(value, str):
        return value
    text = " ".join(value.split())
    return f"'{text}" if text.startswith(_FORMULA) else text
