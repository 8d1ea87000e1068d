"""Running an experiment again from what it left, and both results side by side. Pure.

A bundle has no experiment file, and need not: the plan says what was settled. Revisions are asked
for by the name that their source knows for ever (a commit, or a release), patches are the bundle's
own, and everything random is drawn anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.compare import SuiteComparison
from bench.jobs.bundle.recipes import patches_of
from bench.results import CandidateResult, FactsRecord, HostRecord, PlanArm, PlanRecord, Result
from builder.errors import ExperimentError, UsageError
from builder.sources import DEFAULT_REMOTE, Revision
from builder.versions import is_release

_ARCHIVE = re.compile(r"archive .*, SHA-256 ([0-9a-f]{64})")
_SIDES = ("faster", "slower")
# What two hosts, or two sittings on one, may differ in. Not their names.
_HOST = (
    "cpu",
    "microcode",
    "architecture",
    "cpus",
    "cores",
    "memory",
    "hypervisor",
    "smt",
    "turbo",
    "governor",
    "aslr",
    "kernel",
    "os",
    "libc",
)


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a user wants otherwise than the plan has it; "" and None: as in the plan.

    `source`, `suite` and `runtimes` (paths by the names of arms) are needed where the plan cannot
    tell: a repository, a manifest or an interpreter of a machine's own.
    """

    source: str = ""
    suite: str = ""
    wheels: str = ""
    gate: str = ""
    budget: str = ""
    blocks: int | None = None
    seed: int | None = None
    runtimes: Mapping[str, str] = field(default_factory=dict)


def document(plan: PlanRecord, folder: Path, wishes: Wishes) -> dict[str, Any]:
    """The experiment of a plan, as `bench.experiments.reading.experiment_from` takes it.

    `folder` has the patches. Raises UsageError for what only the user can tell.
    """
    base = plan.arms[0]
    content: dict[str, Any] = {
        "name": f"{plan.name}-again"[:64],
        "base": _base(plan, folder, wishes),
        "suite": _suite(plan, wishes),
        "gate": wishes.gate or plan.gate,
        "session": _session(plan, wishes),
        "candidate": [
            {"name": arm.name} | _arm(plan, arm, folder, wishes)
            for arm in plan.arms
            # The base once more is added again by the session's own key.
            if arm is not base and arm.kind != "aa"
        ],
    }
    if not content["candidate"]:
        del content["candidate"]
    return content | ({"wheels": wishes.wheels} if wishes.wheels else {})


def _base(plan: PlanRecord, folder: Path, wishes: Wishes) -> dict[str, Any]:
    base = plan.arms[0]
    told = _arm(plan, base, folder, wishes)
    return told if "runtime" in told else told | {"source": _source(base, wishes)}


def _runtime(arm: PlanArm, wishes: Wishes) -> dict[str, Any]:
    """Another runtime is not built: only its name is known, and what it was."""
    facts = arm.runtime
    if facts is not None and arm.name not in wishes.runtimes:
        what = f"{facts.implementation} {facts.release} (Python {facts.version})"
        raise UsageError(
            f"{arm.name} was a runtime that the bundle does not hold: {what}.",
            hint=f"Name one of yours: --runtime {arm.name}=NAME or PATH; `patchbench runtimes` "
            "lists and provides some.",
        )
    return {"runtime": wishes.runtimes[arm.name]}


def _arm(plan: PlanRecord, arm: PlanArm, folder: Path, wishes: Wishes) -> dict[str, Any]:
    base = plan.arms[0]
    recipe = arm.recipe
    if recipe is None:
        return _runtime(arm, wishes)
    # Beside a runtime, each build says all of itself.
    commit, source = "", ""
    if base.recipe is not None:
        commit, source = base.recipe.revision.commit, base.recipe.revision.source
    flavor = {key: value for key, value in recipe.flavor.content.items() if value is not None}
    flavor["configure"] = list(recipe.flavor.configure)
    told: dict[str, Any] = {
        "flavor": flavor,
        "patch": [str(folder / one.name) for one in patches_of(folder, plan, arm)],
    }
    if arm.variant:
        told["variant"] = arm.variant
    if recipe.placebo and arm is not base:
        told["placebo"] = recipe.placebo
    if arm is base or recipe.revision.commit != commit:
        told["revision"] = revision_name(recipe.revision, wishes.source)
    if arm is not base and recipe.revision.source != source:
        told["source"] = _source(arm, wishes)
    return told


def revision_name(revision: Revision, source: str = "") -> str:
    """A name that `source` knows for ever: a release, else the commit; tarballs have no other.

    `source` "" is its own.
    """
    if is_release(revision.name):
        return revision.name
    is_git = revision.source.startswith("git ") and source != "debian"
    return revision.commit if is_git else revision.version


def _source(arm: PlanArm, wishes: Wishes) -> str | dict[str, str]:
    """What the experiment's key `source` says. Labels of the sources tell what they were."""
    label = "" if arm.recipe is None else arm.recipe.revision.source
    archive = _ARCHIVE.fullmatch(label)
    if archive and wishes.source:
        return {"location": wishes.source, "sha256": archive[1]}
    if wishes.source:
        return wishes.source
    if label == "debian":
        return "debian"
    place = label.removeprefix("git ")
    if place.removesuffix(".git") == DEFAULT_REMOTE:
        return "default"
    if place != label and re.match(r"[a-z][a-z0-9+.-]*://", place) and "file:" not in place:
        return f"git:{place}"
    raise UsageError(
        f"The source of {arm.name} was {label}, which only you can have.",
        hint="Name a repository or tarball that has it: --source WHERE.",
    )


