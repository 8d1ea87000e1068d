"""Check that a plan, its recipes and its patches agree with each other and with the result."""

from __future__ import annotations

from collections import Counter as Multiset
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from bench.jobs.bundle.agreement import Counter, short
from bench.results import PlanArm, PlannedReplica, PlanRecord
from bench.util import documents
from builder.builds import Recipe
from builder.errors import VerifyError
from builder.patches import Patch, patch


def check_plan(
    plan: Mapping[str, Any], document: Mapping[str, Any], counter: Counter
) -> Iterator[str]:
    """Compare the plan with its copy in the result, and each arm with its recipe and its key.

    Both are parsed JSON, so that unknown keys are compared too.
    """
    yield from counter.differences(document["experiment"], plan, "result.json, experiment")
    yield from counter.differences(plan, document["experiment"], "plan.json")
    arms = {arm.name: arm for arm in plan_of(plan).arms}
    planned = {arm["name"]: arm for arm in plan["arms"]}
    reported = [document["base"], *document["candidates"]]
    names = [row["name"] for row in reported]
    yield from counter.differences(names, list(planned), "result.json, arms")
    for row in reported:
        arm, recorded = arms[row["name"]], planned[row["name"]]
        where = f"result.json, {row['name']}"
        if arm.recipe is None:
            yield from counter.differences(row, {"runtime": recorded["runtime"]}, where)
            continue
        yield from counter.differences(row, _expected(recorded, arm.recipe), where)
        builds = row.get("replicas") or ([row["build"]] if row["build"] else [])
        for number, build in enumerate(builds):
            key = arm.key if arm.replicas is None else arm.replicas[number].key
            yield from counter.differences(build["key"], key, f"{where}, build {number}, key")
        yield from _keys(arm, arm.recipe, counter)


def plan_of(content: Mapping[str, Any]) -> PlanRecord:
    """Convert plan.json to typed values. Raises VerifyError where it is not a valid plan."""
    return documents.typed(
        PlanRecord,
        content,
        where="plan.json",
        what="The plan",
        hint="Get the bundle again from where it was made.",
        error=VerifyError,
    )


def _expected(arm: Mapping[str, Any], recipe: Recipe) -> dict[str, Any]:
    """The fields of an arm in result.json that follow from its recipe."""
    fields = {
        "title": recipe.title + (f", {arm['variant']}" if arm.get("variant") else ""),
        # As recorded: older plans lack the keys that were added later.
        "revision": arm["recipe"]["revision"],
        "series": list(recipe.series),
        "flavor": recipe.flavor.stated,
    }
    optional = ("kind", "variant", "environment")
    return fields | {key: arm[key] for key in optional if key in arm}


def _keys(arm: PlanArm, recipe: Recipe, counter: Counter) -> Iterator[str]:
    where = f"plan.json, {arm.name}"
    paths = [recipe.compiler.path, *(tool.path for tool in recipe.tools)]
    if not all(path.startswith("/") for path in paths if path):
        return  # the key contains the compiler's folder, which was removed for publishing
    replicas = arm.replicas or (PlannedReplica(key=arm.key, replica=recipe.replica),)
    for replica in replicas:
        key = replace(recipe, replica=replica.replica).key
        yield from counter.differences(replica.key, key, f"{where}, key of build {replica.replica}")


def own_name(name: str) -> str:
    """Return an arm's name, for use as one part of a path.

    Raises VerifyError for a name that has more than one part.
    """
    if PurePath(name).name != name:
        raise VerifyError(f"An arm's name leads out of the folder: {short(name)}.")
    return name


def patches_of(folder: Path, plan: PlanRecord, arm: PlanArm) -> tuple[Patch, ...]:
    """The patches of an arm in the order in which they were applied.

    A/A arms and placebos have the patches of the base, which the folder holds once.
    """
    root = folder / "patches" / own_name(arm.name)
    if not root.exists() and arm.kind in ("aa", "placebo"):
        root = root.with_name(own_name(plan.arms[0].name))
    return tuple(
        Patch(name=path.relative_to(folder).as_posix(), data=path.read_bytes())
        for path in sorted(root.glob("*/*"), key=lambda path: path.relative_to(root).parts)
    )


def check_patches(plan: PlanRecord, folder: Path, counter: Counter) -> Iterator[str]:
    """Compare each patch with its digest in the plan, and the touched paths with the recipe."""
    for arm in plan.arms:
        if arm.recipe is None:
            continue  # nothing was built
        patches = patches_of(folder, plan, arm)
        own = [item for item in patches if item.name.startswith(f"patches/{arm.name}/")]
        if arm.patches is not None:
            yield from _digests(own, arm.patches, counter)
        yield from _touched(patches, arm.name, arm.recipe, counter)


def _digests(
    patches: Sequence[Patch], planned: Mapping[str, str], counter: Counter
) -> Iterator[str]:
    digests = {item.name: item.sha256 for item in patches}
    for name in sorted({*digests, *planned}):
        counter.count += 1
        if name not in digests:
            yield f"{name}: the plan has this patch, but the file is missing"
        elif digests[name] != planned.get(name):
            yield f"{name}: it is not the patch of the plan (another SHA-256)"


def _touched(
    patches: Sequence[Patch], name: str, recipe: Recipe, counter: Counter
) -> Iterator[str]:
    """Compare the paths that the patches touch with those that the recipe names as changed.

    A path that several patches touch may have its old content in the end.
    """
    touched = Multiset(
        path
        for item in patches
        for message in patch.parse(item)
        for file in message.files
        for path in file.touched
    )
    changed = set(recipe.changed)
    counter.count += len(changed)
    where = f"patches/{name}"
    for path in sorted(changed - set(touched)):
        yield f"{where}: the recipe names {path} as changed, but no patch changes it"
    for path in sorted(set(touched) - changed):
        if touched[path] == 1:
            yield f"{where}: a patch changes {path}, but the recipe does not name it"
