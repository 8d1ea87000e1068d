"""Pack a results folder into a bundle, with a list of the packages installed for its arms.

That list, environment.json, is read from the home, as far as the home still has the environments:
they are removed together with their builds.
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
from bench.jobs.bundle import archive
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
from bench.results import FILE, ArmResult, PlanRecord, Result, parse_document, read_document
from bench.util import print_json
from builder.errors import StoreError, UsageError, VerifyError
from builder.versions import numbers

_TREES = ("raw", "patches", "changes")
_SINGLE_FILES = (FILE, PROTOCOLS)


def bundle(context: Context, folder: Path, *, out: Path | None, as_json: bool) -> int:
    """Pack a results folder whose figures agree with each other.

    Raises VerifyError where they do not agree: the bundle could not be verified.
    """
    document = read_document(folder)
    result = parse_document(document, str(folder / FILE))
    plan = document["experiment"]
    plan_file = read_part(folder / PLAN)
    for key in ("identity", "seed"):
        if plan_file.get(key) != plan.get(key):
            raise VerifyError(
                f"The folder's plan and its result are of two runs: their {key} differs.",
                where=str(folder),
                hint=f"Remove {FILE} and continue the run: {FILE} is computed from the raw data.",
            )
    reports = catalogue.render_all(result)
    checks = folder_checks(folder, plan, document, reports)
    refuse(checks, "The results folder does not agree with itself", str(folder), "")
    lock = installed(context, result)
    if any(arm["base"] is None for arm in lock["arms"].values()):
        context.show.say(
            f"{LOCK} is incomplete: this home ({context.home.root}) no longer has all "
            "environments of the run."
        )
    members: dict[str, bytes | Path] = {
        # As published in the result: plan.json on disk may hold paths of this machine.
        PLAN: json.dumps(plan, indent=1).encode(),
        LOCK: json.dumps(lock, indent=1).encode(),
        **{name: text.encode() for name, text in reports.items()},
        **dict(_files(folder)),
    }
    target = _target(out, plan)
    top = target.name.removesuffix(".tgz").removesuffix(".tar.gz")
    sha256, size = archive.pack(
        members, target, top=top, version=version("patchbench"), renderer=renderer()
    )
    if as_json:
        print_json(
            {"bundle": str(target), "sha256": sha256, "bytes": size, "members": len(members)}
        )
    else:
        sys.stdout.write(f"{sha256}  {target}\n")
    context.show.say(f"{len(members)} files, {size / 1e6:.1f} MB; `patchbench verify` checks them.")
    return 0


def _target(out: Path | None, plan: Mapping[str, Any]) -> Path:
    target = out or Path(f"{plan['name']}-{plan['identity']}.tar.gz")
    if not target.name.endswith(archive.SUFFIXES) or target.name in archive.SUFFIXES:
        raise UsageError(
            f"The name of a bundle must end with {' or '.join(archive.SUFFIXES)}: {target.name!r}.",
            hint="For example: --out evidence.tar.gz",
        )
    return target


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """The data files of a run. Refuses links, which may lead to private files."""
    paths = [folder / name for name in _SINGLE_FILES]
    for tree in _TREES:
        paths += sorted((folder / tree).rglob("*"))
    for path in paths:
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise StoreError(
                "The results folder contains a link.",
                where=str(path),
                hint="Replace the link with the file itself, or remove it.",
            )
        # Names of partly written files of a killed run begin with a dot.
        if path.is_file() and not any(part.startswith(".") for part in Path(name).parts):
            yield name, path


SCHEMA = 1


def installed(context: Context, result: Result) -> dict[str, Any]:
    """The packages of every arm: `base` are the worker's, `benchmarks` those of each benchmark.

    None stands for an environment that was removed; `harness` has the versions of patchbench and
    its libraries.
    """
    plan = result.experiment
    benchmarks = dict(_benchmarks(context, plan, result.base.revision.version))
    environments = Environments(context.home, context.runner, PackageSource())
    arms = {}
    for arm in result.arms:
        interpreter = _interpreter(arm)
        if interpreter is not None:
            arms[arm.name] = _packages(environments.planned(interpreter), benchmarks)
    return {
        "schema": SCHEMA,
        "suite": plan.suite,
        "harness": {name: version(name) for name in ("patchbench", "pyperf", "pyperformance")},
        "arms": arms,
    }


def _interpreter(arm: ArmResult) -> Interpreter | None:
    """The interpreter of an arm, by its identity; None where the build failed."""
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
    """The plan's benchmarks by name; none of a manifest, whose path is not recorded."""
    if plan.suite.startswith("pyperformance "):
        suite = suites.load(base, plan.benchmarks, home=context.home)
        if suite.release == plan.suite:
            for benchmark in suite.benchmarks:
                if benchmark.name in plan.benchmarks:
                    yield benchmark.name, benchmark


def _packages(environment: Environment, benchmarks: Mapping[str, Benchmark]) -> dict[str, Any]:
    layers = {name: environment.layer(benchmark) for name, benchmark in benchmarks.items()}
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
        return [str(package) for package in packages]
    except (OSError, ValueError, LookupError, TypeError):
        return None
