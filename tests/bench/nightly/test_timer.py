"""The timer: units written and enabled, or the error shown; the line for cron."""

from __future__ import annotations

import shutil
import subprocess
from datetime import time
from pathlib import Path

import pytest

from bench.cli import main
from bench.nightly import timer
from bench.nightly.timer import Units, cron_line, units
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
    assert "systemd could not enable the timer" in err
    assert "systemctl --user enable --now patchbench-nightly.timer" in err
    assert "--cron" in err


def test_cron(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(file, "--cron") == 0
    out, _err = capsys.readouterr()
    assert out.startswith(f"30 2 * * * cd {file.parent} && ")
    assert f"nightly {file} >> {file.parent / 'nights' / 'cron.log'} 2>&1\n" in out


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--system"], "--install"),
        (["--out", "site"], "nightly site"),
        (["--history", "x.sqlite"], "nightly site"),
        (["another.toml"], "Too many arguments"),
        (["--date", "yesterday"], "not a date"),
        (["--date", "9999-01-01"], "in the future"),
    ],
)
def test_a_command_line_that_cannot_be_meant(
    file: Path, options: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = call(file, *options)
    except SystemExit as end:
        code = end.code
    assert code == UsageError.exit_code
    assert text in capsys.readouterr().err


def test_a_site_needs_a_folder(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = str(file.parent / "home")
    assert main.main(["--home", home, "nightly", "site", str(file)]) == UsageError.exit_code
    assert "has no [site]" in capsys.readouterr().err
    out = str(file.parent / "site")
    assert main.main(["--home", home, "nightly", "site", str(file), "--out", out]) == 2
    assert "There is no history" in capsys.readouterr().err


def made(tmp_path: Path, user: str | None = None) -> Units:
    file = tmp_path / 'odd % "$HOME" name' / "nightly.toml"
    file.parent.mkdir(exist_ok=True)
    command = ("/bin/true", "--home", "/somewhere", "nightly", str(file))
    return units("a b", file=file, command=command, at=time(2, 30), user=user)


def test_names_and_times(tmp_path: Path) -> None:
    written = made(tmp_path)
    assert set(written.files) == {written.service, written.timer}
    assert (written.service, written.timer) == ("patchbench-a-b.service", "patchbench-a-b.timer")
    assert "OnCalendar=*-*-* 02:30:00\n" in written.files[written.timer]
    assert "Persistent=true" in written.files[written.timer]


def test_nothing_in_a_path_means_anything_to_systemd(tmp_path: Path) -> None:
    (line,) = (x for x in made(tmp_path).files["patchbench-a-b.service"].splitlines()
               if x.startswith("ExecStart="))  # fmt: skip
    assert 'odd %% \\"$$HOME\\" name/nightly.toml"' in line
    assert line.startswith('ExecStart="/bin/true" "--home" ')


def test_a_system_service_runs_as_the_files_owner(tmp_path: Path) -> None:
    assert "User=ann\n" in made(tmp_path, "ann").files["patchbench-a-b.service"]
    own = made(tmp_path).files["patchbench-a-b.service"]
    assert "User=" not in own
    assert "network-online" not in own


@pytest.mark.parametrize("user", [None, "daemon"])
def test_systemd_takes_them(tmp_path: Path, user: str | None) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not here: install the Debian package systemd")
    folder = tmp_path / "units"
    folder.mkdir()
    written = made(tmp_path, user)
    for name, text in written.files.items():
        (folder / name).write_text(text)
    manager = "--user" if user is None else "--system"
    done = subprocess.run(
        [program, "verify", manager, *(str(folder / name) for name in written.files)],
        env={"XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_crons_line(tmp_path: Path) -> None:
    line = cron_line(
        file=Path("/a b/nightly.toml"),
        command=("patchbench", "nightly", "/a b/100%.toml"),
        at=time(2, 5),
        log=Path("/a b/nights/cron.log"),
    )
    assert line == (
        "5 2 * * * cd '/a b' && patchbench nightly '/a b/100\\%.toml' "
        ">> '/a b/nights/cron.log' 2>&1"
    )
