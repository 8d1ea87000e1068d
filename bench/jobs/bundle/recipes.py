"""Whether a plan, its recipes and its patches agree with each other and with the result."""

from __future__ import annotations

from collections import Counter as Multiset
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path, PurePath
from typing import Any

from bench.jobs.bundle.agreement import Counter, short
from builder.builds import CompilerIdentity, Flavor, Recipe
from builder.errors import VerifyError
from builder.patches import Patch, patch
from builder.sources import Revision


def check_plan(
    plan: Mapping[str, Any], result: Mapping[str, Any], counter: Counter
) -> Iterator[str]:
    """The plan as recorded in the result; each arm against its recipe, each key recomputed."""
    yield from counter.unlike(result["experiment"], plan, "result.json, experiment")
    yield from counter.unlike(plan, result["experiment"], "plan.json")
    planned = {arm["name"]: arm for arm in plan["arms"]}
    reported = [result["base"], *result["candidates"]]
    yield from counter.unlike([one["name"] for one in reported], list(planned), "result.json, arms")
    for one in reported:
        arm = planned[one["name"]]
        where = f"result.json, {one['name']}"
        if arm.get("runtime") is not None:
            yield from counter.unlike(one, {"runtime": arm["runtime"]}, where)
            continue
        recipe = recipe_of(arm["recipe"])
        yield from counter.unlike(one, _expected(arm, recipe), where)
        builds = one.get("replicas") or ([one["build"]] if one["build"] else [])
        for number, build in enumerate(builds):
            key = arm["replicas"][number]["key"] if "replicas" in arm else arm["key"]
            yield from counter.unlike(build["key"], key, f"{where}, build {number}, key")
        yield from _keys(arm, recipe, counter)


def _expected(arm: Mapping[str, Any], recipe: Recipe) -> dict[str, Any]:
    """What an arm in result.json takes from its recipe."""
    told = {
        "title": recipe.title + (f", {arm['variant']}" if arm.get("variant") else ""),
        "revision": asdict(recipe.revision),
        "series": list(recipe.series),
        "flavor": recipe.flavor.content,
    }
    return told | {key: arm[key] for key in ("kind", "variant") if key in arm}


def _keys(arm: Mapping[str, Any], recipe: Recipe, counter: Counter) -> Iterator[str]:
    where = f"plan.json, {arm['name']}"
    if not recipe.compiler.path.startswith("/"):
        return  # its folder was taken out of what is published, and is a part of the key
    replicas = arm.get("replicas") or [{"key": arm["key"], "replica": recipe.replica}]
    for one in replicas:
        key = replace(recipe, replica=one["replica"]).key
        yield from counter.unlike(one["key"], key, f"{where}, key of build {one['replica']}")


def recipe_of(data: Mapping[str, Any]) -> Recipe:
    """A recipe from plan.json. Raises KeyError or TypeError for what is none."""
    nested = {
        "revision": Revision(**data["revision"]),
        "flavor": Flavor.of(data["flavor"]),
        "compiler": CompilerIdentity(**data["compiler"]),
        "series": tuple(data["series"]),
        "changed": tuple(data["changed"]),
    }
    return Recipe(**{**data, **nested})


def own_name(name: str) -> str:
    """An arm's name that is to be a part of a path. Raises VerifyError for one that leads away."""
    if PurePath(name).name != name:
        raise VerifyError(f"An arm's name leads out of the folder: {short(name)}.")
    return name


def patches_of(folder: Path, plan: Mapping[str, Any], arm: Mapping[str, Any]) -> tuple[Patch, ...]:
    """The patches of an arm in the order in which they were applied.

    Arms that a session adds to the base have the base's, which are kept once.
    """
    root = folder / "patches" / own_name(arm["name"])
    if not root.exists() and arm.get("kind") in ("aa", "placebo"):
        root = root.with_name(own_name(plan["arms"][0]["name"]))
    return tuple(
        Patch(name=path.relative_to(folder).as_posix(), data=path.read_bytes())
        for path in sorted(root.glob("*/*"), key=lambda path: path.relative_to(root).parts)
    )


def check_patches(plan: Mapping[str, Any], folder: Path, counter: Counter) -> Iterator[str]:
    """Each patch against its digest in the plan, and what they touch against the recipe."""
    for arm in plan["arms"]:
        if arm.get("runtime") is not None:
            continue  # nothing was built
        found = patches_of(folder, plan, arm)
        own = [one for one in found if one.name.startswith(f"patches/{arm['name']}/")]
        if "patches" in arm:
            yield from _digests(own, arm["patches"], counter)
        yield from _touched(found, arm, counter)


def _digests(found: Sequence[Patch], kept: Mapping[str, str], counter: Counter) -> Iterator[str]:
    digests = {one.name: one.sha256 for one in found}
    for name in sorted({*digests, *kept}):
        counter.count += 1
        if name not in digests:
            yield f"{name}: the plan has this patch, and it is not there"
        elif digests[name] != kept.get(name):
            yield f"{name}: it is not the patch of the plan (another SHA-256)"


def _touched(found: Sequence[Patch], arm: Mapping[str, Any], counter: Counter) -> Iterator[str]:
    """The paths that the patches change. One that several touch may be as before in the end."""
    touched = Multiset(
        path
        for one in found
        for message in patch.parse(one)
        for file in message.files
        for path in file.touched
    )
    changed = set(arm["recipe"]["changed"])
    counter.count += len(changed)
    where = f"patches/{arm['name']}"
    for path in sorted(changed - set(touched)):
        yield f"{where}: the recipe says that {path} was changed, and no patch does that"
    for path in sorted(set(touched) - changed):
        if touched[path] == 1:
            yield f"{where}: a patch changes {path}, and the recipe does not say so"
