"""`patchbench study change-points`, in small."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.jobs.study import change_points
from bench.validation.change_points import NOISES, REFERENCES
from builder.errors import UsageError


def study(*arguments: str) -> int:
    return main(["-q", "study", "change-points", "--small", *arguments])


def test_both_rates_are_shown_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert study("--out", str(tmp_path), "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == json.loads((tmp_path / change_points.FILE).read_text())
    assert [row["noise"] for row in shown["false_alarms"]] == list(NOISES)
    assert [row["reference"] for row in shown["steps"]] == list(REFERENCES)
    assert all(row["upper"] > row["rate"] for row in shown["false_alarms"])


def test_a_table_is_for_people_and_no_file_is_written_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert study("--seed", "3") == 0
    out = capsys.readouterr().out
    assert "heavy tails" in out
    assert "250" in out
    assert not list(tmp_path.iterdir())


def test_options_of_other_studies_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert study("--base", "2.7") == UsageError.exit_code
    assert main(["study", "page", "--json"]) == UsageError.exit_code
    assert "It is for `study change-points`" in capsys.readouterr().err
