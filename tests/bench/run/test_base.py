"""What jobs measure with: the host held, a scratch folder, and names of folders."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.context import Context
from bench.run import base
from bench.util.console import Show
from builder.files import is_locked
from builder.home import Home
from builder.process import Command, Completed, SystemRunner


class Probed(SystemRunner):
    """Says whether addresses may be drawn."""

    def __init__(self, returncode: int) -> None:
        super().__init__()
        self._returncode = returncode
        self.commands: list[Command] = []

    def run(self, command: Command, **_named: object) -> Completed:
        self.commands.append(command)
        return Completed(returncode=self._returncode, seconds=0.0, output="")


def context(root: Path, runner: SystemRunner) -> Context:
    home = Home(root=root / "home", host_lock=root / "host.lock")
    home.prepare()
    return Context(home=home, project=root / "project", runner=runner, show=Show(quiet=True))


@pytest.mark.parametrize("returncode", [0, 1])
def test_the_host_is_held_while_there_is_a_rig(returncode: int, tmp_path: Path) -> None:
    runner = Probed(returncode)
    asked = context(tmp_path, runner)
    with base.measuring(asked, timeout=3.0, host="here") as rig:
        assert is_locked(asked.home.host_lock)
        assert rig.scratch.is_dir()
        assert (rig.timeout, rig.host, rig.draws_addresses) == (3.0, "here", returncode == 0)
        assert runner.commands == [base.probe()]
        scratch = rig.scratch
    assert not scratch.exists()
    assert not is_locked(asked.home.host_lock)


def test_folders_of_this_machine_have_names(tmp_path: Path) -> None:
    names = base.places(context(tmp_path, Probed(0)), tmp_path / "out")
    assert names[tmp_path / "home"] == "HOME"
    assert names[tmp_path / "project"] == "PATCHBENCH"
    assert names[tmp_path / "out"] == "RESULTS"
    assert names[Path(sys.prefix)] == "VENV"
    assert names[Path.home()] == "~"
