"""The command `hot`: the request, and where the program's own arguments begin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from builder.errors import UsageError
from tests.bench.cli.commands.conftest import StandIn


@pytest.fixture
def job(stand_in: Callable[..., StandIn]) -> StandIn:
    return stand_in("bench.jobs.hot.job.hot")


def test_a_script_alone(job: StandIn, patchbench: Callable[..., int]) -> None:
    assert patchbench("hot", "x.py") == 0
    request = job.request
    assert (request.script, request.arguments, request.python) == ("x.py", (), "")
    assert (request.modules, request.files, request.stdin) == ((), (), None)
    assert (request.clock, request.blocks, request.margin) == ("cpu", None, 0.01)
    assert (request.budget, request.timeout) == (60.0, 600.0)
    assert job.only[1] == {"as_json": False}


def test_what_follows_the_script_is_the_programs_own(
    job: StandIn, patchbench: Callable[..., int]
) -> None:
    assert patchbench("hot", "--json", "x.py", "--json", "-v", "--home", "y", "--", "z") == 0
    assert job.request.arguments == ("--json", "-v", "--home", "y", "--", "z")
    assert job.only[1] == {"as_json": True}


def test_every_option_arrives(job: StandIn, patchbench: Callable[..., int]) -> None:
    line = (
        "hot --python 3.13 --modules __main__,a.b --stdin in --file f --file g --out o "
        "--clock wall --blocks 9 --budget 2m --timeout 5s --margin 0.05 --seed 3 --wheels w x.py"
    )
    assert patchbench(*line.split()) == 0
    request = job.request
    assert (request.python, request.modules) == ("3.13", ("__main__", "a.b"))
    assert (request.stdin, request.files) == (Path("in"), (Path("f"), Path("g")))
    assert (request.out, request.clock, request.wheels) == (Path("o"), "wall", "w")
    assert (request.blocks, request.budget, request.timeout) == (9, 120.0, 5.0)
    assert (request.margin, request.seed) == (0.05, 3)


def test_the_program_gets_the_callers_environment(
    job: StandIn, patchbench: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_CALLER", "yes")
    assert patchbench("hot", "x.py") == 0
    assert job.request.environment["OF_THE_CALLER"] == "yes"


@pytest.mark.parametrize(
    "line",
    ["", "--clock sun x.py", "--modules , x.py", "--timeout 0s x.py", "--budget 8d x.py"],
)
def test_what_is_missing_or_wrong_is_refused(
    line: str, job: StandIn, patchbench: Callable[..., int]
) -> None:
    assert patchbench("hot", *line.split()) == UsageError.exit_code
    assert job.calls == []
