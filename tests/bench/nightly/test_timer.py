"""The timer: written, enabled, or told why not; cron's line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli import main
from bench.nightly import timer
from builder.errors import ToolError, UsageError
from tests.recording import RecordingRunner, completed

NIGHTLY = '[[branch]]\nrevision = "main"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "nightly.toml"
    path.write_text(NIGHTLY)
    return path


@pytest.fixture
def systemctl(monkeypatch: pytest.MonkeyPatch) -> RecordingRunner:
    """Every command succeeds."""
    runner = RecordingRunner()
    monkeypatch.setattr(main, "SystemRunner", lambda **_more: runner)
    return runner


def call(file: Path, *options: str) -> int:
    home = str(file.parent / "home")
    return main.main(["--home", home, "nightly", str(file), *options])


def test_a_users_timer(
    file: Path, systemctl: RecordingRunner, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(file, "--install") == 0
    folder = timer.user_folder()
    service = (folder / "patchbench-nightly.service").read_text()
    assert f'"--home" "{file.parent / "home"}" "nightly" "{file}"' in service
    assert (folder / "patchbench-nightly.timer").exists()
    assert systemctl.argvs == [
        ("systemctl", "--user", "daemon-reload"),
        ("systemctl", "--user", "enable", "--now", "patchbench-nightly.timer"),
    ]
    out, err = capsys.readouterr()
    assert "systemctl --user disable --now patchbench-nightly.timer" in out
    assert f"rm {folder / 'patchbench-nightly.service'}" in out
    assert "loginctl enable-linger" in err


def test_the_systems_timer(
    file: Path, systemctl: RecordingRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timer, "SYSTEM", tmp_path / "system")
    assert call(file, "--install", "--system") == 0
    assert (
        f"User={file.owner()}\n" in (tmp_path / "system" / "patchbench-nightly.service").read_text()
    )
    assert systemctl.argvs[0] == ("systemctl", "--system", "daemon-reload")


def test_without_systemd_the_files_are_there_and_the_command_is_told(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = RecordingRunner(completed("System has not been booted", returncode=1))
    monkeypatch.setattr(main, "SystemRunner", lambda **_more: failing)
    assert call(file, "--install") == ToolError.exit_code
    assert (timer.user_folder() / "patchbench-nightly.timer").exists()
    _out, err = capsys.readouterr()
    assert "systemd does not enable the timer" in err
    assert "systemctl --user enable --now patchbench-nightly.timer" in err
    assert "--cron" in err


def test_cron(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(file, "--cron") == 0
    out, _err = capsys.readouterr()
    assert out.startswith(f"30 2 * * * cd {file.parent} && ")
    assert f"nightly {file} >> {file.parent / 'nights' / 'cron.log'} 2>&1\n" in out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--system"], "--install"),
        (["--out", "site"], "nightly site"),
        (["--history", "x.sqlite"], "nightly site"),
        (["another.toml"], "Too many words"),
        (["--date", "yesterday"], "no date"),
        (["--date", "9999-01-01"], "in the future"),
    ],
)
def test_a_command_line_that_cannot_be_meant(
    file: Path, options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = call(file, *options)
    except SystemExit as end:
        code = end.code
    assert code == UsageError.exit_code
    assert told in capsys.readouterr().err


def test_a_site_needs_a_folder(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = str(file.parent / "home")
    assert main.main(["--home", home, "nightly", "site", str(file)]) == UsageError.exit_code
    assert "has no [site]" in capsys.readouterr().err
    out = str(file.parent / "site")
    assert main.main(["--home", home, "nightly", "site", str(file), "--out", out]) == 2
    assert "There is no history" in capsys.readouterr().err
