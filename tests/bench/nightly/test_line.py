"""A line of a night: quiet, failed or measured, and what the history has of it afterwards.

What is measured for real is in test_job.py.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from bench.context import Context
from bench.history import models, reading
from bench.history.models import CONFIRMED, DISMISSED, HistoryRatio
from bench.history.store import History
from bench.nightly import line as lines
from bench.nightly.config import load
from bench.nightly.line import LineJob
from bench.nightly.report import BAD, FAILED, GOOD, NEUTRAL, QUIET, ConfirmedFinding, Revised
from bench.nightly.state import LineState, Nights, NightState
from bench.planning import Sources
from bench.util.console import Show
from builder.builds.recipe import Flavor
from builder.errors import BrokenError, BuildError, PatchbenchError, SourceError
from builder.process import SystemRunner
from tests.bench.history import made_up
from tests.builder.upstream import Upstream, home_at

DAY = date(2026, 11, 2)


class Place:
    """A nightly file of one branch, and its source."""

    def __init__(self, folder: Path, history: History) -> None:
        self.folder = folder
        self.upstream = Upstream(folder / "cpython.git")
        self.commit = self.upstream.commit("main", "3.13.5")
        file = folder / "nightly.toml"
        file.write_text('source = "cpython.git"\n[[branch]]\nrevision = "main"\n')
        self.config = load(file)
        self.nights = Nights(folder / "nights")
        self.history = history
        self.stream = io.StringIO()
        self.context = Context(
            home=home_at(folder / "home"),
            project=folder,
            runner=SystemRunner(),
            show=Show(stream=self.stream),
        )

    def job(self) -> LineJob:
        return LineJob(
            context=self.context,
            config=self.config,
            nights=self.nights,
            history=self.history,
            sources=Sources(self.context),
            day=DAY,
        )

    def state(self, commit: str, outcome: str = NEUTRAL) -> LineState:
        head = Revised(commit=commit, version="3.13.5")
        result = lines.LineResult(branch="main", flavor="plain", new=head, outcome=outcome)
        return LineState(branch="main", flavor="plain", head=head, result=result)

    def go(self, commit: str) -> LineState:
        head = Revised(commit=commit, version="3.13.5")
        task = LineState(branch="main", flavor="plain", head=head)
        return self.job().run(task, self.config.branches[0], Flavor())

    def entries(self) -> tuple[models.NightEntry, ...]:
        with self.history.connect() as connection:
            (line,) = reading.lines(connection)
            return reading.nights(connection, line)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with History.open(tmp_path / "history.sqlite") as history:
        yield Place(tmp_path, history)


def test_a_head_that_did_not_move_is_a_quiet_night(place: Place) -> None:
    yesterday = date(2026, 11, 1)
    place.nights.write(NightState(date=yesterday, tasks=(place.state(place.commit),)))
    state = place.go(place.commit)
    assert state.result is not None
    assert state.result.outcome == QUIET
    assert state.result.notes == ("the head did not move since 2026-11-01",)
    assert state.code == 0
    (entry,) = place.entries()
    assert (entry.night.state, entry.night.when.date()) == (models.UNCHANGED, DAY)
    assert entry.benchmarks == 0


def test_other_commits_of_the_same_files_are_quiet_and_named(place: Place) -> None:
    place.nights.write(NightState(date=date(2026, 11, 1), tasks=(place.state(place.commit),)))
    git = place.upstream.git
    again = git(
        *("commit-tree", "-p", place.commit, "-m", "x", f"{place.commit}^{{tree}}"),
        GIT_AUTHOR_DATE="1500000000 +0000",
        GIT_COMMITTER_DATE="1500000000 +0000",
    )
    git("update-ref", "refs/heads/main", again)
    state = place.go(again)
    assert state.result is not None
    (note,) = state.result.notes
    assert f"its files are those of {place.commit[:12]}" in note


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (BrokenError("The head is broken: x"), models.BROKEN),
        (BuildError("make failed."), models.FAILED),
    ],
)
def test_an_error_is_the_lines_own(
    place: Place, error: PatchbenchError, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: object, **_more: object) -> None:
        raise error

    monkeypatch.setattr(lines.run, "measured", fails)
    task = place.go(place.commit)
    assert task.result is not None
    assert (task.result.outcome, task.result.error) == (FAILED, str(error))
    assert task.code == error.exit_code
    (entry,) = place.entries()
    assert (entry.night.state, entry.night.reason) == (state, error.what)
    assert error.what in place.stream.getvalue()


def test_a_source_that_is_gone_is_the_lines_own_error(place: Place) -> None:
    place.upstream.path.rename(place.folder / "elsewhere.git")
    task = place.go(place.commit)
    assert task.result is not None
    assert task.result.outcome == FAILED
    assert task.code == SourceError.exit_code


def test_a_night_without_figures_begins_no_epoch(place: Place) -> None:
    job = place.job()
    job.failed(place.state(place.commit), BuildError("no"))
    (first,) = place.entries()
    facts = {**first.night.facts, "kernel": "of another day"}
    measured = models.NightRow(
        identity="x",
        host=first.night.host,
        branch="main",
        flavor="plain",
        when=datetime(2026, 11, 2, 23, 59, 59, tzinfo=UTC),
        facts=facts,
    )
    place.history.add_night(measured)
    later = LineJob(**{**vars(job), "day": date(2026, 11, 3)})
    later.failed(place.state(place.commit), BuildError("no"))
    assert place.entries()[-1].night.when.date() == date(2026, 11, 3)
    assert place.entries()[-1].night.facts == facts


@pytest.mark.parametrize(
    ("moment", "day"),
    [(datetime(2026, 11, 2, 5, tzinfo=UTC), 2), (datetime(2026, 11, 4, 5, tzinfo=UTC), 2)],
)
def test_a_night_that_is_caught_up_with_is_of_its_own_day(moment: datetime, day: int) -> None:
    moved = lines._on(DAY, moment)
    assert (moved.day, moved.hour, moved.tzinfo) == (day, 5, UTC)


SLOWER = HistoryRatio(ratio=1.1, verdict="slower")
FASTER = HistoryRatio(ratio=0.9, verdict="faster")


def finding(state: str, ratio: HistoryRatio | None) -> ConfirmedFinding:
    old = Revised(commit="a")
    return ConfirmedFinding(benchmark="go", state=state, old=old, since=DAY, ratio=ratio)


@pytest.mark.parametrize(
    ("findings", "outcome"),
    [
        ([], NEUTRAL),
        ([finding(DISMISSED, SLOWER)], NEUTRAL),
        ([finding(CONFIRMED, None)], NEUTRAL),
        ([finding(CONFIRMED, FASTER)], GOOD),
        ([finding(CONFIRMED, FASTER), finding(CONFIRMED, SLOWER)], BAD),
    ],
)
def test_a_slowdown_matters_more_than_a_speed_up(
    findings: list[ConfirmedFinding], outcome: str
) -> None:
    assert lines._outcome(findings) == outcome


def test_a_line_says_what_the_history_has_of_its_night() -> None:
    night = made_up.small(1)[0]
    result = lines._line(night, ())
    assert (result.branch, result.flavor, result.facts) == ("main", night.flavor, night.facts)
    assert [one.name for one in result.benchmarks] == [row.benchmark for row in night.rows]
    assert [one.mean for one in result.benchmarks] == [row.mean for row in night.rows]
    assert night.release is not None
    assert result.suite_release == night.release.suite
