"""The commands `bundle`, `verify` and `reproduce`: what their jobs are called with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from builder.errors import UsageError
from tests.bench.cli.commands.conftest import StandIn

PACK = "bench.jobs.bundle.pack.bundle"
VERIFY = "bench.jobs.bundle.verify.verify"
REPRODUCE = "bench.jobs.bundle.reproduce.reproduce"


def test_a_folder_is_packed(
    stand_in: Callable[..., StandIn], patchbench: Callable[..., int]
) -> None:
    job = stand_in(PACK)
    assert patchbench("bundle", "results") == 0
    assert patchbench("bundle", "results", "--out", "x.tar.gz", "--json") == 0
    assert job.calls == [
        ((Path("results"),), {"out": None, "as_json": False}),
        ((Path("results"),), {"out": Path("x.tar.gz"), "as_json": True}),
    ]


def test_a_bundle_is_verified_with_a_source_or_without(
    stand_in: Callable[..., StandIn], patchbench: Callable[..., int]
) -> None:
    job = stand_in(VERIFY, code=14)
    assert patchbench("verify", "x.tar.gz") == 14
    assert patchbench("verify", "x.tar.gz", "--source", "debian", "--json") == 14
    assert job.calls == [
        ((Path("x.tar.gz"),), {"origin": None, "as_json": False}),
        ((Path("x.tar.gz"),), {"origin": "debian", "as_json": True}),
    ]


def test_a_bundle_is_reproduced_as_it_was(
    stand_in: Callable[..., StandIn], patchbench: Callable[..., int]
) -> None:
    job = stand_in(REPRODUCE)
    assert patchbench("reproduce", "x.tar.gz") == 0
    (bundle,), named = job.only
    changes = named.pop("overrides")
    assert (bundle, named) == (Path("x.tar.gz"), {"out": None, "as_json": False})
    assert changes == type(changes)()


def test_what_a_reproduction_does_otherwise(
    stand_in: Callable[..., StandIn], patchbench: Callable[..., int]
) -> None:
    job = stand_in(REPRODUCE)
    line = (
        "reproduce x.tar.gz --source git --suite m --wheels w --runtime a=pypy3 --runtime b=/c=d "
        "--gate none --budget 5m --blocks 4 --seed 0 --out o"
    )
    assert patchbench(*line.split()) == 0
    (_bundle,), named = job.only
    assert named["out"] == Path("o")
    assert vars(named["overrides"]) == {
        "source": "git",
        "suite": "m",
        "wheels": "w",
        "gate": "none",
        "budget": "5m",
        "blocks": 4,
        "seed": 0,
        "runtimes": {"a": "pypy3", "b": "/c=d"},
    }


@pytest.mark.parametrize(
    "line",
    [
        "bundle",
        "verify",
        "verify x --source=",
        "reproduce x --runtime pypy3",
        "reproduce x --runtime =pypy3",
        "reproduce x --budget soon",
        "reproduce x --blocks 1",
    ],
)
def test_what_is_missing_or_wrong_is_refused(line: str, patchbench: Callable[..., int]) -> None:
    assert patchbench(*line.split()) == UsageError.exit_code
