"""From a history to what the pages are made of: change points and their alarms."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.history.models import CONFIRMED, DISMISSED, Alarm
from bench.history.reading import LineKey
from bench.site.model import Mark, Site
from tests.bench.history import made_up
from tests.bench.site.made_up import STEP, gathered, nights

PGO = LineKey(host=made_up.HOST, branch="main", flavor="pgo")


def marks(site: Site, flavor: str = "pgo", benchmark: str = "bm_000") -> tuple[Mark, ...]:
    (line,) = [one for one in site.lines if one.columns.line.flavor == flavor]
    return line.marks[benchmark]


def alarm(number: int, state: str, **other: float) -> Alarm:
    values = {"ratio": 1.06, "low": 1.055, "high": 1.065} | other
    return Alarm(**vars(PGO), benchmark="bm_000", start=number, night=number, state=state, **values)


@pytest.fixture
def numbers(tmp_path: Path) -> list[int]:
    """The history's numbers of the nights of the pgo line."""
    site = gathered(tmp_path, nights())
    (line,) = [one for one in site.lines if one.columns.line.flavor == "pgo"]
    return [entry.number for entry in line.columns.measured]


def test_a_change_is_found_though_nobody_was_told(tmp_path: Path) -> None:
    (mark,) = marks(gathered(tmp_path, nights()))
    assert (mark.kind, mark.state) == ("slower", "")
    assert abs(mark.start - STEP) <= 2


def test_a_confirmed_alarm_gives_its_figures_to_its_change(
    tmp_path: Path, numbers: list[int]
) -> None:
    told = alarm(numbers[STEP + 1], CONFIRMED)
    (mark,) = marks(gathered(tmp_path, [], [told, alarm(numbers[STEP], DISMISSED)]))
    assert (mark.state, mark.ratio, mark.high) == (CONFIRMED, told.ratio, told.high)


def test_an_alarm_far_from_any_change_is_a_mark_of_its_own(
    tmp_path: Path, numbers: list[int]
) -> None:
    site = gathered(tmp_path, [], [alarm(numbers[30], DISMISSED)])
    dismissed, found = marks(site)
    assert (dismissed.start, dismissed.is_news, found.is_news) == (30, False, True)
    other_way = alarm(numbers[STEP], DISMISSED, ratio=0.94, low=0.93, high=0.95)
    kinds = [mark.kind for mark in marks(gathered(tmp_path, [], [other_way]))]
    assert sorted(kinds) == ["faster", "slower", "slower"]
