from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import pytest
from rich.console import Console

from bench.compare import interval
from bench.report.formats import terminal
from bench.results.result import parse_document
from tests import golden
from tests.bench.report import example
from tests.bench.report.example import result
from tests.bench.report.hostile import hostile
from tests.golden import changes
from tests.golden.specimen import specimen

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def shown(result: Mapping[str, Any], *, width: int = 5000, colours: bool = False) -> str:
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=width,
        highlight=False,
        force_terminal=colours,
        color_system="standard" if colours else None,
    )
    terminal.show(parse_document(result), console)
    return stream.getvalue()


def test_the_table_is_the_golden_one() -> None:
    assert golden.terminal_text() == golden.read("terminal.txt")


def test_colour_is_never_the_only_sign() -> None:
    coloured = shown(specimen(), colours=True)

    assert COLOUR.search(coloured)
    assert COLOUR.sub("", coloured) == shown(specimen())


@pytest.mark.parametrize("colours", [False, True])
def test_hostile_text_is_shown_and_does_nothing(colours: bool) -> None:
    text = shown(hostile(), colours=colours)
    bare = COLOUR.sub("", text) if colours else text

    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", bare)
    assert "[red]rich[/red] [link=x]y[/link]" in bare
    assert bare.count("\n") == shown(specimen()).count("\n")
    assert not [line for line in bare.splitlines() if line.startswith("fast-add is 9.99x")]
    if colours:
        assert set(COLOUR.findall(text)) == set(COLOUR.findall(shown(specimen(), colours=True)))


def test_several_metrics_are_told_apart() -> None:
    content = specimen()
    candidate = content["candidates"][0]
    memory = candidate["comparisons"][1] | {"metric": "memory", "ratio": 1.25, "verdict": "slower"}
    candidate["comparisons"].append(memory)
    candidate["suites"] = [candidate["suite"] | {"metric": "memory", "verdict": "slower"}]
    stream = io.StringIO()
    compared = parse_document(content).candidates[0]
    terminal.show_comparisons(compared, Console(file=stream, width=200, color_system=None))

    text = stream.getvalue()
    assert "nbody (time)" in text
    assert "nbody (memory)" in text
    assert re.search(r"^geometric mean memory .* - slower", text, re.MULTILINE)


def narrow(content: dict[str, object]) -> str:
    stream = io.StringIO()
    terminal.show(parse_document(content), Console(file=stream, width=140, highlight=False))
    return stream.getvalue()


def test_what_a_reader_sees() -> None:
    text = narrow(result())
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}
    assert rows["nbody"][1:3] == ["0.7074", "1.41x"]
    assert "+ faster" in text
    assert "- slower" in text
    assert "no interval" in text
    assert "missing: go: some" in text
    assert text.count("one-build") == 1
    assert "fast-paths is 1.09x faster over the suite" in text


@pytest.mark.parametrize("text", example.HOSTILE)
def test_a_hostile_name_does_nothing(text: str) -> None:
    shown = narrow(result(name=text, benchmark=text, word=text))
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\x9b" not in shown
    if "[bold]" in text:
        assert "[bold]markup[/bold]" in shown


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_ratio_and_no_verdict_is_cut_on_a_narrow_terminal(width: int) -> None:
    content = specimen()
    name = "a_benchmark_with_a_name_that_is_much_longer_than_the_others"
    content["candidates"][0]["comparisons"][0]["benchmark"] = name
    rows = parse_document(content).candidates[0].comparisons
    text = shown(content, width=width)
    assert max(map(len, text.splitlines())) <= width
    joined = re.sub(r"\s", "", text)
    for row in rows:
        bounds = re.sub(r"\s", "", interval(row.low, row.high))
        for part in (row.benchmark, f"{row.ratio:.4f}", row.verdict, bounds):
            assert part in joined


def test_what_decides_comes_last_where_a_terminal_stops() -> None:
    assert golden.terminal_text(golden.commit) == golden.read("commit-terminal.txt")
    assert golden.terminal_text(golden.several) == golden.read("several-terminal.txt")
    text = shown(changes.commit())
    order = [
        "nbody ",
        "bpo-37543: optimize pymalloc (#14674) (fb26504d14) against 3.9.0a0",
        "fb26504d14 is 1.05x faster",
        "What it is ",
        "Faster ",
        "Slower ",
        "Costs ",
        "Still Python? ",
        "limitation: ",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_a_warning_of_a_control_is_below_its_table() -> None:
    content = specimen()
    content["candidates"][0] |= {"kind": "aa", "warnings": ["odd: only here"]}
    assert "warning: odd: only here" in shown(content)
