"""Absolute times: what they are, their unit and digits, and where there are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.compare import PairedBlock, times
from bench.compare.blocks import BenchmarkBlocks, Recorded, compare_blocks, compare_processes
from bench.compare.comparison import TIMES, Comparison
from bench.compare.pyperf_files import compare_files


def row(base: float, ratio: float, half: float | None = 0.01, **more: Any) -> Comparison:
    """A comparison whose plain interval has this half width, relative to the ratio."""
    bounds = (None, None) if half is None else (ratio / (1 + half), ratio * (1 + half))
    given = {
        "benchmark": "nbody",
        "metric": "time",
        "low": None,
        "high": None,
        "low95": bounds[0],
        "high95": bounds[1],
        "verdict": "slower",
        "blocks": 5,
        "builds": 1,
        "warnings": (),
        **times.fields_of(base, ratio, "wall"),
    }
    return Comparison(ratio=ratio, **{**given, **more})


@pytest.mark.parametrize(
    ("base", "ratio", "half", "text"),
    [
        (36.1e-9, 1.3, 0.01, "36.1 ns -> 46.9 ns"),
        (36.1e-9, 1.3, 0.2, "36 ns -> 47 ns"),
        (36.1e-9, 1.3, None, "36.1 ns -> 46.9 ns"),
        (9.95e-3, 1.01, 0.001, "9.950 ms -> 10.050 ms"),
        (0.9e-3, 1.2, 0.01, "0.900 ms -> 1.080 ms"),
        (1.2e-3, 0.75, 0.01, "1.200 ms -> 0.900 ms"),
        (0.1, 0.003, 0.01, "100.0 ms -> 0.300 ms"),
        (1.5, 0.96, 0.01, "1.50 s -> 1.44 s"),
        (123.4, 1.0, 0.3, "123 s -> 123 s"),
        (999.99999e-6, 1.0, 0.01, "1.000 ms -> 1.000 ms"),
        (12e-6, 1.0, 1e-9, "12.000 us -> 12.000 us"),
        (3e-10, 2.0, 0.3, "0.30 ns -> 0.60 ns"),
        (1e-30, 1.0, 0.01, "0.000000000000 ns -> 0.000000000000 ns"),
    ],
)
def test_the_unit_and_the_digits(base: float, ratio: float, half: float | None, text: str) -> None:
    shown = times.times(row(base, ratio, half))
    assert shown == text
    unit = shown.rpartition(" ")[2]
    assert times.times(row(base, ratio, half), is_short=True) == shown.replace(f" {unit} ->", " ->")


def test_a_decided_difference_shows_in_the_figures() -> None:
    for exponent in range(1, 4):
        half = 10.0**-exponent
        for leading in (1.0, 3.3, 9.99):
            base, candidate = times.times(row(leading, 1 + 2 * half, half)).split(" -> ")
            assert base != candidate


@pytest.mark.parametrize("base", [0.0, 1e-200, 1e200])
def test_what_cannot_be_computed_with_has_no_time(base: float) -> None:
    assert times.fields_of(base, 1.0, "wall") == {}
    assert times.fields_of(1.0, base, "wall") == {}


def test_an_unknown_clock_gives_no_times() -> None:
    assert times.fields_of(1.0, 1.0, "sundial") == {}


@pytest.mark.parametrize(
    ("clocks", "title", "words"),
    [
        (["wall", "wall"], "wall clock", "Times: wall clock. "),
        (["cpu", "cpu"], "CPU time", "Times: CPU time, since the arms share a core (corun). "),
        (["cpu", "wall"], "time", "Times: wall clock, but CPU time (corun) for nbody. "),
        ([None, None], "time", ""),
    ],
)
def test_the_clock_is_named(clocks: list[Any], title: str, words: str) -> None:
    rows = [
        row(1.0, 1.1, clock=clock, benchmark=name) if clock else older(row(1.0, 1.1))
        for clock, name in zip(clocks, ["nbody", "go"], strict=True)
    ]
    assert times.title_of(rows) == title
    assert times.legend(rows).startswith(words)
    assert times.have_times(rows) == bool(words)


def older(comparison: Comparison) -> Comparison:
    """The comparison as older results have it."""
    return times.without_times([comparison])[0]


def test_without_times() -> None:
    assert times.times(older(row(1.0, 1.1))) == ""
    assert not times.have_times([older(row(1.0, 1.1))])


# -- where they come from ------------------------------------------------------------------------

# The third block has a hiccup in one arm, and the machine becomes slower all the time.
_PAIRS = [(1.0, 1.1), (1.1, 1.21), (1.2, 9.0), (1.3, 1.43), (1.4, 1.54), (1.5, 1.65), (1.6, 1.76)]


def measured(metric: str = "time", clock: str | None = "cpu") -> BenchmarkBlocks:
    """Seven blocks."""
    blocks = [
        PairedBlock(number=number, base=base, candidate=candidate)
        for number, (base, candidate) in enumerate(_PAIRS)
    ]
    return BenchmarkBlocks(benchmark="nbody", metric=metric, blocks=blocks, clock=clock)


def test_the_times_of_blocks_are_as_far_apart_as_the_ratio_says() -> None:
    (compared,) = compare_blocks([measured()]).comparisons
    assert compared.base_seconds == 1.3
    assert compared.candidate_seconds is not None
    assert compared.candidate_seconds / compared.base_seconds == pytest.approx(compared.ratio)
    assert compared.clock == "cpu"


@pytest.mark.parametrize("given", [measured("memory"), measured(clock=None)])
def test_other_metrics_and_unknown_clocks_have_no_times(given: BenchmarkBlocks) -> None:
    compared = compare_blocks([given])
    assert [getattr(compared.comparisons[0], name) for name in TIMES] == [None] * 3
    assert not set(TIMES) & set(compared.as_json()["comparisons"][0])


def test_a_suite_has_no_times() -> None:
    compared = compare_blocks([measured()])
    content = compared.as_json()
    assert not set(TIMES) & set(content["suite"])
    assert set(TIMES) <= set(content["comparisons"][0])


def test_the_times_of_processes_are_their_means() -> None:
    given = Recorded(benchmark="go", base=(1.0, 3.0), candidate=(2.0, 4.0), clock="wall")
    (compared,) = compare_processes([given]).comparisons
    assert (compared.base_seconds, compared.candidate_seconds) == (2.0, pytest.approx(3.0))
    assert "the mean of its processes" in times.legend([compared])


def recording(folder: Path, name: str, *metadata: dict[str, Any]) -> Path:
    """A file of pyperf with a run for each metadata; each name has values of its own."""
    first = 0.1 + len(list(folder.iterdir())) / 1000
    runs = [
        {"values": [first, first + 0.001 * number], "metadata": {"unit": "second", **about}}
        for number, about in enumerate(metadata)
    ]
    content = {
        "benchmarks": [{"runs": runs, "metadata": {"name": "go", "unit": "second", "loops": 1}}],
        "version": "1.0",
    }
    path = folder / name
    path.write_text(json.dumps(content))
    return path


_CPU_TIMER = {"timer": "clock_gettime(CLOCK_PROCESS_CPUTIME_ID), resolution: 1.00 ns"}


@pytest.mark.parametrize(
    ("base", "candidate", "clock"),
    [
        ([{}, {}], [{}, {}], "wall"),
        ([{"patchbench_clock": "cpu"}] * 2, [{"patchbench_clock": "cpu"}] * 2, "cpu"),
        ([_CPU_TIMER] * 2, [_CPU_TIMER] * 2, "cpu"),
        ([{"patchbench_clock": "cpu"}, {}], [{}, {}], None),
        ([{"patchbench_clock": "cpu"}] * 2, [{}, {}], None),
        ([{"patchbench_clock": "sundial"}] * 2, [{"patchbench_clock": "sundial"}] * 2, None),
    ],
)
def test_the_clock_of_files(tmp_path: Path, base: Any, candidate: Any, clock: str | None) -> None:
    files = recording(tmp_path, "a.json", *base), recording(tmp_path, "b.json", *candidate)
    (compared,) = compare_files(*files).comparisons
    assert compared.clock == clock
    assert (compared.base_seconds is None) == (clock is None)
