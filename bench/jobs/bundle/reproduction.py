"""The experiment of a bundle, to run it again, and the comparison of both results. Pure.

A bundle has no experiment file and needs none: the plan has every setting. Revisions are named by a
commit or a release, which their source keeps for ever; the patches are the bundle's; everything
random is drawn anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.compare import SuiteComparison
from bench.experiments import flavor_table
from bench.jobs.bundle.recipes import patches_of
from bench.results import CandidateResult, FactsRecord, HostRecord, PlanArm, PlanRecord, Result
from builder.builds import machine_code
from builder.errors import ExperimentError, UsageError
from builder.sources import DEFAULT_REMOTE, Revision
from builder.toolchain import as_mapping
from builder.versions import is_release

_ARCHIVE = re.compile(r"archive .*, SHA-256 ([0-9a-f]{64})")
_SIDES = ("faster", "slower")
# The fields in which two hosts, or one host at two times, may differ; not the host's name.
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
class PlanOverrides:
    """Settings that replace those of the plan; "" and None keep the plan's.

    `source`, `suite` and `runtimes` (names or paths, by the names of arms) are required where the
    original was on the other machine only: a local repository, a manifest or an interpreter.
    """

    source: str = ""
    suite: str = ""
    wheels: str = ""
    gate: str = ""
    budget: str = ""
    blocks: int | None = None
    seed: int | None = None
    runtimes: Mapping[str, str] = field(default_factory=dict)


def document(plan: PlanRecord, folder: Path, overrides: PlanOverrides) -> dict[str, Any]:
    """Make the experiment of a plan, in the form that `bench.experiments.experiment_from` reads.

    `folder` has the patches. Raises UsageError when a required setting of `overrides` is missing.
    """
    base = plan.arms[0]
    content: dict[str, Any] = {
        "name": f"{plan.name}-again"[:64],
        "base": _base(plan, folder, overrides),
        "suite": _suite(plan, overrides),
        "gate": overrides.gate or plan.gate,
        "session": _session(plan, overrides),
        "candidate": [
            {"name": arm.name} | _arm(plan, arm, folder, overrides)
            for arm in plan.arms
            # The session's key `aa` adds the A/A arm again.
            if arm is not base and arm.kind != "aa"
        ],
    }
    if not content["candidate"]:
        del content["candidate"]
    return content | ({"wheels": overrides.wheels} if overrides.wheels else {})


def _base(plan: PlanRecord, folder: Path, overrides: PlanOverrides) -> dict[str, Any]:
    base = plan.arms[0]
    table = _arm(plan, base, folder, overrides)
    return table if "runtime" in table else table | {"source": _source(base, overrides)}


def _runtime(arm: PlanArm, overrides: PlanOverrides) -> dict[str, Any]:
    """The arm of a runtime. The bundle has only its name and facts, so the user names it."""
    facts = arm.runtime
    if facts is not None and arm.name not in overrides.runtimes:
        what = f"{facts.implementation} {facts.release} (Python {facts.version})"
        raise UsageError(
            f"{arm.name} was a runtime, which the bundle does not contain: {what}.",
            hint=f"Name one of yours: --runtime {arm.name}=NAME or PATH; `patchbench runtimes` "
            "lists and provides some.",
        )
    table: dict[str, Any] = {"runtime": overrides.runtimes[arm.name]}
    if arm.environment:
        table["flavor"] = {"environment": {"run": as_mapping(arm.environment)}}
    return table


def _arm(plan: PlanRecord, arm: PlanArm, folder: Path, overrides: PlanOverrides) -> dict[str, Any]:
    base = plan.arms[0]
    recipe = arm.recipe
    if recipe is None:
        return _runtime(arm, overrides)
    # If the base is a runtime, every build has its own revision and source.
    commit, source = "", ""
    if base.recipe is not None:
        commit, source = base.recipe.revision.commit, base.recipe.revision.source
    table: dict[str, Any] = {
        "flavor": flavor_table(recipe.flavor),
        "patch": [str(folder / patch.name) for patch in patches_of(folder, plan, arm)],
    }
    if arm.variant:
        table["variant"] = arm.variant
    if recipe.placebo and arm is not base:
        table["placebo"] = recipe.placebo
    if arm is base or recipe.revision.commit != commit:
        table["revision"] = revision_name(recipe.revision, overrides.source)
    if arm is not base and recipe.revision.source != source:
        table["source"] = _source(arm, overrides)
    return table


def revision_name(revision: Revision, source: str = "") -> str:
    """A permanent name of a revision in `source`: its release, else its commit.

    The revisions of tarballs and Debian are named by their version. `source` "" is the revision's
    own.
    """
    if is_release(revision.name):
        return revision.name
    is_git = revision.source.startswith("git ") and source != "debian"
    return revision.commit if is_git else revision.version


def _source(arm: PlanArm, overrides: PlanOverrides) -> str | dict[str, str]:
    """The experiment's key `source`, from the label of the plan's source."""
    label = "" if arm.recipe is None else arm.recipe.revision.source
    archive = _ARCHIVE.fullmatch(label)
    if archive and overrides.source:
        return {"location": overrides.source, "sha256": archive[1]}
    if overrides.source:
        return overrides.source
    if label == "debian":
        return "debian"
    place = label.removeprefix("git ")
    if place.removesuffix(".git") == DEFAULT_REMOTE:
        return "default"
    if place != label and re.match(r"[a-z][a-z0-9+.-]*://", place) and "file:" not in place:
        return f"git:{place}"
    raise UsageError(
        f"The source of {arm.name} was {label}, which cannot be downloaded.",
        hint="Name a repository or tarball that has it: --source WHERE.",
    )


def _suite(plan: PlanRecord, overrides: PlanOverrides) -> list[str]:
    names = list(plan.benchmarks)
    if overrides.suite:
        return [overrides.suite, *names]
    if not plan.suite.startswith("pyperformance "):
        raise UsageError(
            f"The suite was {plan.suite}, a manifest that is not part of the bundle.",
            hint="Name the manifest: --suite PATH/MANIFEST.",
        )
    return names


def _session(plan: PlanRecord, overrides: PlanOverrides) -> dict[str, Any]:
    """The session's options with a new seed; times have the form of experiment files."""
    options = {key: value for key, value in plan.session.items() if value is not None}
    options.pop("seed", None)
    # The plan has an arm for each of them already.
    options.pop("placebos", None)
    for name in ("budget", "timeout"):
        if name in options:
            options[name] = f"{options[name]:.3f}s"
    own = {"budget": overrides.budget or None, "blocks": overrides.blocks, "seed": overrides.seed}
    return options | {key: value for key, value in own.items() if value is not None}


