"""Packing a results folder into a bundle, with a lock of what was installed for its arms.

The lock is read from the home, as far as the home still has it: environments are removed with the
builds that they are of.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.benchmarks import (
    STAMP,
    Benchmark,
    Environment,
    Environments,
    Interpreter,
    PackageSource,
    suites,
)
from bench.context import Context
from bench.jobs.bundle import archive as bundles
from bench.jobs.bundle.agreement import read_part
from bench.jobs.bundle.verify import (
    LOCK,
    PLAN,
    PROTOCOLS,
    folder_checks,
    refuse,
    renderer,
)
from bench.report.formats import catalogue
from bench.results import ArmResult, PlanRecord, Result
from bench.results import result as results
from bench.util import print_json
from builder.errors import StoreError, UsageError, VerifyError
from builder.versions import numbers

_TREES = ("raw", "patches")
_ALONE = (results.FILE, PROTOCOLS)


def bundle(context: Context, folder: Path, *, out: Path | None, as_json: bool) -> int:
    """Pack a results folder, if its own figures agree with each other.

    Raises VerifyError where they do not: nobody else could verify it either.
    """
    document = results.read_document(folder)
    result = results.parse_document(document, str(folder / results.FILE))
    plan = document["experiment"]
    kept = read_part(folder / PLAN)
    for key in ("identity", "seed"):
        if kept.get(key) != plan.get(key):
            raise VerifyError(
                f"The folder's plan and its result are of two runs: their {key} differs.",
                where=str(folder),
                hint=f"Remove {results.FILE} and run it again: it is made from what was measured.",
            )
    reports = catalogue.render_all(result)
    checks = folder_checks(folder, plan, document, reports)
    refuse(checks, "The results folder does not agree with itself", str(folder), "")
    lock = installed(context, result)
    if any(arm["base"] is None for arm in lock["arms"].values()):
        context.show.say(
            f"What was installed for the arms is not known in this home ({context.home.root}): "
            "the bundle says so."
        )
    members: dict[str, bytes | Path] = {
        # As published in the result: what is on disk may hold paths of this machine.
        PLAN: json.dumps(plan, indent=1).encode(),
        LOCK: json.dumps(lock, indent=1).encode(),
        **{name: text.encode() for name, text in reports.items()},
        **dict(_files(folder)),
    }
    target = _target(out, plan)
    top = target.name.removesuffix(".tgz").removesuffix(".tar.gz")
    sha256, size = bundles.pack(
        members, target, top=top, version=version("patchbench"), renderer=renderer()
    )
    if as_json:
        told = {"bundle": str(target), "sha256": sha256, "bytes": size, "members": len(members)}
        print_json(told)
    else:
        sys.stdout.write(f"{sha256}  {target}\n")
    context.show.say(f"{len(members)} files, {size / 1e6:.1f} MB; `patchbench verify` checks them.")
    return 0


def _target(out: Path | None, plan: Mapping[str, Any]) -> Path:
    target = out or Path(f"{plan['name']}-{plan['identity']}.tar.gz")
    if not target.name.endswith(bundles.SUFFIXES) or target.name in bundles.SUFFIXES:
        raise UsageError(
            f"A bundle is a {bundles.SUFFIXES[0]}, and {target.name!r} is called otherwise.",
            hint="For example: --out evidence.tar.gz",
        )
    return target


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """What a run left that is data. Links are refused: what they lead to is nobody's business."""
    found = [folder / name for name in _ALONE]
    for tree in _TREES:
        found += sorted((folder / tree).rglob("*"))
    for path in found:
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise StoreError(
                "The results folder has a link in it.",
                where=str(path),
                hint="Put the file itself there, or remove the link.",
            )
        # What a killed run was writing begins with a dot.
        if path.is_file() and not any(part.startswith(".") for part in Path(name).parts):
            yield name, path


SCHEMA = 1


def installed(context: Context, result: Result) -> dict[str, Any]:
    """The packages of every arm: `base` those of the worker, and by benchmark its requirements.

    None stands for what is not there any more; `harness` is what ran it all.
    """
    plan = result.experiment
    benchmarks = dict(_benchmarks(context, plan, result.base.revision.version))
    environments = Environments(context.home, context.runner, PackageSource())
    arms = {}
    for arm in result.arms:
        told = _interpreter(arm)
        if told is not None:
            arms[arm.name] = _packages(environments.planned(told), benchmarks)
    return {
        "schema": SCHEMA,
        "suite": plan.suite,
        "harness": {name: version(name) for name in ("patchbench", "pyperf", "pyperformance")},
        "arms": arms,
    }


def _interpreter(arm: ArmResult) -> Interpreter | None:
    """What an arm ran, by its identity; None for what did not build."""
    if arm.runtime is not None:
        return Interpreter(
            identity=arm.runtime.identity,
            python=Path("python"),
            version=arm.runtime.version,
            implementation=arm.runtime.implementation,
        )
    if arm.build is None:
        return None
    return Interpreter(
        identity=arm.build.key,
        python=Path("python"),
        version=numbers(arm.build.facts.version),
    )


def _benchmarks(context: Context, plan: PlanRecord, base: str) -> Iterator[tuple[str, Benchmark]]:
    """The plan's benchmarks; none of a manifest, whose place nobody keeps."""
    if plan.suite.startswith("pyperformance "):
        suite = suites.load(base, plan.benchmarks, home=context.home)
        if suite.release == plan.suite:
            for one in suite.benchmarks:
                if one.name in plan.benchmarks:
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
