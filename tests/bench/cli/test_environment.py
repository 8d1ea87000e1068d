"""The caller's environment: which jobs get it, and that nothing shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main
from bench.cli.environment import CallerEnvironment
from bench.context import Context
from bench.jobs.hot import job as hot
from bench.jobs.hot.profile import ProfiledCommand
from bench.nightly import job as nightly
from bench.nightly import timer

SECRET = "s3cret-of-the-mail-server"
HOLDS = {"PB_TEST_SECRET": SECRET}


def test_it_is_a_mapping_that_shows_nothing() -> None:
    environment = CallerEnvironment(HOLDS)
    assert dict(environment) == HOLDS
    assert (len(environment), environment.get("OTHER")) == (1, None)
    assert SECRET not in f"{environment} {environment!r} {[environment]}"


def test_it_is_no_part_of_what_every_job_is_given() -> None:
    names = {field.name for field in fields(Context)}
    assert "pip_environment" in names
    assert "environment" not in names


@pytest.mark.parametrize(
    "value",
    [
        hot.HotRequest(script="x.py", environment=HOLDS),
        nightly.NightRequest(environment=HOLDS),
        ProfiledCommand(script=Path("x.py"), cwd=Path(), environment=HOLDS),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_carries_it_does_not_show_it(value: object) -> None:
    assert SECRET not in repr(value)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, str]]:
    """The environments that jobs are given by commands."""
    kept: list[Mapping[str, str]] = []

    def with_request(_context: Context, *arguments: Any, **_more: Any) -> int:
        kept.append(arguments[-1].environment)
        return 0

    def install(
        _context: Context, _config: Any, *, environment: Mapping[str, str], **_more: Any
    ) -> int:
        kept.append(environment)
        return 0

    monkeypatch.setenv("PB_TEST_SECRET", SECRET)
    monkeypatch.setattr(hot, "hot", with_request)
    monkeypatch.setattr(nightly, "nightly", with_request)
    monkeypatch.setattr(timer, "install", install)
    return kept


@pytest.mark.parametrize("line", [("hot", "x.py"), ("nightly", "F"), ("nightly", "F", "--install")])
def test_the_jobs_that_need_it_get_it_from_the_command_line(
    line: tuple[str, ...], given: list[Mapping[str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "nightly.toml"
    file.write_text('[[branch]]\nrevision = "main"\n')
    words = [str(file) if word == "F" else word for word in line]
    assert main.main(["--home", str(tmp_path / "home"), *words]) == 0
    (environment,) = given
    assert environment["PB_TEST_SECRET"] == SECRET
    assert SECRET not in repr(environment)
