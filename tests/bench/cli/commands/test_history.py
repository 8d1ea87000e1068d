"""The command `history`: the requests of its two actions, and which options belong to which."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from bench.history import HistoryExport, HistoryImport
from bench.history.exchange import FORMATS
from builder.errors import UsageError
from tests.bench.cli.commands.conftest import StandIn


@pytest.fixture
def jobs(stand_in: Callable[..., StandIn]) -> tuple[StandIn, StandIn]:
    exchange = "bench.history.exchange"
    return stand_in(f"{exchange}.import_nights"), stand_in(f"{exchange}.export_nights")


def test_an_import(jobs: tuple[StandIn, StandIn], patchbench: Callable[..., int]) -> None:
    line = "history import h.sqlite a.json b --host x --branch 3.13 --flavor pgo --date 2025-06-01"
    assert patchbench(*line.split()) == 0
    importing, exporting = jobs
    assert importing.only == (
        (
            HistoryImport(
                where="h.sqlite",
                places=(Path("a.json"), Path("b")),
                host="x",
                branch="3.13",
                flavor="pgo",
                day=date(2025, 6, 1),
            ),
        ),
        {"as_json": False},
    )
    assert exporting.calls == []


def test_an_export_is_of_lines_to_stdout_unless_said_otherwise(
    jobs: tuple[StandIn, StandIn], patchbench: Callable[..., int]
) -> None:
    importing, exporting = jobs
    assert patchbench("history", "export", "h.sqlite") == 0
    assert exporting.request == HistoryExport(where="h.sqlite", format="jsonl")
    exporting.calls.clear()
    line = "history export h.sqlite --format csv --out o.csv --host x --branch b --flavor f --json"
    assert patchbench(*line.split()) == 0
    assert exporting.only == (
        (
            HistoryExport(
                where="h.sqlite",
                format="csv",
                out=Path("o.csv"),
                host="x",
                branch="b",
                flavor="f",
            ),
        ),
        {"as_json": True},
    )
    assert importing.calls == []


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_of_the_export_can_be_chosen(
    name: str, jobs: tuple[StandIn, StandIn], patchbench: Callable[..., int]
) -> None:
    assert patchbench("history", "export", "h.sqlite", "--format", name) == 0
    assert jobs[1].request.format == name


@pytest.mark.parametrize(
    "line",
    [
        "import h.sqlite",
        "import h.sqlite a.json --format csv",
        "import h.sqlite a.json --out x",
        "import h.sqlite a.json --date 2999-01-01",
        "export h.sqlite a.json",
        "export h.sqlite --date 2025-06-01",
        "export h.sqlite --format xml",
        "remove h.sqlite",
        "export",
    ],
)
def test_what_belongs_to_the_other_action_or_is_missing_is_refused(
    line: str, jobs: tuple[StandIn, StandIn], patchbench: Callable[..., int]
) -> None:
    assert patchbench("history", *line.split()) == UsageError.exit_code
    assert [job.calls for job in jobs] == [[], []]
