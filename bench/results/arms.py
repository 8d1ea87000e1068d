"""The arms of a result as frozen values: each arm's part of the plan, and its outcome.

`bench.results.shape` has the rest of the document, and says how older results are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.benchmarks import Missing
from bench.compare import Comparison, SuiteComparison
from bench.experiments import CANDIDATE
from bench.results.change import ChangeRecord
from builder.builds import Difference, Flavor, Judgement, Recipe, Stage, UnbuiltChange

# -- the plan -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class PlannedReplica:
    """One build that the plan asks for."""

    key: str
    replica: int


@dataclass(frozen=True, kw_only=True)
class RuntimeRecord:
    """A Python that patchbench did not build."""

    implementation: str
    release: str
    version: str
    name: str = ""
    identity: str = ""
    suite: str | None = None
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PlanArm:
    """An arm of the plan. `recipe` is None for a runtime.

    `worktree` says what the work tree was that the arm measures (head, tree, changed, number of
    untracked files, operation). `patches` and `replicas` are None in older plans, which did not
    record them; some of those have `recipes` instead of `recipe`.
    """

    name: str
    kind: str = CANDIDATE
    key: str = ""
    recipe: Recipe | None = None
    patches: Mapping[str, str] | None = None
    replicas: tuple[PlannedReplica, ...] | None = None
    recipes: tuple[Recipe, ...] = ()
    variant: str = ""
    runtime: RuntimeRecord | None = None
    worktree: Mapping[str, Any] | None = None
    environment: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PlanRecord:
    """plan.json, and `experiment` of a result. `session` maps option names to values."""

    name: str
    schema: int = 1
    identity: str = ""
    seed: int = 0
    suite: str = ""
    benchmarks: tuple[str, ...] = ()
    protocol: str = ""
    gate: str = ""
    session: Mapping[str, Any] = field(default_factory=dict)
    arms: tuple[PlanArm, ...] = ()


# -- arms -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RevisionRecord:
    """A revision. For a runtime only the version is known.

    `ref` and `origin` (see `builder.sources.Revision`) are "" in older results.
    """

    version: str
    commit: str = ""
    source: str = ""
    name: str = ""
    epoch: int | None = None
    ref: str = field(default="", compare=False)
    origin: str = field(default="", compare=False)


@dataclass(frozen=True, kw_only=True)
class FactsRecord:
    """Facts of a build, read back from its binaries (`builder.builds.facts.BuildFacts`).

    None is unknown. Older results have no `dispatch`: see `machine_code.dispatch_of`.
    """

    compiler: str
    pgo: bool | None
    lto: bool | None
    computed_gotos: bool | None
    eval_function: str
    eval_bytes: int
    indirect_jumps: int
    options: str = ""
    version: str = ""
    config: Mapping[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    code: Mapping[str, str] = field(default_factory=dict)
    library: str = ""
    dispatch: str = ""
    handlers: int = 0
    reasons: Mapping[str, str] = field(default_factory=dict)
    stdlib: str = ""

    @property
    def configure_arguments(self) -> str:
        """The arguments of configure, as the interpreter's sysconfig reports them."""
        return self.config.get("CONFIG_ARGS", "")


@dataclass(frozen=True, kw_only=True)
class BuildResult:
    """The build of the first replica.

    `unbuilt` are the changed files from which nothing was built, `code_bytes` is the size of the
    interpreter's machine code without extension modules; both are None in older results.
    """

    key: str
    facts: FactsRecord
    stages: tuple[Stage, ...] = ()
    regenerated: tuple[str, ...] = ()
    unbuilt: tuple[UnbuiltChange, ...] | None = None
    code_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class ReplicaResult:
    """One of the builds of an arm."""

    key: str
    title: str = ""
    seconds: float = 0.0
    eval_bytes: int = 0
    indirect_jumps: int = 0


@dataclass(frozen=True, kw_only=True)
class ArmResult:
    """An arm: the base, or the part of a candidate that every arm has.

    `change` is None for the base, for arms that are no candidates of ours, and in older results.
    `environment` are the variables of its measured processes, NAME=VALUE; `jit` is the state of its
    just-in-time compiler (`bench.measure.jit`), "" without one.
    """

    name: str
    title: str
    revision: RevisionRecord
    series: tuple[str, ...]
    flavor: Flavor
    warnings: tuple[str, ...]
    build: BuildResult | None
    kind: str = CANDIDATE
    placebo: str = ""
    variant: str = ""
    runtime: RuntimeRecord | None = None
    replicas: tuple[ReplicaResult, ...] = ()
    change: ChangeRecord | None = None
    environment: tuple[str, ...] = ()
    jit: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of its builds; older results have only the first."""
        if self.replicas:
            return tuple(replica.key for replica in self.replicas)
        return () if self.build is None else (self.build.key,)


@dataclass(frozen=True, kw_only=True)
class Concluded:
    """The outcome of a candidate; the figures are those of `bench.compare.Comparisons`."""

    name: str
    title: str
    flavor: Flavor
    warnings: tuple[str, ...]
    kind: str = CANDIDATE
    verdict: str
    broken: str
    gate: Judgement | None
    differences: tuple[Difference, ...]
    comparisons: tuple[Comparison, ...]
    suite: SuiteComparison | None
    suites: tuple[SuiteComparison, ...]
    missing: tuple[Missing, ...]
    margin: float
    error: float
    method: str


@dataclass(frozen=True, kw_only=True)
class CandidateResult(ArmResult, Concluded):
    """An arm that was compared with the base."""

    warmups: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
