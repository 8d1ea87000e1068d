from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.benchmarks import suites
from bench.benchmarks.environments import STAMP, Environments, Interpreter
from bench.benchmarks.packages import PackageSource
from bench.context import Context
from bench.jobs.bundle.pack import installed
from bench.results.result import parse_document
from bench.results.shape import Result
from bench.util.console import Show
from builder.home import Home
from builder.process import SystemRunner
from tests.golden.specimen import specimen

KEY = "0123456789abcdef"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    home = Home(root=tmp_path / "home", host_lock=tmp_path / "lock")
    return Context(home=home, project=tmp_path, runner=SystemRunner(), show=Show(quiet=True))


def result(suite: str, *benchmarks: str) -> Result:
    """A run whose only candidate did not build."""
    whole = parse_document(specimen())
    assert whole.base.build is not None
    plan = replace(whole.experiment, suite=suite, benchmarks=benchmarks)
    base = replace(whole.base, build=replace(whole.base.build, key=KEY))
    broken = replace(whole.candidates[0], build=None)
    return replace(whole, experiment=plan, base=base, candidates=(broken,))


def test_what_was_installed_is_told_by_arm_and_benchmark(context: Context) -> None:
    suite = suites.modern("3.13.5")
    with_layer = next(benchmark for benchmark in suite.benchmarks if benchmark.requirements)
    interpreter = Interpreter(identity=KEY, python=Path("anywhere"), version="3.13.5")
    environment = Environments(context.home, context.runner, PackageSource()).planned(interpreter)
    layer = environment.layer(with_layer)
    assert layer is not None
    layer.parent.mkdir(parents=True)
    (environment.folder / STAMP).write_text(json.dumps({"packages": ["pyperf==2.10.0"]}))
    layer.with_name(f"{layer.name}.json").write_text(json.dumps({"packages": ["dulwich==1.0"]}))

    lock = installed(context, result(suite.release, "nbody", with_layer.name))
    assert lock["suite"] == suite.release
    assert lock["arms"] == {
        "base": {"base": ["pyperf==2.10.0"], "benchmarks": {with_layer.name: ["dulwich==1.0"]}}
    }
    assert lock["harness"]["pyperf"]


@pytest.mark.parametrize("stamp", [None, "", "[]", '{"packages": 3}'])
def test_what_is_not_there_any_more_is_not_known(stamp: str | None, context: Context) -> None:
    if stamp is not None:
        interpreter = Interpreter(identity=KEY, python=Path("anywhere"), version="3.13.5")
        folder = (
            Environments(context.home, context.runner, PackageSource()).planned(interpreter).folder
        )
        folder.mkdir(parents=True)
        (folder / STAMP).write_text(stamp)

    lock = installed(context, result("kernels 0123", "nbody"))
    assert lock["arms"] == {"base": {"base": None, "benchmarks": {}}}