# -- side by side ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One comparison in both results; `overlap` is None when one of them has no interval.

    `agreement` is "same" (one verdict), "contradiction" (faster in one result and slower in the
    other, or disjoint intervals), or "open" (neither).
    """

    candidate: str
    benchmark: str
    before: SuiteComparison | None
    after: SuiteComparison | None
    overlap: bool | None
    agreement: str


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """Two results of one experiment.

    `host` and `builds` have the differences, as (what, before, after).
    """

    pairs: tuple[Pair, ...]
    host: tuple[tuple[str, str, str], ...]
    builds: tuple[tuple[str, str, str], ...]
    same_builds: bool

    @property
    def contradictions(self) -> tuple[Pair, ...]:
        """The pairs whose results cannot both be right on one machine."""
        return tuple(pair for pair in self.pairs if pair.agreement == "contradiction")

    @property
    def agrees(self) -> bool:
        """Whether there is no contradiction, and at least one pair was compared."""
        return not self.contradictions and any(pair.overlap is not None for pair in self.pairs)


def side_by_side(before: Result, after: Result) -> Reproduction:
    """Compare two results of one experiment.

    Raises ExperimentError when they have no candidate in common.
    """
    earlier = {candidate.name: candidate for candidate in before.candidates}
    later = {candidate.name: candidate for candidate in after.candidates}
    if not set(earlier) & set(later):
        raise ExperimentError("The two results have no candidate in common.")
    pairs = [
        pair
        for name, candidate in earlier.items()
        if name in later
        for pair in _pairs(name, candidate, later[name])
    ]
    return Reproduction(
        pairs=tuple(pairs),
        host=tuple(_differences(before.host, after.host, _HOST)),
        builds=tuple(_build_differences(before, after)),
        same_builds=_keys(before) == _keys(after),
    )


def _pairs(name: str, before: CandidateResult, after: CandidateResult) -> Iterator[Pair]:
    """The pair of the suites first, then one of each benchmark, sorted by name."""
    yield _pair(name, "", before.suite, after.suite)
    earlier = {(row.benchmark, row.metric): row for row in before.comparisons}
    later = {(row.benchmark, row.metric): row for row in after.comparisons}
    for key in sorted({*earlier, *later}):
        yield _pair(name, key[0], earlier.get(key), later.get(key))


def _pair(
    name: str, benchmark: str, before: SuiteComparison | None, after: SuiteComparison | None
) -> Pair:
    overlap = _overlap(before, after)
    verdicts = {row.verdict for row in (before, after) if row is not None}
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


def _differences(
    before: HostRecord | FactsRecord, after: HostRecord | FactsRecord, names: Sequence[str]
) -> Iterator[tuple[str, str, str]]:
    for name in names:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield name, str(old), str(new)


def _effects(before: FactsRecord, after: FactsRecord) -> Iterator[tuple[str, str, str]]:
    """What differs in PGO, LTO and dispatch. Results of older versions are read as newer ones."""
    for name in ("pgo", "lto"):
        old, new = machine_code.in_effect(before, name), machine_code.in_effect(after, name)
        if old is not new:
            yield name, _known(old), _known(new)
    one, other = _gotos(before), _gotos(after)
    if one != other:
        yield "computed_gotos", one, other


def _known(value: bool | None) -> str:
    return "unknown" if value is None else str(value)


def _gotos(facts: FactsRecord) -> str:
    """Whether it has computed gotos, or the other kind; the number of jumps says if merged."""
    kinds = machine_code.Dispatch
    kind = machine_code.dispatch_of(facts)
    if kind in (kinds.SWITCH, kinds.GOTOS, kinds.MERGED):
        return str(kind is not kinds.SWITCH)
    return kind.value


def _build_differences(before: Result, after: Result) -> Iterator[tuple[str, str, str]]:
    """How the builds of each arm differ: source tree and compiler first, then their facts."""
    later = {arm.name: arm for arm in after.experiment.arms}
    for arm in before.experiment.arms:
        if arm.name in later:
            recipe, new_recipe = arm.recipe, later[arm.name].recipe
            if recipe is None or new_recipe is None:
                continue  # a runtime
            for what, old, new in (
                ("source tree", recipe.tree, new_recipe.tree),
                ("compiler", recipe.compiler.version, new_recipe.compiler.version),
            ):
                if old != new:
                    yield f"{arm.name}, {what}", str(old), str(new)
    new_builds = {arm.name: arm.build for arm in after.arms}
    names = ("options", "indirect_jumps", "eval_bytes")
    for built in before.arms:
        new_build = new_builds.get(built.name)
        if built.build is not None and new_build is not None:
            rows = (
                *_effects(built.build.facts, new_build.facts),
                *_differences(built.build.facts, new_build.facts, names),
            )
            for name, old, new in rows:
                yield f"{built.name}, {name}", old, new
