"""The commands that list and inspect: what their jobs are called with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.errors import UsageError
from tests.bench.cli.commands.conftest import StandIn

BUILDS = "bench.jobs.inventory.builds"
A, B = Path("a.json"), Path("b.json")
GC = {"keys": [], "keep_days": 30.0, "everything": False, "dry_run": False}


@pytest.mark.parametrize(
    ("line", "job", "arguments", "named"),
    [
        ("doctor", "check_host", (), {"as_json": False}),
        ("doctor --json", "check_host", (), {"as_json": True}),
        ("sources --json", "sources", (), {"as_json": True}),
        ("builds", "builds", (), {"key": None, "as_json": False}),
        ("builds 0123 --json", "builds", (), {"key": "0123", "as_json": True}),
        (
            "compare a.json b.json",
            "compare",
            (A, B),
            {"margin": 0.01, "as_json": False, "times": True},
        ),
        (
            "compare a.json b.json --margin 0.05 --json",
            "compare",
            (A, B),
            {"margin": 0.05, "as_json": True, "times": True},
        ),
        (
            "compare a.json b.json --no-times",
            "compare",
            (A, B),
            {"margin": 0.01, "as_json": False, "times": False},
        ),
        ("gc", "collect_garbage", (), GC),
        ("gc --build a --build b", "collect_garbage", (), {**GC, "keys": ["a", "b"]}),
        (
            "gc --keep-days 0 --dry-run",
            "collect_garbage",
            (),
            {**GC, "keep_days": 0.0, "dry_run": True},
        ),
        ("gc --all", "collect_garbage", (), {**GC, "everything": True}),
    ],
)
def test_what_a_job_is_called_with(
    *,
    line: str,
    job: str,
    arguments: tuple[Any, ...],
    named: dict[str, Any],
    stand_in: Callable[..., StandIn],
    patchbench: Callable[..., int],
) -> None:
    called = stand_in(f"{BUILDS}.{job}", code=3)
    assert patchbench(*line.split()) == 3
    assert called.only == (arguments, named)


@pytest.fixture
def series(stand_in: Callable[..., StandIn]) -> dict[str, StandIn]:
    package = "bench.jobs.series"
    places = ("listing.series", "record.record", "record.render")
    return {place.partition(".")[2]: stand_in(f"{package}.{place}") for place in places}


@pytest.mark.parametrize(
    ("line", "job", "arguments", "named"),
    [
        ("", "series", (), {"name": None, "as_json": False}),
        ("3.13/x --json", "series", (), {"name": "3.13/x", "as_json": True}),
        (
            "3.13/x --record r --out o --json",
            "record",
            (Path("r"),),
            {"name": "3.13/x", "out": Path("o"), "as_json": True},
        ),
        ("--record r", "record", (Path("r"),), {"name": None, "out": None, "as_json": False}),
        ("3.13 --render --out o", "render", (), {"name": "3.13", "out": Path("o")}),
    ],
)
def test_series_are_listed_recorded_or_rendered(
    *,
    line: str,
    job: str,
    arguments: tuple[Any, ...],
    named: dict[str, Any],
    series: dict[str, StandIn],
    patchbench: Callable[..., int],
) -> None:
    assert patchbench("series", *line.split()) == 0
    assert {name: called.calls for name, called in series.items() if called.calls} == {
        job: [(arguments, named)]
    }


@pytest.mark.parametrize(
    "line",
    [
        "series --out o",
        "series --record r --render",
        "gc --all --keep-days 3",
        "gc --build a --all",
        "gc --keep-days -1",
        "compare a.json",
        "compare a.json b.json --margin 0",
        "compare a.json b.json --margin 0.6",
        "doctor more",
    ],
)
def test_what_is_missing_or_wrong_is_refused(
    line: str, series: dict[str, StandIn], patchbench: Callable[..., int]
) -> None:
    assert patchbench(*line.split()) == UsageError.exit_code
    assert not any(called.calls for called in series.values())
