"""What was installed for a run's arms: the lock of its environments, read from the home.

It is told as far as the home still knows: environments go with the builds that they are of.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import suites
from bench.environments import STAMP, Environment, Environments, Interpreter
from bench.jobs.context import Context
from bench.packages import PackageSource
from bench.suites import Benchmark
from builder.spec import numbers

SCHEMA = 1


def installed(context: Context, result: Mapping[str, Any]) -> dict[str, Any]:
    """The packages of every arm: `base` those of the worker, and by benchmark its requirements.

    None stands for what is not there any more; `harness` is what ran it all.
    """
    plan = result["experiment"]
    benchmarks = dict(_benchmarks(context, plan, result["base"]["revision"]["version"]))
    environments = Environments(context.home, context.runner, PackageSource())
    arms = {}
    for arm in [result["base"], *result["candidates"]]:
        told = _interpreter(arm)
        if told is not None:
            arms[arm["name"]] = _packages(environments.planned(told), benchmarks)
    return {
        "schema": SCHEMA,
        "suite": plan["suite"],
        "harness": {name: version(name) for name in ("patchbench", "pyperf", "pyperformance")},
        "arms": arms,
    }


def _interpreter(arm: Mapping[str, Any]) -> Interpreter | None:
    """What an arm ran, by its identity; None for what did not build."""
    if arm.get("runtime"):
        runtime = arm["runtime"]
        return Interpreter(
            identity=runtime["identity"],
            python=Path("python"),
            version=runtime["version"],
            implementation=runtime["implementation"],
        )
    if not arm["build"]:
        return None
    return Interpreter(
        identity=arm["build"]["key"],
        python=Path("python"),
        version=numbers(arm["build"]["facts"]["version"]),
    )


def _benchmarks(
    context: Context, plan: Mapping[str, Any], base: str
) -> Iterator[tuple[str, Benchmark]]:
    """The plan's benchmarks; none of a manifest, whose place nobody keeps."""
    if str(plan["suite"]).startswith("pyperformance "):
        suite = suites.load(base, tuple(plan["benchmarks"]), home=context.home)
        if suite.release == plan["suite"]:
            for one in suite.benchmarks:
                if one.name in plan["benchmarks"]:
                    yield one.name, one


def _packages(environment: Environment, benchmarks: Mapping[str, Benchmark]) -> dict[str, Any]:
    layers = {name: environment.layer(one) for name, one in benchmarks.items()}
    return {
        "base": _read(environment.folder / STAMP),
        "benchmarks": {
            name: _read(layer.with_name(f"{layer.name}.json"))
            for name, layer in layers.items()
            if layer is not None
        },
    }


def _read(stamp: Path) -> list[str] | None:
    try:
        packages = json.loads(stamp.read_text(encoding="utf-8"))["packages"]
        return [str(one) for one in packages]
    except (OSError, ValueError, LookupError, TypeError):
        return None
