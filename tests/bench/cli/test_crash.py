"""The log of a crash has what a report needs, and no secret."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from bench.cli.crash import Crash, secrets_of, without_secrets, write_log


def crashed(message: str = "nobody expected it") -> Exception:
    try:
        raise RuntimeError(message)
    except RuntimeError as error:
        return error


def test_a_log_has_the_traceback_the_arguments_the_versions_and_the_commands(
    tmp_path: Path,
) -> None:
    log = write_log(
        tmp_path, Crash(error=crashed(), arguments=["run", "a b"], commands=["gcc -c x.c"])
    )
    text = log.read_text()
    assert log.parent == tmp_path / "crashes"
    assert "in crashed\n" in text
    assert "RuntimeError: nobody expected it" in text
    assert "'a b'" in text
    assert "gcc -c x.c" in text
    assert "\n  patchbench " in text
    assert "\n  SQLAlchemy " in text


def test_only_its_owner_can_read_a_log(tmp_path: Path) -> None:
    log = write_log(tmp_path, Crash(error=crashed(), arguments=[], commands=[]))
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.parent.stat().st_mode & 0o077 == 0


def test_no_secret_of_the_environment_and_no_password_is_in_a_log(tmp_path: Path) -> None:
    environment = {"MAIL_PASSWORD": "hunter2hunter2", "API_TOKEN": "t0ken-value", "LANG": "C.UTF-8"}
    crash = Crash(
        error=crashed("cannot log in with hunter2hunter2"),
        arguments=["--history", "postgresql://me:sesame@host/nights"],
        commands=["curl -H t0ken-value", "git clone https://me:sesame@host/x"],
    )
    text = write_log(tmp_path, crash, secrets=secrets_of(environment)).read_text()
    for secret in ("hunter2", "t0ken", "sesame"):
        assert secret not in text
    assert "postgresql://me:(secret)@host/nights" in text


def test_short_values_and_other_variables_are_no_secrets() -> None:
    environment = {"SSH_AUTH_SOCK_USED": "1", "HOME": "/home/somebody", "TOKEN": "abcdef"}
    assert secrets_of(environment) == ("abcdef",)


def test_a_secret_that_holds_another_goes_whole() -> None:
    secrets = secrets_of({"A_KEY": "abcdef", "B_KEY": "abcdefgh"})
    assert without_secrets("is abcdefgh", secrets) == "is (secret)"


def test_a_log_is_never_written_over_a_file_or_through_a_link(tmp_path: Path) -> None:
    first = write_log(tmp_path, Crash(error=crashed(), arguments=[], commands=[]))
    target = tmp_path / "elsewhere"
    target.write_text("mine")
    first.unlink()
    first.symlink_to(target)
    with contextlib.suppress(FileExistsError):  # raised within the same second
        write_log(tmp_path, Crash(error=crashed(), arguments=[], commands=[]))
    assert target.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_that_cannot_be_written_raises(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match="denied"):
        write_log(tmp_path, Crash(error=crashed(), arguments=[], commands=[]))
