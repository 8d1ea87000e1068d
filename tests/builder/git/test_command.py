"""Starting git: the caller's settings are shut out, and no git outlives what asked for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from builder.errors import ToolError
from builder.git.command import ISOLATED, run, running


def test_how_a_command_ended(tmp_path: Path) -> None:
    done = run(("version",), cwd=tmp_path, env=ISOLATED)
    assert (done.returncode, done.timed_out) == (0, False)
    assert done.stdout.startswith(b"git version")
    failed = run(("no-such-command",), cwd=tmp_path, env=ISOLATED)
    assert failed.returncode != 0
    assert "no-such-command" in failed.stderr


def test_data_is_given_on_standard_input(tmp_path: Path) -> None:
    done = run(("hash-object", "--stdin"), cwd=tmp_path, env=ISOLATED, data=b"x\n")
    assert done.stdout.strip() == b"587be6b4c3f93f93c489c0111bba5596147a26cb"


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_INDEX_FILE", "GIT_CONFIG_COUNT"])
def test_variables_that_name_another_repository_are_shut_out(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "elsewhere")
    done = run(("init", "--quiet", "--bare", "x.git"), cwd=tmp_path, env=ISOLATED)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "x.git" / "HEAD").exists()


def test_settings_are_those_that_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "gitconfig"
    own.write_text("[user]\n name = caller\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    asked = ("config", "--get-all", "user.name")
    done = run(asked, cwd=tmp_path, env=ISOLATED, settings=("user.name=ours",))
    assert done.stdout == b"ours\n"


def test_a_command_is_killed_at_its_time_limit(tmp_path: Path) -> None:
    settings = ("alias.hang=!sleep 600",)
    done = run(("hang",), cwd=tmp_path, env=ISOLATED, settings=settings, timeout=0.2)
    assert done.timed_out
    assert done.returncode != 0


def test_leaving_the_block_ends_git(tmp_path: Path) -> None:
    settings = ("alias.hang=!sleep 600",)
    processes: list[subprocess.Popen[bytes]] = []

    def leave() -> None:
        with running(("hang",), cwd=tmp_path, env=ISOLATED, settings=settings) as process:
            processes.append(process)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave()
    assert processes[0].poll() is not None


def test_without_git_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="git cannot be started") as caught:
        run(("version",), cwd=tmp_path, env=ISOLATED)
    assert "apt-get install git" in caught.value.hint
