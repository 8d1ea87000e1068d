"""The column of absolute times in every format: there, left out, and absent in older results."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from bench.report import without_times
from bench.report.formats import csv as csv_format
from bench.report.formats import html, mail, markdown, submission, terminal
from bench.results import Result, parse_document
from builder.errors import DataError
from tests.golden.specimen import specimen


def on_terminal(result: Result) -> str:
    """The result as a terminal shows it."""
    stream = io.StringIO()
    terminal.show(result, Console(file=stream, width=140, color_system=None))
    return stream.getvalue()


FORMATS: dict[str, tuple[Callable[[Result], str], str]] = {
    "terminal": (on_terminal, "104.0 -> 83.2 ms"),
    "markdown": (markdown.render, "104.0 ms -\\> 83.2 ms"),
    "html": (html.render, "104.0 \u2192 83.2 ms"),
    "mail": (mail.render, "104.0 -> 83.2 ms"),
    "submission": (submission.render, "104.0 ms -\\> 83.2 ms"),
    "csv": (csv_format.render, "0.104,0.0832,cpu"),
}


def document(**clocks: str) -> dict[str, Any]:
    """The specimen; `clocks` by benchmark, "" for a row without times."""
    content = specimen()
    for row in content["candidates"][0]["comparisons"]:
        clock = clocks.get(row["benchmark"], clocks.get("all", row["clock"]))
        row["clock"] = clock
        if not clock:
            for key in ("base_seconds", "candidate_seconds", "clock"):
                del row[key]
    return content


@pytest.mark.parametrize("name", FORMATS)
def test_times_and_their_clock_are_shown(name: str) -> None:
    render, shown = FORMATS[name]
    text = render(parse_document(specimen()))
    assert shown in text
    assert "CPU time" in text or name == "csv"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "result",
    [without_times(parse_document(specimen())), parse_document(document(all=""))],
    ids=["left out", "older"],
)
def test_a_table_without_times_has_no_column_for_them(name: str, result: Result) -> None:
    text = FORMATS[name][0](result)
    for word in ("CPU time", "83.2", "0.0832", "seconds", "Times:", 'class="time"'):
        assert word not in text.replace("busy_seconds", "")
    assert "nbody" in text


@pytest.mark.parametrize("name", FORMATS)
def test_a_row_without_times_has_an_empty_cell(name: str) -> None:
    text = FORMATS[name][0](parse_document(document(pickle="", nbody="wall")))
    assert FORMATS[name][1].replace(",cpu", ",wall") in text
    assert not re.search(r"\b12\.3\b", text)
    assert name == "csv" or "CPU time (corun) for " in text.replace("\n", " ")


def test_csv_has_seconds_in_columns_of_their_own() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_format.render(parse_document(specimen())))))
    nbody = next(row for row in rows if row["benchmark"] == "nbody")
    assert (nbody["base_seconds"], nbody["clock"]) == ("0.104", "cpu")
    suite = next(row for row in rows if row["benchmark"] == "geometric mean")
    assert (suite["base_seconds"], suite["clock"]) == ("", "")


def test_lines_of_a_mail_stay_short_with_long_times_and_names() -> None:
    content = document()
    rows = content["candidates"][0]["comparisons"]
    rows[0] |= {"benchmark": "a_very_long_name_of_a_benchmark", "blocks": 1000}
    rows[1] |= {"base_seconds": 98765.4321, "candidate_seconds": 98764.4321, "ratio": 0.99999}
    text = mail.render(parse_document(content))
    assert max(map(len, text.splitlines())) <= 76
    assert "\na_very_long_name_of_a_benchmark\n" in text


def test_another_clock_than_the_two_is_refused() -> None:
    with pytest.raises(DataError, match="clock"):
        parse_document(document(nbody="sundial"))
