"""The command `nightly`: its actions, its nightly file, and options that belong together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.cli.commands.nightly import DEFAULT
from builder.errors import UsageError
from tests.bench.cli.commands.conftest import StandIn

HISTORY, SITE = "sqlite of the file", Path("site of the file")


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The nightly files that are read."""
    read: list[Path] = []

    def load(path: Path) -> SimpleNamespace:
        read.append(path)
        return SimpleNamespace(path=path, history=HISTORY, site=SITE if path == DEFAULT else None)

    monkeypatch.setattr("bench.nightly.load", load)
    return read


@pytest.fixture
def jobs(stand_in: Callable[..., StandIn], files: list[Path]) -> dict[str, StandIn]:
    places = {
        "night": "bench.nightly.job.nightly",
        "status": "bench.nightly.status.status",
        "install": "bench.nightly.timer.install",
        "cron": "bench.nightly.timer.cron",
        "site": "bench.site.write_site",
    }
    return {name: stand_in(place) for name, place in places.items()}


def only(jobs: dict[str, StandIn]) -> str:
    """The one job that was called."""
    (name,) = (name for name, job in jobs.items() if job.calls)
    return name


@pytest.mark.parametrize(
    ("line", "job", "file"),
    [
        ("", "night", DEFAULT),
        ("other.toml", "night", Path("other.toml")),
        ("status", "status", DEFAULT),
        ("status other.toml", "status", Path("other.toml")),
        ("--install", "install", DEFAULT),
        ("other.toml --cron", "cron", Path("other.toml")),
        # A file of an action's name is named by its path.
        ("./status", "night", Path("status")),
    ],
)
def test_an_action_and_its_file(
    *,
    line: str,
    job: str,
    file: Path,
    jobs: dict[str, StandIn],
    files: list[Path],
    patchbench: Callable[..., int],
) -> None:
    assert patchbench("nightly", *line.split()) == 0
    assert (only(jobs), files) == (job, [file])
    assert jobs[job].request.path == file


def test_the_request_of_a_night(
    jobs: dict[str, StandIn], patchbench: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_CALLER", "yes")
    assert patchbench("nightly", "--date", "2025-06-01", "--catch-up", "--json") == 0
    (_config, request), _named = jobs["night"].only
    assert (request.day, request.catch_up, request.as_json) == (date(2025, 6, 1), True, True)
    assert request.environment["OF_THE_CALLER"] == "yes"


@pytest.mark.parametrize("system", [True, False])
def test_units_are_the_users_or_the_systems(
    system: bool, jobs: dict[str, StandIn], patchbench: Callable[..., int]
) -> None:
    assert patchbench("nightly", "--install", *["--system"] * system) == 0
    assert jobs["install"].only[1]["system"] is system


@pytest.mark.parametrize(
    ("line", "places", "read"),
    [
        ("", (HISTORY, SITE), [DEFAULT]),
        ("--out o", (HISTORY, Path("o")), [DEFAULT]),
        ("--history h", ("h", SITE), [DEFAULT]),
        ("--history h --out o", ("h", Path("o")), []),
    ],
)
def test_the_site_is_where_options_say_else_where_the_file_does(
    *,
    line: str,
    places: tuple[str, Path],
    read: list[Path],
    jobs: dict[str, StandIn],
    files: list[Path],
    patchbench: Callable[..., int],
) -> None:
    assert patchbench("nightly", "site", *line.split()) == 0
    assert jobs["site"].only == (places, {"as_json": False})
    assert files == read


@pytest.mark.parametrize(
    "line",
    [
        "--system",
        "--history h",
        "status --out o",
        "--install --cron",
        "a.toml b.toml",
        "status a.toml b.toml",
        "site no-site.toml",
        "--date tomorrow",
    ],
)
def test_what_would_do_nothing_or_is_too_much_is_refused(
    line: str, jobs: dict[str, StandIn], patchbench: Callable[..., int]
) -> None:
    assert patchbench("nightly", *line.split()) == UsageError.exit_code
    assert not any(job.calls for job in jobs.values())
