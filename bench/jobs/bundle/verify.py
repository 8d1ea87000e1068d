"""Verifying a bundle: unpacked with suspicion, then every figure computed again."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.context import Context
from bench.jobs.bundle import archive as bundles
from bench.jobs.bundle import recompute, reproduction
from bench.jobs.bundle.agreement import AgreementCheck, read_part
from bench.jobs.bundle.recipes import patches_of, plan_of
from bench.jobs.bundle.recompute import AS_RECORDED, Evidence
from bench.report.formats import catalogue
from bench.results import result as results
from bench.session import read_folder
from bench.util import cell, print_json, stdout_console
from builder.errors import PatchbenchError, VerifyError
from builder.files import digest, sha256_of
from builder.patches import adhoc, apply_series
from builder.sources import provide

PLAN = "plan.json"
LOCK = "environment.json"
PROTOCOLS = "protocols.json"
_DATA = (PLAN, LOCK, PROTOCOLS, results.FILE, bundles.MANIFEST)
_SHOWN = 20


def verify(context: Context, source: Path, *, origin: str | None, as_json: bool) -> int:
    """Recompute every figure of a bundle. Raises VerifyError when any does not agree.

    With `origin`, a source of CPython, its patches are applied there as well: they must give the
    trees that the recipes name.
    """
    with opened(source) as unpacked:
        checks = [archive_check(unpacked), *unpacked_checks(unpacked)]
        if origin is not None:
            checks.append(_trees(context, unpacked.folder, origin))
        sha256 = sha256_of(source)
    if as_json:
        print_json(
            {
                "bundle": source.name,
                "sha256": sha256,
                "agrees": not any(check.problems for check in checks),
                "checks": [asdict(check) for check in checks],
                "as_recorded": AS_RECORDED,
                "packed_by": unpacked.version,
            }
        )
    else:
        _tell(checks, source, sha256)
    refuse(checks, "The bundle does not verify", source.name, unpacked.version)
    return 0


@contextlib.contextmanager
def opened(source: Path) -> Iterator[bundles.Unpacked]:
    """A bundle, unpacked for as long as that takes."""
    with tempfile.TemporaryDirectory(prefix="pb-") as scratch:
        yield bundles.unpack(source, Path(scratch))


def archive_check(unpacked: bundles.Unpacked) -> AgreementCheck:
    """Its members against its manifest."""
    return AgreementCheck(
        name="archive", compared=len(unpacked.members), problems=unpacked.problems
    )


def unpacked_checks(unpacked: bundles.Unpacked) -> tuple[AgreementCheck, ...]:
    """The checks of what is in it; one that fails when it cannot be read at all."""
    folder = unpacked.folder
    try:
        plan, document = read_part(folder / PLAN), results.read_document(folder)
        results.parse_document(document)
        reports = {
            name: (folder / name).read_text(encoding="utf-8", errors="replace")
            for name in unpacked.members
            if "/" not in name and name not in _DATA
        }
        if unpacked.renderer == renderer():
            return folder_checks(folder, plan, document, reports)
        checks = folder_checks(folder, plan, document, {})
        note = "made by another patchbench, whose words may differ: not compared"
        return (*checks[:-1], replace(checks[-1], note=note))
    except PatchbenchError as error:
        place = error.where.replace(f"{folder}/", "")
        problem = f"{error.what} {place}".strip()
        return (AgreementCheck(name="contents", compared=0, problems=(problem,)),)


def folder_checks(
    folder: Path, plan: Mapping[str, Any], document: Mapping[str, Any], reports: Mapping[str, str]
) -> tuple[AgreementCheck, ...]:
    """Everything in a results folder held against each other."""
    return recompute.verify(
        Evidence(
            folder=folder,
            plan=plan,
            document=document,
            measured=read_folder(folder / "raw"),
            reports=reports,
            render=catalogue.render_all,
        )
    )


def renderer() -> str:
    """A digest of all that makes reports: another one may say the same in other words."""
    root = Path(catalogue.__file__).parent
    files = {
        path.relative_to(root).as_posix(): sha256_of(path)
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    return digest([files, {name: version(name) for name in ("Jinja2", "matplotlib")}])


def _trees(context: Context, folder: Path, origin: str) -> AgreementCheck:
    """The bundle's patches on the revisions themselves: the trees that were compiled."""
    source = provide.provide(
        provide.parse(origin), home=context.home, runner=context.runner, say=context.show.say
    )
    plan = plan_of(read_part(folder / PLAN))
    arms = [(arm, arm.recipe) for arm in plan.arms if arm.recipe is not None]
    problems = []
    for arm, recipe in arms:
        name = reproduction.revision_name(recipe.revision, origin)
        tree = source.repository.tree(source.resolve(name).commit)
        stack = [adhoc(one.name, one.data) for one in patches_of(folder, plan, arm)]
        # Two patches of one file name are two patches.
        named = [replace(one, name=f"{n} {one.name}") for n, one in enumerate(stack)]
        found = apply_series(source.repository, tree, named).tree
        if found != recipe.tree:
            problems.append(
                f"patches/{arm.name}: on {name} they give tree {found[:12]}, and the recipe "
                f"has {recipe.tree[:12]}"
            )
    return AgreementCheck(name="trees", compared=len(arms), problems=tuple(problems))


def _tell(checks: list[AgreementCheck], source: Path, sha256: str) -> None:
    console = stdout_console()
    console.print(f"{sha256}  {cell(source.name)}")
    for check in checks:
        state = f"{len(check.problems)} DISAGREE" if check.problems else "agree"
        told = f": {check.note}" if check.note else ""
        console.print(f"  {check.name:12} {check.compared:7} compared  {state}{cell(told)}")
    if not any(check.problems for check in checks):
        console.print(f"Every figure follows from the raw data. As recorded: {AS_RECORDED}.")


def refuse(checks: Sequence[AgreementCheck], what: str, where: str, packed_by: str) -> None:
    """Raise VerifyError, naming each, where something does not agree."""
    problems = [problem for check in checks for problem in check.problems]
    if not problems:
        return
    shown = problems[:_SHOWN]
    if len(problems) > _SHOWN:
        shown.append(f"... and {len(problems) - _SHOWN} more (--json tells all)")
    own = version("patchbench")
    hint = "Something was altered after it was measured, or damaged: get it from where it was made."
    if packed_by not in ("", own):
        hint += f" It was packed by patchbench {packed_by}; this is {own}."
    count = f"{len(problems)} thing{'s' if len(problems) > 1 else ''}"
    raise VerifyError(f"{what}: {count}.", where="\n".join([where, *shown]), hint=hint)
