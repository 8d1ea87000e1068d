from __future__ import annotations

import csv
import io

import pytest

from bench.report.formats import csv as csv_format
from bench.report.formats.csv import COLUMNS
from tests.bench.report.hostile import hostile
from tests.bench.results.given import given
from tests.golden.specimen import specimen

render = given(csv_format.render)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_comparison_the_suite_and_what_is_missing_is_a_line() -> None:
    lines = rows(render(specimen()))
    first = [row for row in lines if row["candidate"] == "fast-add"]

    assert [row["benchmark"] for row in first] == [
        *("nbody", "spectral_norm", "json_dumps", "regex_v8", "pickle", "geometric mean"),
        *("tornado_http", "2to3"),
    ]
    assert (first[0]["ratio"], first[0]["verdict"], first[0]["blocks"]) == ("0.8", "faster", "12")
    assert (first[1]["low"], first[1]["high"]) == ("", "")
    assert first[6]["verdict"] == "missing"
    broken = [row for row in lines if row["verdict"] == "broken"]
    assert [row["candidate"] for row in broken] == ["wrong-add", "lto"]
    assert "make of 3.13.5 lto exited" in broken[1]["notes"]


@pytest.mark.parametrize(
    "formula",
    [
        "=HYPERLINK(1)",
        "+1",
        "-1",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\u202e=1",
        "\uff1d1",
        "\u00a0=1",
    ],
)
def test_no_cell_is_a_formula(formula: str) -> None:
    content = specimen()
    content["experiment"]["name"] = formula
    for candidate in content["candidates"]:
        candidate["name"] = candidate["verdict"] = formula
        for one in candidate["comparisons"]:
            one["benchmark"] = one["warnings"][0] = formula
    for row in rows(render(content)):
        for name, cell in row.items():
            if name not in ("ratio", "low", "high", "low95", "high95", "blocks", "builds"):
                assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d"))
        assert row["experiment"].startswith(("'", "?"))


def test_hostile_text_stays_in_its_cell() -> None:
    text = render(hostile())
    lines = rows(text)
    assert len(lines) == len(rows(render(specimen())))
    assert all(set(row) == set(COLUMNS) for row in lines)
    assert all(line.isprintable() for line in text.splitlines())
    assert len(text.splitlines()) == 1 + len(lines)