def _suite(plan: PlanRecord, wishes: Wishes) -> list[str]:
    names = list(plan.benchmarks)
    if wishes.suite:
        return [wishes.suite, *names]
    if not plan.suite.startswith("pyperformance "):
        raise UsageError(
            f"The suite was {plan.suite}, a manifest of somebody's own.",
            hint="Name its MANIFEST: --suite PATH/MANIFEST.",
        )
    return names


def _session(plan: PlanRecord, wishes: Wishes) -> dict[str, Any]:
    """The session's options, with a seed of its own; times as experiment files have them."""
    kept = {key: value for key, value in plan.session.items() if value is not None}
    kept.pop("seed", None)
    # Those arms are in the plan by their names.
    kept.pop("placebos", None)
    for name in ("budget", "timeout"):
        if name in kept:
            kept[name] = f"{kept[name]:.3f}s"
    own = {"budget": wishes.budget or None, "blocks": wishes.blocks, "seed": wishes.seed}
    return kept | {key: value for key, value in own.items() if value is not None}


# -- side by side ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One comparison in both results. `overlap` is None where either has no interval.

    `agreement`: same (verdict), open (one is undecided or equivalent, and nothing contradicts), or
    contradiction: one says faster and the other slower, or the intervals have nothing in common.
    """

    candidate: str
    benchmark: str
    before: SuiteComparison | None
    after: SuiteComparison | None
    overlap: bool | None
    agreement: str


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """Two results of one experiment. `host` and `builds` tell (what, before, after) that differ."""

    pairs: tuple[Pair, ...]
    host: tuple[tuple[str, str, str], ...]
    builds: tuple[tuple[str, str, str], ...]
    same_builds: bool

    @property
    def contradictions(self) -> tuple[Pair, ...]:
        """The pairs that cannot both be true of one and the same machine."""
        return tuple(pair for pair in self.pairs if pair.agreement == "contradiction")

    @property
    def agrees(self) -> bool:
        """Whether nothing contradicts, and something was compared at all."""
        return not self.contradictions and any(pair.overlap is not None for pair in self.pairs)


def side_by_side(before: Result, after: Result) -> Reproduction:
    """Set two results of one experiment side by side. Raises ExperimentError for two of others."""
    earlier = {one.name: one for one in before.candidates}
    later = {one.name: one for one in after.candidates}
    if not set(earlier) & set(later):
        raise ExperimentError("The two results have no candidate in common.")
    pairs = [
        pair
        for name, one in earlier.items()
        if name in later
        for pair in _pairs(name, one, later[name])
    ]
    return Reproduction(
        pairs=tuple(pairs),
        host=tuple(_unlike(before.host, after.host, _HOST)),
        builds=tuple(_build_differences(before, after)),
        same_builds=_keys(before) == _keys(after),
    )


def _pairs(name: str, before: CandidateResult, after: CandidateResult) -> Iterator[Pair]:
    """The suite's first, then each benchmark's by name."""
    yield _pair(name, "", before.suite, after.suite)
    mine = {(row.benchmark, row.metric): row for row in before.comparisons}
    theirs = {(row.benchmark, row.metric): row for row in after.comparisons}
    for key in sorted({*mine, *theirs}):
        yield _pair(name, key[0], mine.get(key), theirs.get(key))


def _pair(
    name: str, benchmark: str, before: SuiteComparison | None, after: SuiteComparison | None
) -> Pair:
    overlap = _overlap(before, after)
    verdicts = {one.verdict for one in (before, after) if one is not None}
    if overlap is False or verdicts == set(_SIDES):
        agreement = "contradiction"
    elif before is not None and after is not None and len(verdicts) == 1:
        agreement = "same"
    else:
        agreement = "open"
    return Pair(
        candidate=name,
        benchmark=benchmark,
        before=before,
        after=after,
        overlap=overlap,
        agreement=agreement,
    )


def _overlap(before: SuiteComparison | None, after: SuiteComparison | None) -> bool | None:
    if before is None or after is None:
        return None
    if before.low is None or before.high is None or after.low is None or after.high is None:
        return None
    return before.low <= after.high and after.low <= before.high


def _keys(result: Result) -> set[str]:
    return {key for arm in result.arms for key in arm.keys}


def _unlike(
    before: HostRecord | FactsRecord, after: HostRecord | FactsRecord, names: Sequence[str]
) -> Iterator[tuple[str, str, str]]:
    for name in names:
        one, other = getattr(before, name), getattr(after, name)
        if one != other:
            yield name, str(one), str(other)


def _build_differences(before: Result, after: Result) -> Iterator[tuple[str, str, str]]:
    """In what the builds of one arm differ: the source's tree first, then what the compiler did."""
    later = {arm.name: arm for arm in after.experiment.arms}
    for arm in before.experiment.arms:
        if arm.name in later:
            one, other = arm.recipe, later[arm.name].recipe
            if one is None or other is None:
                continue  # a runtime
            for what, x, y in (
                ("source tree", one.tree, other.tree),
                ("compiler", one.compiler.version, other.compiler.version),
            ):
                if x != y:
                    yield f"{arm.name}, {what}", str(x), str(y)
    built = {one.name: one.build for one in after.arms}
    names = ("options", "pgo", "lto", "computed_gotos", "indirect_jumps", "eval_bytes")
    for made in before.arms:
        theirs = built.get(made.name)
        if made.build is not None and theirs is not None:
            for name, x, y in _unlike(made.build.facts, theirs.facts, names):
                yield f"{made.name}, {name}", x, y
