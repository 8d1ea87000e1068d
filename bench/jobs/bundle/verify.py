"""Verify a bundle: unpack it without trusting it, then recompute every figure."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.context import Context
from bench.jobs.bundle import archive, recompute, reproduction
from bench.jobs.bundle.agreement import AgreementCheck, read_part
from bench.jobs.bundle.recipes import patches_of, plan_of
from bench.jobs.bundle.recompute import NOT_RECOMPUTED, BundleContents
from bench.report.formats import catalogue
from bench.results import FILE, parse_document, read_document
from bench.session import read_folder
from bench.util import cell, print_json, stdout_console
from builder.errors import PatchbenchError, VerifyError
from builder.files import digest, sha256_of
from builder.patches import adhoc, apply_series
from builder.sources import provide

PLAN = "plan.json"
LOCK = "environment.json"
PROTOCOLS = "protocols.json"
_DATA = (PLAN, LOCK, PROTOCOLS, FILE, archive.MANIFEST)
_SHOWN = 20


def verify(context: Context, source: Path, *, origin: str | None, as_json: bool) -> int:
    """Recompute every figure of a bundle. Raises VerifyError when one does not agree.

    With `origin`, a source of CPython, the patches are applied to its revisions as well: they must
    give the trees that the recipes name.
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
                "as_recorded": NOT_RECOMPUTED,
                "packed_by": unpacked.version,
            }
        )
    else:
        _show(checks, source, sha256)
    refuse(checks, "The bundle does not verify", source.name, unpacked.version)
    return 0


@contextlib.contextmanager
def opened(source: Path) -> Iterator[archive.Unpacked]:
    """Unpack a bundle into a temporary folder, which is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="pb-") as scratch:
        yield archive.unpack(source, Path(scratch))


def archive_check(unpacked: archive.Unpacked) -> AgreementCheck:
    """Compare the members with the manifest."""
    return AgreementCheck(
        name="archive", compared=len(unpacked.members), problems=unpacked.problems
    )


def unpacked_checks(unpacked: archive.Unpacked) -> tuple[AgreementCheck, ...]:
    """Check the contents; a single failed check when they cannot be read at all."""
    folder = unpacked.folder
    try:
        plan, document = read_part(folder / PLAN), read_document(folder)
        parse_document(document)
        reports = {
            name: (folder / name).read_text(encoding="utf-8", errors="replace")
            for name in unpacked.members
            if "/" not in name and name not in _DATA
        }
        if unpacked.renderer == renderer():
            return folder_checks(folder, plan, document, reports)
        checks = folder_checks(folder, plan, document, {})
        note = "made by another version of patchbench, whose wording may differ: not compared"
        return (*checks[:-1], replace(checks[-1], note=note))
    except PatchbenchError as error:
        place = error.where.replace(f"{folder}/", "")
        problem = f"{error.what} {place}".strip()
        return (AgreementCheck(name="contents", compared=0, problems=(problem,)),)


def folder_checks(
    folder: Path, plan: Mapping[str, Any], document: Mapping[str, Any], reports: Mapping[str, str]
) -> tuple[AgreementCheck, ...]:
    """Compare all parts of a results folder with each other."""
    return recompute.verify(
        BundleContents(
            folder=folder,
            plan=plan,
            document=document,
            measured=read_folder(folder / "raw"),
            reports=reports,
            render=catalogue.render_all,
        )
    )


def renderer() -> str:
    """A digest of the code that makes reports: other code may word the same result differently."""
    root = Path(catalogue.__file__).parent
    files = {
        path.relative_to(root).as_posix(): sha256_of(path)
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    return digest([files, {name: version(name) for name in ("Jinja2", "matplotlib")}])


def _trees(context: Context, folder: Path, origin: str) -> AgreementCheck:
    """Apply the bundle's patches to the revisions, and compare the trees with the recipes'."""
    source = provide.provide(
        provide.parse(origin), home=context.home, runner=context.runner, say=context.show.say
    )
    plan = plan_of(read_part(folder / PLAN))
    arms = [(arm, arm.recipe) for arm in plan.arms if arm.recipe is not None]
    problems = []
    for arm, recipe in arms:
        name = reproduction.revision_name(recipe.revision, origin)
        tree = source.repository.tree(source.resolve(name).commit)
        stack = [adhoc(patch.name, patch.data) for patch in patches_of(folder, plan, arm)]
        # Two patches may have one file name.
        named = [replace(series, name=f"{n} {series.name}") for n, series in enumerate(stack)]
        patched = apply_series(source.repository, tree, named).tree
        if patched != recipe.tree:
            problems.append(
                f"patches/{arm.name}: on {name} they give tree {patched[:12]}, but the recipe "
                f"has {recipe.tree[:12]}"
            )
    return AgreementCheck(name="trees", compared=len(arms), problems=tuple(problems))


def _show(checks: list[AgreementCheck], source: Path, sha256: str) -> None:
    console = stdout_console()
    console.print(f"{sha256}  {cell(source.name)}")
    for check in checks:
        state = f"{len(check.problems)} DISAGREE" if check.problems else "agree"
        note = f": {check.note}" if check.note else ""
        console.print(f"  {check.name:12} {check.compared:7} compared  {state}{cell(note)}")
    if not any(check.problems for check in checks):
        console.print("Every figure follows from the raw data.")
        console.print(f"Not recomputed: {NOT_RECOMPUTED}.")


def refuse(checks: Sequence[AgreementCheck], what: str, where: str, packed_by: str) -> None:
    """Raise VerifyError with the problems of `checks`, if there are any.

    `what` and `where` begin the message; `packed_by` is the version that packed the bundle, or "".
    """
    problems = [problem for check in checks for problem in check.problems]
    if not problems:
        return
    shown = problems[:_SHOWN]
    if len(problems) > _SHOWN:
        shown.append(f"... and {len(problems) - _SHOWN} more (--json lists all)")
    own = version("patchbench")
    hint = "It was altered after the measurement, or damaged: get it again from its source."
    if packed_by not in ("", own):
        hint += f" It was packed by patchbench {packed_by}; this is {own}."
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    raise VerifyError(f"{what}: {count}.", where="\n".join([where, *shown]), hint=hint)
