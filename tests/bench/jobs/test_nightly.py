"""Nights on the fake CPython, one after the other: a change, a slowdown, a broken head, a kill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.jobs import nightly_line
from builder.errors import EXIT_INTERRUPTED, EXIT_VERDICT, BrokenError
from tests.nights import Ground, Mailbox, lay_out

SPEED = 'const char *speed = "1.0";'


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    monkeypatch.setenv("PATCHBENCH_HOST_LOCK", str(tmp_path / "host.lock"))
    return lay_out(tmp_path)


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
    found = {one["benchmark"]: one for one in third["findings"]}
    assert set(found) == {"fast", "the whole suite"}
    assert {one["state"] for one in found.values()} == {"confirmed"}
    # What is told is the fresh session's, and not what raised the suspicion.
    raised = {one["name"]: one["last"]["ratio"] for one in third["benchmarks"]}
    assert found["fast"]["ratio"]["ratio"] == pytest.approx(1.1, rel=0.02)
    assert found["fast"]["ratio"]["ratio"] != raised["fast"]
    again = ground.nights / found["fast"]["folder"]
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


def _interrupted(ground: Ground, monkeypatch: pytest.MonkeyPatch, day: str) -> None:
    def stop(*_arguments: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(nightly_line.LineJob, "_kept", stop)
        assert ground.night(day) == EXIT_INTERRUPTED
    assert ground.kept(day)["ended"] is None
