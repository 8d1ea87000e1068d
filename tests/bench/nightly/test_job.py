"""Nights on the fake CPython, one after the other: a change, a slowdown, a broken head, a kill."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bench.nightly import job, line
from builder.errors import (
    EXIT_INTERRUPTED,
    EXIT_VERDICT,
    BrokenError,
    BusyError,
    MeasureError,
    SourceError,
    StoreError,
    UsageError,
)
from builder.files import hold_lock, sha256_of
from tests import pipeline
from tests.nights import FILE, Ground, Mailbox, lay_out

SPEED = 'const char *speed = "1.0";'


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    monkeypatch.setenv("PATCHBENCH_HOST_LOCK", str(tmp_path / "host.lock"))
    return lay_out(tmp_path)


@pytest.mark.slow
def test_nights_in_a_row(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    mail = Mailbox(monkeypatch)
    # The first: the head is the release, so that it is held against itself.
    assert ground.night("2026-11-01") == 0
    first = ground.line("2026-11-01")
    assert (first["outcome"], first["old"]) == ("neutral", None)
    assert [one["name"] for one in first["benchmarks"]] == ["fast"]

    # A head that is a little faster by chance of nothing: a comment.
    ground.change("/* The loop", "/* This loop", "Reword a comment")
    assert ground.night("2026-11-02") == 0
    second = ground.line("2026-11-02")
    assert (second["outcome"], second["findings"]) == ("neutral", [])
    assert [one["subject"] for one in second["commits"]] == ["Reword a comment"]
    assert second["suite_last"]["ratio"] == pytest.approx(1, abs=0.01)

    # A slowdown: suspected, measured again, confirmed.
    slow = ground.change(SPEED, 'const char *speed = "1.1";', "Slow it down")
    assert ground.night("2026-11-03") == EXIT_VERDICT
    third = ground.line("2026-11-03")
    assert third["outcome"] == "bad"
    findings = {one["benchmark"]: one for one in third["findings"]}
    assert set(findings) == {"fast", "the whole suite"}
    assert {one["state"] for one in findings.values()} == {"confirmed"}
    # What is told is the fresh session's, and not what raised the suspicion.
    raised = {one["name"]: one["last"]["ratio"] for one in third["benchmarks"]}
    assert findings["fast"]["ratio"]["ratio"] == pytest.approx(1.1, rel=0.02)
    assert findings["fast"]["ratio"]["ratio"] != raised["fast"]
    again = ground.nights / findings["fast"]["folder"]
    assert json.loads((again / "result.json").read_text())["experiment"]["name"] == again.name
    assert third["new"]["commit"] == slow
    assert third["suite_release"]["ratio"] == pytest.approx(1.1, rel=0.02)

    # One that does not compile: told, and the base of the next night stays.
    ground.change("int value = 0;", "int value = ;", "Break it")
    assert ground.night("2026-11-04") == BrokenError.exit_code
    fourth = ground.line("2026-11-04")
    assert (fourth["outcome"], fourth["benchmarks"]) == ("failed", [])
    assert "ceval" in fourth["error"]

    # The next, interrupted in the middle, goes on with the head that it had begun with.
    mended = ground.change("int value = ;", "int value = 0, other;", "Mend it")
    _interrupted(ground, monkeypatch, "2026-11-05")
    ground.change("/* This loop", "/* That loop", "Later")
    assert ground.night("2026-11-05") == 0
    fifth = ground.line("2026-11-05")
    assert (fifth["new"]["commit"], fifth["old"]["commit"]) == (mended, slow)
    assert [one["subject"] for one in fifth["commits"]] == ["Mend it", "Break it"]

    states = [one.night.state for one in ground.entries()]
    assert states == ["measured", "measured", "measured", "broken", "measured"]
    assert len({one.epoch for one in ground.entries()}) == 1
    assert {alarm.state for alarm in ground.alarms()} == {"confirmed"}
    outcomes = [report.outcome for report in mail.reports]
    assert outcomes == ["neutral", "neutral", "bad", "failed", "neutral"]
    assert len(mail.sites) == 5


def _interrupted(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, day: str, where: str = "_recorded"
) -> None:
    def stop(*_arguments: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(line.LineJob, where, stop)
        assert ground.night(day) == EXIT_INTERRUPTED
    assert ground.state(day)["ended"] is None


def test_a_slowdown_and_then_a_quiet_night(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mail = Mailbox(monkeypatch)
    # A source that lacks the release is measured all the same, and says so.
    ground.file.write_text(FILE.replace("v3.13.5", "v3.13.4"))
    assert ground.night("2026-11-01") == 0
    assert "not compared with v3.13.4" in ground.line("2026-11-01")["notes"][0]
    ground.change(SPEED, 'const char *speed = "1.1";', "Slow it down")
    assert ground.night("2026-11-02") == EXIT_VERDICT
    findings = {one["benchmark"]: one for one in ground.line("2026-11-02")["findings"]}
    assert findings["fast"]["state"] == findings["the whole suite"]["state"] == "confirmed"
    assert findings["fast"]["ratio"]["ratio"] == pytest.approx(1.1, rel=0.02)
    # The same files under another commit are the same build.
    ground.commit("Nothing at all", when=1700000001)
    capsys.readouterr()
    assert ground.night("2026-11-05", "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)["nights"]
    assert (told["outcome"], told["missed"]) == ("quiet", ["2026-11-03", "2026-11-04"])
    assert "its files are those of" in told["lines"][0]["notes"][0]
    assert [one.night.state for one in ground.entries()] == ["measured", "measured", "unchanged"]
    assert [alarm.state for alarm in ground.alarms()] == ["confirmed"]
    # The same night again tells what it gave, and tells nobody else.
    assert ground.night("2026-11-05") == 0
    assert [report.outcome for report in mail.reports] == ["neutral", "bad", "quiet"]


def test_one_branch_without_a_source_does_not_stop_the_others(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = Mailbox(monkeypatch)
    monkeypatch.setattr(line.run, "measured", _nothing)
    gone = '[[branch]]\nrevision = "main"\nname = "gone"\nsource = "gone.git"\n'
    ground.file.write_text(FILE.replace("[[branch]]", f"{gone}[[branch]]"))
    assert ground.night("2026-11-01") == SourceError.exit_code
    first, second = mail.reports[0].lines
    assert (first.branch, first.outcome, second.outcome) == ("gone", "failed", "failed")
    assert "There is no git repository" in first.error
    assert "Nothing was measured" in second.error


def _nothing(*_arguments: Any, **_more: Any) -> Any:
    raise MeasureError("Nothing was measured.")


def test_missed_nights_are_caught_up_with(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    mail = Mailbox(monkeypatch)
    monkeypatch.setattr(line.run, "measured", _nothing)
    noon = int(datetime(2026, 11, 2, 12).astimezone().timestamp())
    day = 24 * 3600
    second = ground.change("/* The loop", "/* This loop", "On the second", when=noon)
    third = ground.change("/* This loop", "/* That loop", "On the fourth", when=noon + 2 * day)
    ground.night("2026-11-01")
    ground.night("2026-11-05", "--catch-up")
    heads = {str(r.date): r.lines[0].new.commit for r in mail.reports}
    assert heads == {
        "2026-11-01": third,
        "2026-11-02": second,
        "2026-11-03": second,
        "2026-11-04": third,
        "2026-11-05": third,
    }
    assert mail.reports[-1].missed == ()


def test_a_night_of_the_past_is_refused(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Mailbox(monkeypatch)
    monkeypatch.setattr(line.run, "measured", _nothing)
    ground.night("2026-11-03")
    assert ground.night("2026-11-02") == UsageError.exit_code
    assert "--catch-up" in capsys.readouterr().err


def test_a_second_night_at_the_same_time_says_so(
    ground: Ground, capsys: pytest.CaptureFixture[str]
) -> None:
    with hold_lock(ground.nights / ".lock"):
        assert ground.night("2026-11-01") == BusyError.exit_code
    assert "Another night is running" in capsys.readouterr().err
    assert not list(ground.nights.glob("2026*"))


def test_an_unfinished_night_is_finished_by_the_next(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = Mailbox(monkeypatch)
    monkeypatch.setattr(line.run, "measured", _nothing)
    _interrupted(ground, monkeypatch, "2026-11-01", "run")
    head = ground.change("/* The loop", "/* This loop", "Later")
    ground.night("2026-11-02")
    first, second = mail.reports
    assert (str(first.date), str(second.date)) == ("2026-11-01", "2026-11-02")
    assert first.lines[0].new.commit != head == second.lines[0].new.commit


def test_what_cannot_be_told_is_told_when_it_is_run_again(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = Mailbox(monkeypatch)
    monkeypatch.setattr(line.run, "measured", _nothing)
    with monkeypatch.context() as patch:
        patch.setattr(job, "mail", _refused)
        assert ground.night("2026-11-01") == MeasureError.exit_code  # a line's goes first
    assert ground.state("2026-11-01")["told"] == ["The server refuses."]
    assert len(mail.sites) == 1
    ground.night("2026-11-01")
    assert (len(mail.reports), len(mail.sites)) == (1, 1)
    assert (ground.state("2026-11-01")["mailed"], ground.state("2026-11-01")["told"]) == (True, [])


def _refused(*_arguments: Any) -> None:
    raise StoreError("The server refuses.")


def blocks(ground: Ground) -> dict[str, str]:
    """The files of finished blocks, with a hash of their content.

    On a busy host a block may be disturbed: it is kept as well, apart from those that count.
    """
    raw = ground.nights / "2026-11-01" / "main-plain" / "raw"
    return {
        str(path): sha256_of(path)
        for folder in ("blocks", "disturbed")
        for path in (raw / folder).glob("[!.]*/*.json")
    }


@pytest.mark.slow
def test_a_night_that_was_killed_goes_on(tmp_path: Path) -> None:
    ground = lay_out(tmp_path, FILE.replace("blocks = 3", "blocks = 6"))
    place = pipeline.Ground(root=tmp_path, home=tmp_path / "home", out=tmp_path / "out")
    command = ["--home", str(place.home), "nightly", str(ground.file), "--date", "2026-11-01"]
    with pipeline.start(place, command) as night:
        # The second begins when the first is whole.
        assert night._wait(lambda: [name for name, _, _ in night.stages].count("block") > 1)
        night.process.kill()
        assert night.end() < 0
    assert pipeline.leftovers(place) == []
    assert ground.state("2026-11-01")["ended"] is None
    before = blocks(ground)
    assert before
    with pipeline.start(place, command) as night:
        assert night.end() == 0
        assert "Continuing the night of" in night.said
    assert before.items() <= blocks(ground).items()
    assert ground.line("2026-11-01")["outcome"] == "neutral"
    assert [one.night.state for one in ground.entries()] == ["measured"]


def test_a_clone_that_was_fetched_and_not_pulled_has_a_new_head(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only which commit is measured matters here.
    refused = SourceError("Not measured.")
    monkeypatch.setattr(line.LineJob, "run", lambda self, task, *_: self.failed(task, refused))
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull}

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=ground.root, env=env, check=True)

    git("clone", "--quiet", "fake.git", "clone")
    ground.file.write_text(FILE.replace("fake.git", "clone"))
    moved = ground.change("/* The loop", "/* This loop", "Reword a comment")
    git("-C", "clone", "fetch", "--quiet")
    ground.night("2026-11-02")
    assert ground.state("2026-11-02")["tasks"][0]["head"]["commit"] == moved
