"""The completion scripts, asked as the shell asks them."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.cli.catalogue import COMMANDS
from bench.cli.parser import command_line

# What bash does when somebody presses Tab at the end of the words.
ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
_shtab_patchbench patchbench "${COMP_WORDS[COMP_CWORD]}" ""
printf '%s\\n' "${COMPREPLY[@]}"
"""


def printed(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        command_line().parse_args(["--print-completion", shell])
    assert end.value.code == 0
    return capsys.readouterr().out


@pytest.fixture
def bash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "completion.bash"
    path.write_text(printed("bash", capsys))
    return path


def completed(script: Path, *words: str) -> list[str]:
    done = subprocess.run(
        ["bash", "-c", ASK, "bash", str(script), "patchbench", *words],
        cwd=script.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands(bash: Path) -> None:
    assert set(completed(bash, "")) >= {entry.name for entry in COMMANDS}
    assert completed(bash, "ru") == ["run", "runtimes"]


def test_bash_completes_options_and_choices_of_a_command(bash: Path) -> None:
    assert completed(bash, "run", "--prot") == ["--protocol"]
    assert completed(bash, "history", "ex") == ["export"]
    assert "corun" in completed(bash, "run", "--protocol", "")


def test_bash_completes_files_where_a_path_is_wanted(bash: Path) -> None:
    (bash.parent / "experiment.toml").touch()
    assert completed(bash, "report", "exp") == ["experiment.toml"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_every_shell_has_a_script_of_all_commands(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = printed(shell, capsys)
    assert all(entry.name in script for entry in COMMANDS)
    if shutil.which(shell) and shell != "tcsh":
        path = tmp_path / "script"
        path.write_text(script)
        subprocess.run([*shlex.split(shell), "-n", str(path)], check=True)


def test_another_shell_is_refused() -> None:
    with pytest.raises(SystemExit) as end:
        command_line().parse_args(["--print-completion", "fish"])
    assert end.value.code == 2
