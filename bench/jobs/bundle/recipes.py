"""Whether a plan, its recipes and its patches agree with each other and with the result."""

from __future__ import annotations

from collections import Counter as Multiset
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
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
    """The plan as recorded in the result; each arm against its recipe, each key recomputed.

    Both are the files as they stand: what no reader knows is compared as well.
    """
    yield from counter.unlike(document["experiment"], plan, "result.json, experiment")
    yield from counter.unlike(plan, document["experiment"], "plan.json")
    arms = {arm.name: arm for arm in plan_of(plan).arms}
    planned = {arm["name"]: arm for arm in plan["arms"]}
    reported = [document["base"], *document["candidates"]]
    yield from counter.unlike([one["name"] for one in reported], list(planned), "result.json, arms")
    for one in reported:
        arm, recorded = arms[one["name"]], planned[one["name"]]
        where = f"result.json, {one['name']}"
        if arm.recipe is None:
            yield from counter.unlike(one, {"runtime": recorded["runtime"]}, where)
            continue
        yield from counter.unlike(one, _expected(recorded, arm.recipe), where)
        builds = one.get("replicas") or ([one["build"]] if one["build"] else [])
        for number, build in enumerate(builds):
            key = arm.key if arm.replicas is None else arm.replicas[number].key
            yield from counter.unlike(build["key"], key, f"{where}, build {number}, key")
        yield from _keys(arm, arm.recipe, counter)


def plan_of(content: Mapping[str, Any]) -> PlanRecord:
    """A plan as its values. Raises VerifyError for what is none."""
    return documents.typed(
        PlanRecord,
        content,
        where="plan.json",
        what="The plan",
        hint="Get the bundle again from where it was made.",
        error=VerifyError,
    )


def _expected(arm: Mapping[str, Any], recipe: Recipe) -> dict[str, Any]:
    """What an arm in result.json takes from its recipe."""
    told = {
        "title": recipe.title + (f", {arm['variant']}" if arm.get("variant") else ""),
        "revision": asdict(recipe.revision),
        "series": list(recipe.series),
        "flavor": recipe.flavor.content,
    }
    return told | {key: arm[key] for key in ("kind", "variant") if key in arm}


def _keys(arm: PlanArm, recipe: Recipe, counter: Counter) -> Iterator[str]:
    where = f"plan.json, {arm.name}"
    if not recipe.compiler.path.startswith("/"):
        return  # its folder was taken out of what is published, and is a part of the key
    replicas = arm.replicas or (PlannedReplica(key=arm.key, replica=recipe.replica),)
    for one in replicas:
        key = replace(recipe, replica=one.replica).key
        yield from counter.unlike(one.key, key, f"{where}, key of build {one.replica}")


def own_name(name: str) -> str:
    """An arm's name that is to be a part of a path. Raises VerifyError for one that leads away."""
    if PurePath(name).name != name:
        raise VerifyError(f"An arm's name leads out of the folder: {short(name)}.")
    return name


def patches_of(folder: Path, plan: PlanRecord, arm: PlanArm) -> tuple[Patch, ...]:
    """The patches of an arm in the order in which they were applied.

    Arms that a session adds to the base have the base's, which are kept once.
    """
    root = folder / "patches" / own_name(arm.name)
    if not root.exists() and arm.kind in ("aa", "placebo"):
        root = root.with_name(own_name(plan.arms[0].name))
    return tuple(
        Patch(name=path.relative_to(folder).as_posix(), data=path.read_bytes())
        for path in sorted(root.glob("*/*"), key=lambda path: path.relative_to(root).parts)
    )


def check_patches(plan: PlanRecord, folder: Path, counter: Counter) -> Iterator[str]:
    """Each patch against its digest in the plan, and what they touch against the recipe."""
    for arm in plan.arms:
        if arm.recipe is None:
            continue  # nothing was built
        found = patches_of(folder, plan, arm)
        own = [one for one in found if one.name.startswith(f"patches/{arm.name}/")]
        if arm.patches is not None:
            yield from _digests(own, arm.patches, counter)
        yield from _touched(found, arm.name, arm.recipe, counter)


def _digests(found: Sequence[Patch], kept: Mapping[str, str], counter: Counter) -> Iterator[str]:
    digests = {one.name: one.sha256 for one in found}
    for name in sorted({*digests, *kept}):
        counter.count += 1
        if name not in digests:
            yield f"{name}: the plan has this patch, and it is not there"
        elif digests[name] != kept.get(name):
            yield f"{name}: it is not the patch of the plan (another SHA-256)"


def _touched(found: Sequence[Patch], name: str, recipe: Recipe, counter: Counter) -> Iterator[str]:
    """The paths that the patches change. One that several touch may be as before in the end."""
    touched = Multiset(
        path
        for one in found
        for message in patch.parse(one)
        for file in message.files
        for path in file.touched
    )
    changed = set(recipe.changed)
    counter.count += len(changed)
    where = f"patches/{name}"
    for path in sorted(changed - set(touched)):
        yield f"{where}: the recipe says that {path} was changed, and no patch does that"
    for path in sorted(set(touched) - changed):
        if touched[path] == 1:
            yield f"{where}: a patch changes {path}, and the recipe does not say so"
