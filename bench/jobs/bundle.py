"""Packing a results folder into a bundle."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import bundle as bundles
from bench import result as results
from bench.agreement import read_json
from bench.jobs.context import Context
from bench.jobs.inspect import print_json
from bench.jobs.installed import installed
from bench.jobs.verify import LOCK, PLAN, PROTOCOLS, folder_checks, refuse, rendered, renderer
from builder.errors import StoreError, UsageError, VerifyError

_TREES = ("raw", "patches")
_ALONE = (results.FILE, PROTOCOLS)


def bundle(context: Context, folder: Path, *, out: Path | None, as_json: bool) -> int:
    """Pack a results folder, if its own figures agree with each other.

    Raises VerifyError where they do not: nobody else could verify it either.
    """
    result = results.read(folder)
    plan = result["experiment"]
    kept = read_json(folder / PLAN)
    for key in ("identity", "seed"):
        if kept.get(key) != plan.get(key):
            raise VerifyError(
                f"The folder's plan and its result are of two runs: their {key} differs.",
                where=str(folder),
                hint=f"Remove {results.FILE} and run it again: it is made from what was measured.",
            )
    reports = rendered(result)
    checks = folder_checks(folder, plan, result, reports)
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
