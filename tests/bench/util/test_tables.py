"""Tables at every width: no line is longer than the terminal, and nothing is cut."""

from __future__ import annotations

import io
import random
import re
import string

import pytest
from rich.console import Console

from bench.util import ROOT, TextTable
from bench.util.streams import OutputConsole

WIDTHS = (20, 40, 60, 80, 120)
LONG = "2.7/a-series-with-a-name-that-is-longer-than-a-narrow-terminal-has-columns"


def made(*rows: tuple[str, ...]) -> TextTable:
    table = TextTable("series", "ratio", "verdict", "notes", prose=["notes"], right=["ratio"])
    for row in rows:
        table.add_row(*row)
    return table


def lines(table: TextTable, width: int) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None, highlight=False).print(table)
    return stream.getvalue().splitlines()


def joined(text: str) -> str:
    return re.sub(r"\s", "", text)


def test_a_table_that_fits_has_columns() -> None:
    table = made(("one", "0.98", "[green]+ faster[/green]", ""), ("other", "1.2", "", "a b"))
    assert lines(table, 60) == [
        "series  ratio  verdict   notes",
        "one      0.98  + faster",
        "other     1.2            a b",
    ]


def test_prose_is_wrapped_first() -> None:
    table = made(("one", "0.98", "+ faster", "words " * 12))
    shown = lines(table, 60)
    assert shown[1].startswith("one      0.98  + faster  words words")
    assert all(line.startswith(" " * 25 + "words") for line in shown[2:])
    assert sum(line.count("words") for line in shown) == 12


def test_a_row_is_stacked_where_names_and_verdicts_do_not_fit() -> None:
    table = made((LONG, "0.98", "+ faster", "unstable: yes"), ("", "1.02", "", ""))
    table.add_row("mean", "", "- slower", "")
    assert lines(table, 44) == [
        LONG[:44],
        LONG[44:],
        "  ratio: 0.98  verdict: + faster",
        "  notes: unstable: yes",
        "  ratio: 1.02",
        "mean",
        "  verdict: - slower",
    ]


def test_a_pipe_is_as_wide_as_it_has_to_be() -> None:
    stream = io.StringIO()
    console = OutputConsole(file=stream, width=30, color_system=None)
    console.is_piped = True
    console.print(made((LONG, "0.98", "+ faster", "words " * 12)))
    shown = stream.getvalue().splitlines()
    assert shown[1].startswith(f"{LONG}   0.98  + faster  words")


def test_a_row_has_a_cell_for_each_column() -> None:
    with pytest.raises(ValueError, match="1 cells for 4 columns"):
        made(("one",))


def test_a_table_without_rows_has_its_titles() -> None:
    assert lines(made(), 80) == ["series  ratio  verdict  notes"]
    assert lines(made(), 10) == []


@pytest.mark.parametrize("seed", range(40))
def test_nothing_is_cut_at_any_width(seed: int) -> None:
    draw = random.Random(seed)

    def word(most: int) -> str:
        return "".join(draw.choices(string.ascii_letters + "-_./ 世", k=draw.randint(0, most)))

    titles = [f"t{number}" for number in range(draw.randint(1, 8))]
    prose = [title for title in titles[1:] if draw.random() < 0.3]
    right = [title for title in titles if draw.random() < 0.3]
    table = TextTable(*titles, prose=prose, right=right)
    rows = [
        [word(draw.choice((3, 12, 90))).strip() for _ in titles] for _ in range(draw.randint(1, 5))
    ]
    for row in rows:
        table.add_row(*row)
    for width in WIDTHS:
        shown = lines(table, width)
        assert all(Console(width=999).measure(line).maximum <= width for line in shown), seed
        everything = joined("".join(shown))
        is_stacked = table.widths(width) is None
        for row in rows:
            for title, text in zip(titles, row, strict=True):
                if is_stacked or title not in prose:
                    assert joined(text) in everything, (seed, width, text)
        letters = [sorted(joined("".join(row))) for row in rows]
        assert len(everything) >= sum(map(len, letters))


def test_every_table_is_made_here() -> None:
    """rich's own tables drop and cut what does not fit."""
    modules = [path for path in (ROOT / "bench").rglob("*.py") if path.name != "tables.py"]
    assert len(modules) > 200
    assert [path for path in modules if "rich.table" in path.read_text("utf-8")] == []
