"""The units' texts, and whether systemd takes them."""

from __future__ import annotations

import shutil
import subprocess
from datetime import time
from pathlib import Path

import pytest

from bench.nightly.timer import Units, cron_line, units


def made(tmp_path: Path, user: str | None = None) -> Units:
    file = tmp_path / 'odd % "$HOME" name' / "nightly.toml"
    file.parent.mkdir(exist_ok=True)
    command = ("/bin/true", "--home", "/somewhere", "nightly", str(file))
    return units("a b", file=file, command=command, at=time(2, 30), user=user)


def test_names_and_times(tmp_path: Path) -> None:
    found = made(tmp_path)
    assert set(found.files) == {found.service, found.timer}
    assert (found.service, found.timer) == ("patchbench-a-b.service", "patchbench-a-b.timer")
    assert "OnCalendar=*-*-* 02:30:00\n" in found.files[found.timer]
    assert "Persistent=true" in found.files[found.timer]


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
    found = made(tmp_path, user)
    for name, text in found.files.items():
        (folder / name).write_text(text)
    manager = "--user" if user is None else "--system"
    done = subprocess.run(
        [program, "verify", manager, *(str(folder / name) for name in found.files)],
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
