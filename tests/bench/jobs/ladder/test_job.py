from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.context import Context
from bench.experiments.session_options import SessionOptions
from bench.jobs.ladder.job import LadderRequest, run_ladder
from bench.util.console import Show
from builder.errors import ExperimentError, UsageError
from builder.home import Home
from builder.process import SystemRunner
from builder.runtimes import runtime as runtimes
from builder.runtimes.runtime import Runtime
from tests import fake
from tests.fake.repository import commit_tree

SUITE = Path(fake.__file__).parent / "suite" / "MANIFEST"
MANIFEST = """
title = "x"
why = "x"
applies_to = ">=3.13.0,<3.14"
upstream = "none"
status = "{status}"
effect = "x"
mechanism = "x"
conflicts = [{conflicts}]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ladder")
    commit_tree(folder / "fake.git", fake.write_tree(folder / "tree"))
    for name, status, conflicts in (
        ("a-first", "not proposed", ""),
        ("b-other", "not proposed", '"3.13/a-first"'),
        ("c-padding", "placebo", ""),
        ("d-slower", "yardstick", ""),
    ):
        series = folder / "patches" / "3.13" / name
        series.mkdir(parents=True)
        (series / "0001-x.patch").write_bytes(fake.speed_patch(1.5))
        (series / "series.toml").write_text(MANIFEST.format(status=status, conflicts=conflicts))
    return folder


def context(place: Path) -> Context:
    return Context(
        home=Home(root=place / "home", host_lock=place / "host.lock"),
        project=place,
        runner=SystemRunner(),
        show=Show(quiet=True),
    )


def request(place: Path, *steps: str, runtime: str = "") -> LadderRequest:
    return LadderRequest(
        branch="3.13",
        revision="main",
        source=str(place / "fake.git"),
        steps=steps,
        suite=(str(SUITE),),
        gate="none",
        runtime=runtime,
        session=SessionOptions(blocks=3, seed=7, protocol="lockstep", process_seconds=0.05),
    )


def test_series_that_go_together_are_on_it(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = request(place, "gotos", "lto", "series")
    assert run_ladder(context(place), options, out=None, dry_run=True, as_json=False) == 0
    shown = capsys.readouterr().out
    assert "# series: 3.13.5 lto + 3.13/a-first, build" in shown
    assert "# series-alone: 3.13.5 plain + 3.13/a-first, build" in shown
    for other in ("b-other", "c-padding", "d-slower"):
        assert other not in shown


def test_without_a_runtime_the_ladder_ends_before_it(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_asked: object) -> Runtime:
        raise UsageError("There is no such runtime.")

    monkeypatch.setattr(runtimes, "find", nothing)
    options = request(place, "gotos", "lto", "pypy")
    assert run_ladder(context(place), options, out=None, dry_run=True, as_json=False) == 0
    assert "pypy" not in capsys.readouterr().out
    options = request(place, "gotos", "pypy", runtime="/no/such/pypy")
    with pytest.raises(UsageError):
        run_ladder(context(place), options, out=None, dry_run=True, as_json=False)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"session": SessionOptions(blocks=3, replicas=4)}, "--replicas is 4, and --blocks 3"),
        ({"branch": "a/b"}, "--branch is 'ladder-a/b'"),
        ({"gate": "some"}, "--gate is 'some'"),
    ],
)
def test_what_is_wrong_is_named_by_its_option(
    changed: dict[str, Any], what: str, place: Path
) -> None:
    options = replace(request(place, "gotos", "lto"), **changed)
    with pytest.raises(ExperimentError) as caught:
        run_ladder(context(place), options, out=None, dry_run=True, as_json=False)
    assert caught.value.what.startswith(what)
    assert caught.value.where == "the command line"


@pytest.mark.slow
def test_a_ladder_is_measured_and_told(place: Path, tmp_path: Path) -> None:
    options = request(place, "gotos", "lto", "series")
    assert (
        run_ladder(context(place), options, out=tmp_path / "out", dry_run=False, as_json=True) == 0
    )

    result = json.loads((tmp_path / "out" / "result.json").read_text())
    rungs = {rung["name"]: rung for rung in result["ladder"]}
    assert list(rungs) == ["gotos", "lto", "series", "lto-alone", "series-alone"]
    # The patch makes it half as slow again.
    assert rungs["series"]["step"]["ratio"] == pytest.approx(1.5, rel=0.2)
    assert {"ladder.md", "ladder.svg", "ladder.html"} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }
