"""The command `bisect`: the request that a command line becomes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.commands.bisect import BLOCKS
from bench.experiments.session_options import SessionOptions
from builder.builds.recipe import Flavor
from builder.errors import UsageError
from builder.sources.provide import SourceSpec
from tests.bench.cli.commands.conftest import StandIn

SEARCH, STEP = "bench.jobs.bisect.job.bisect", "bench.jobs.bisect.job.step"


@pytest.fixture
def search(stand_in: Callable[..., StandIn]) -> StandIn:
    return stand_in(SEARCH)


def test_little_is_needed(search: StandIn, patchbench: Callable[..., int]) -> None:
    assert patchbench("bisect", "v3.13.0", "main", "--benchmark", "nbody,richards") == 0
    request = search.request
    assert (request.good, request.bad) == ("v3.13.0", "main")
    assert request.suite == ("nbody", "richards")
    assert request.source == SourceSpec(kind="default")
    assert (request.gate, request.wheels, request.out) == ("core", "", None)
    assert (request.skip, request.first_parent) == ((), False)
    assert request.flavor == Flavor()
    # Each commit is measured to the end, so that all are known equally well.
    assert request.session == SessionOptions(blocks=BLOCKS, until="blocks")
    assert search.only[1] == {"as_json": False}


def test_every_option_arrives(
    search: StandIn, patchbench: Callable[..., int], tmp_path: Path
) -> None:
    line = (
        "bisect a b --benchmark x --suite own/MANIFEST --source clone --skip c --skip d "
        "--first-parent --out out --pgo --lto --gate none --blocks 20 --budget 2m --replicas 3 "
        "--margin 0.02 --protocol corun --seed 7 --wheels w --json"
    )
    assert patchbench(*line.split()) == 0
    request = search.request
    assert request.suite == (str(tmp_path / "own" / "MANIFEST"), "x")
    assert request.source == SourceSpec(kind="git", location="clone")
    assert (request.skip, request.first_parent) == (("c", "d"), True)
    assert (request.out, request.wheels) == (Path("out"), str(tmp_path / "w"))
    assert (request.flavor, request.gate) == (Flavor(pgo=True, lto=True), "none")
    assert request.session == SessionOptions(
        margin=0.02,
        blocks=20,
        budget=120.0,
        protocol="corun",
        seed=7,
        replicas=3,
        until="blocks",
    )
    assert search.only[1] == {"as_json": True}


@pytest.mark.parametrize(
    ("words", "revision"),
    [(["--step"], "HEAD"), (["--step", "abc"], "abc"), (["--step=abc"], "abc")],
)
def test_a_step_is_of_the_clone_in_the_current_folder(
    words: list[str],
    revision: str,
    search: StandIn,
    stand_in: Callable[..., StandIn],
    patchbench: Callable[..., int],
) -> None:
    step = stand_in(STEP, code=1)
    assert patchbench("bisect", "a", "b", "--benchmark", "x", *words) == 1
    (request, asked), named = step.only
    assert (asked, named) == (revision, {})
    assert request.source == SourceSpec(kind="git", location=".")
    assert search.calls == []


@pytest.mark.parametrize("words", ["--replicas 4 --blocks 3", "--replicas 16"])
def test_more_replicas_than_blocks_are_refused(
    words: str,
    search: StandIn,
    patchbench: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = ("bisect", "a", "b", "--benchmark", "x", *words.split())
    assert patchbench(*line) == UsageError.exit_code
    assert "--replicas" in capsys.readouterr().err
    assert search.calls == []


@pytest.mark.parametrize("line", ["a b", "a --benchmark x", "a b --benchmark ,", "a b --gate some"])
def test_what_is_missing_or_wrong_is_refused(
    line: str, search: StandIn, patchbench: Callable[..., int]
) -> None:
    assert patchbench("bisect", *line.split()) == UsageError.exit_code
    assert search.calls == []
