"""report.csv: one line for each comparison, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from bench.compare import TIMES, times
from bench.report.model import Candidate, ReportRow, View
from bench.report.reading import view_of
from bench.results import Result

COLUMNS = (
    "experiment", "base", "candidate", "kind", "benchmark", "metric", "ratio", "low", "high",
    "low95", "high95", "verdict", "blocks", "builds", "protocol", "notes",
    "base_seconds", "candidate_seconds", "clock",
)  # fmt: skip
# A cell that begins with one of these is a formula to a spreadsheet; the last four are wide forms.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def render(result: Result) -> str:
    """The comparisons as CSV with a header; in a suite's line `benchmark` is `geometric mean`.

    The columns of times are there only where there are times.
    """
    view = view_of(result)
    timed = times.have_times(row for candidate in view.candidates for row in candidate.rows)
    columns = [name for name in COLUMNS if timed or name not in TIMES]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for candidate in view.candidates:
        for line in _lines(candidate):
            cells = {**_arms(view, candidate), **line}
            writer.writerow({key: _cell(value) for key, value in cells.items()})
    return stream.getvalue()


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
    cells: dict[str, object] = {key: getattr(row, key) for key in (*same, "protocol", *TIMES)}
    return cells | {"benchmark": row.name, "notes": "; ".join(row.warnings)}


def _cell(value: object) -> object:
    """A cell: numbers unchanged, text on one line and never a formula."""
    if not isinstance(value, str):
        return value
    text = " ".join(value.split())
    return f"'{text}" if text.startswith(_FORMULA) else text
