"""What `nightly status` tells."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main
from bench.nightly import timer
from bench.nightly.report import LineResult, Revised
from bench.nightly.state import LineState, Nights, NightState
from builder.locks import Queue

FILE = '[[branch]]\nrevision = "main"\n[keep]\ndisk = "1G"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "nightly.toml"
    path.write_text(FILE)
    return path


def night(day: date, outcome: str, *, code: int = 0, ended: bool = True) -> NightState:
    head = Revised(commit="c" * 40, version="3.13.5")
    error = "It does not compile.\n  where: x" if code else ""
    line = LineResult(branch="main", flavor="plain", new=head, outcome=outcome, error=error)
    task = LineState(branch="main", flavor="plain", head=head, result=line, code=code)
    return NightState(
        date=day, tasks=(task,), site=True, ended=datetime.now(UTC) if ended else None
    )


def status(file: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str, str]:
    home = str(file.parent / "home")
    assert main.main(["--home", home, "nightly", "status", str(file), *options]) == 0
    return capsys.readouterr()


def read(file: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(status(file, capsys, "--json")[0])
    return content


def test_before_the_first_night(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = read(file, capsys)
    assert (content["nights"], content["overdue"], content["next"], content["at_work"]) == (
        [],
        [],
        None,
        False,
    )
    assert content["disk"]["budget"] == 1_000_000_000
    assert "no timer is installed" in status(file, capsys)[1]


def test_nights_and_what_is_overdue(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nights = Nights(file.parent / "nights")
    today = date.today()
    nights.write(night(today - timedelta(days=5), "failed", code=6))
    nights.write(night(today - timedelta(days=4), "good", ended=False))
    content = read(file, capsys)
    assert [one["lines"][0]["outcome"] for one in content["nights"]] == ["good", "failed"]
    assert content["nights"][1]["lines"][0]["error"] == "It does not compile."
    assert content["unfinished"] == [str(today - timedelta(days=4))]
    assert content["overdue"][0] == str(today - timedelta(days=3))
    assert len(content["overdue"]) in (3, 4)  # by the hour of the day
    out, err = status(file, capsys)
    assert "good" in out
    assert "It does not compile." in err
    assert "Overdue: " in err


def test_the_newest_night_tells_what_fails(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Nights(file.parent / "nights").write(night(date.today(), "failed", code=6))
    content = read(file, capsys)
    assert content["failing"] == ["main plain"]
    assert content["overdue"] == []


def test_an_installed_timer_has_a_next_night(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = timer.user_folder()
    folder.mkdir(parents=True)
    (folder / "patchbench-nightly.timer").write_text("")
    content = read(file, capsys)
    assert content["timer"] == str(folder / "patchbench-nightly.timer")
    assert datetime.fromisoformat(content["next"]) > datetime.now()


def test_a_night_at_work_is_seen(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Nights(file.parent / "nights").lock(Queue(folder=file.parent / "queue")):
        assert read(file, capsys)["at_work"]
