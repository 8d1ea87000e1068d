"""The command `ladder`: the ladder that a command line asks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.experiments.session_options import SessionOptions
from bench.run import STEPS
from builder.errors import UsageError
from tests.bench.cli.commands.conftest import StandIn


@pytest.fixture
def job(stand_in: Callable[..., StandIn]) -> StandIn:
    return stand_in("bench.jobs.ladder.job.run_ladder")


def test_a_branch_is_enough(job: StandIn, patchbench: Callable[..., int]) -> None:
    assert patchbench("ladder", "--branch", "2.7") == 0
    request = job.request
    assert (request.branch, request.revision, request.source) == ("2.7", "", "")
    assert (request.series, request.runtime) == ((), "")
    assert (request.steps, request.suite) == (STEPS, ("kernels", "quick"))
    assert (request.gate, request.wheels) == ("core", "")
    assert request.session == SessionOptions()
    assert job.only[1] == {"out": None, "dry_run": False, "as_json": False}


def test_every_option_arrives(job: StandIn, patchbench: Callable[..., int], tmp_path: Path) -> None:
    line = (
        "ladder --branch 3.13 --base v3.13.5 --source debian --series 3.13/a --series 3.13/b "
        "--runtime pypy3 --steps pgo,lto --suite nbody --gate none --budget 90s --blocks 6 "
        "--until blocks --protocol lockstep --seed 5 --wheels w --out o --dry-run --json"
    )
    assert patchbench(*line.split()) == 0
    request = job.request
    assert (request.revision, request.source, request.runtime) == ("v3.13.5", "debian", "pypy3")
    assert request.series == ("3.13/a", "3.13/b")
    assert (request.steps, request.suite) == (("pgo", "lto"), ("nbody",))
    assert (request.gate, request.wheels) == ("none", str(tmp_path / "w"))
    assert request.session == SessionOptions(
        budget=90.0, blocks=6, until="blocks", protocol="lockstep", seed=5
    )
    assert job.only[1] == {"out": Path("o"), "dry_run": True, "as_json": True}


@pytest.mark.parametrize(
    "line", ["", "--branch=", "--branch 2.7 --steps ,", "--branch 2.7 --suite ,"]
)
def test_what_is_missing_or_wrong_is_refused(
    line: str, job: StandIn, patchbench: Callable[..., int]
) -> None:
    assert patchbench("ladder", *line.split()) == UsageError.exit_code
    assert job.calls == []
