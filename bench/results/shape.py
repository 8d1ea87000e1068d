"""The content of result.json as frozen values: its one definition for all who read it.

docs/result-schema.md says what each key means. A key that older results lack has a default here;
what all of them have is required. Unknown keys are left out: the file itself keeps them, and
`bench.results.result.read_document` gives it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from msgspec import Meta

from bench.benchmarks import Missing
from bench.compare import TIME, Comparison, Positive, SuiteComparison
from bench.experiments import CANDIDATE
from bench.session import Band
from builder.builds import Difference, Flavor, Judgement, Recipe, Stage

# -- the plan -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class PlannedReplica:
    """One build that the plan asks for."""

    key: str
    replica: int


@dataclass(frozen=True, kw_only=True)
class RuntimeRecord:
    """What another Python was: nothing of it was built here."""

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

    `patches` and `replicas` are None in plans of before they were recorded.
    """

    name: str
    kind: str = CANDIDATE
    key: str = ""
    recipe: Recipe | None = None
    patches: Mapping[str, str] | None = None
    replicas: tuple[PlannedReplica, ...] | None = None
    variant: str = ""
    runtime: RuntimeRecord | None = None


@dataclass(frozen=True, kw_only=True)
class PlanRecord:
    """plan.json, and `experiment` of a result. `session` has the options by their names."""

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


# -- how it was measured --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class HostRecord:
    """The host's facts; None where it does not tell."""

    cpu: str
    cpus: int
    hypervisor: str
    os: str
    kernel: str
    libc: str
    smt: bool | None
    turbo: bool | None
    aslr: int | None
    name: str = ""
    vendor: str | None = None
    microcode: str | None = None
    architecture: str | None = None
    usable_cpus: int | None = None
    cores: int | None = None
    quota: float | None = None
    governor: str | None = None
    frequency_readable: bool = False
    memory: Annotated[int, Meta(ge=0, lt=2**60)] | None = None


@dataclass(frozen=True, kw_only=True)
class FalseCallsRecord:
    """How often the base was called different from itself; `origin` says in which comparisons."""

    called: int
    of: int
    upper: float
    origin: str = ""


@dataclass(frozen=True, kw_only=True)
class SessionSummary:
    """How it was measured. What nothing was measured of is None or empty."""

    suite: str
    protocol: str
    seed: int
    margin: Positive
    budget: float | None = None
    blocks: int | None = None
    until: str = ""
    replicas: int | None = None
    gate: str = ""
    calibration: str = ""
    false_calls: FalseCallsRecord | None = None
    seconds: float | None = None
    busy_seconds: float | None = None
    missing: tuple[Missing, ...] = ()
    protocols: Mapping[str, str] = field(default_factory=dict)
    disturbance: Mapping[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BlockState:
    """The host during a block (`bench.host.HostState`)."""

    seconds: float | None = None
    load: float | None = None
    busy: float | None = None
    steal: float | None = None
    memory_available: float | None = None
    memory_pressure: float | None = None
    memory_free: float | None = None
    foreign: float | None = None
    foreign_here: float | None = None
    foreign_sibling: float | None = None
    throttled: float | None = None
    frequency: float | None = None


@dataclass(frozen=True, kw_only=True)
class BlockResult:
    """A block: process means in seconds by arm."""

    number: int
    benchmark: str
    means: Mapping[str, Positive]
    state: BlockState
    script: str = ""
    replica: int = 0
    protocol: str = ""
    disturbed: str = ""
    positions: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    warmups: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


# -- arms -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RevisionRecord:
    """A revision; of a runtime the version alone."""

    version: str
    commit: str = ""
    source: str = ""
    name: str = ""
    epoch: int | None = None


@dataclass(frozen=True, kw_only=True)
class FactsRecord:
    """Facts of a build, read back from its binaries (`builder.builds.facts.BuildFacts`)."""

    compiler: str
    pgo: bool
    lto: bool
    computed_gotos: bool
    eval_function: str
    eval_bytes: int
    indirect_jumps: int
    options: str = ""
    version: str = ""
    config: Mapping[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    code: Mapping[str, str] = field(default_factory=dict)
    library: str = ""

    @property
    def configure_arguments(self) -> str:
        """The arguments that configure was given, as the interpreter tells them."""
        return self.config.get("CONFIG_ARGS", "")


@dataclass(frozen=True, kw_only=True)
class BuildResult:
    """The build of the first replica."""

    key: str
    facts: FactsRecord
    stages: tuple[Stage, ...] = ()
    regenerated: tuple[str, ...] = ()


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
    """An arm: the base, or what all candidates have as well."""

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

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of its builds; older results have the first alone."""
        if self.replicas:
            return tuple(one.key for one in self.replicas)
        return () if self.build is None else (self.build.key,)


@dataclass(frozen=True, kw_only=True)
class Concluded:
    """What was found of a candidate; the figures are those of `bench.compare.Comparisons`."""

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
    """An arm that was held against the base."""

    warmups: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


# -- the ladder -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RatioRecord:
    """A ratio of a rung; None where nothing could be compared."""

    ratio: Positive | None = None
    low: Positive | None = None
    high: Positive | None = None
    low95: Positive | None = None
    high95: Positive | None = None
    verdict: str = ""
    blocks: int = 0
    builds: int = 1


@dataclass(frozen=True, kw_only=True)
class StepRecord(RatioRecord):
    """A ratio against the ladder's base, and `step`, that against the rung below."""

    step: RatioRecord = RatioRecord()


@dataclass(frozen=True, kw_only=True)
class RungResult(StepRecord):
    """One rung for one group of benchmarks. `tasks` is None in ladders of other runtimes alone."""

    name: str
    group: str = ""
    title: str = ""
    arm: str = ""
    on: str = ""
    in_chain: bool = False
    tasks: tuple[str, ...] | None = None
    metric: str = TIME
    warnings: tuple[str, ...] = ()
    cells: Mapping[str, StepRecord] = field(default_factory=dict)


# -- all of it ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Result:
    """A whole result.json."""

    schema: int
    patchbench: str
    when: str
    experiment: PlanRecord
    host: HostRecord
    session: SessionSummary
    base: ArmResult
    candidates: tuple[CandidateResult, ...]
    blocks: tuple[BlockResult, ...]
    warnings: tuple[str, ...]
    commands: tuple[str, ...]
    placebo_band: Band | None = None
    ladder: tuple[RungResult, ...] = ()

    def __post_init__(self) -> None:
        """ValueError for what no report could be made of."""
        if not self.candidates:
            raise ValueError("there is no candidate")

    @property
    def arms(self) -> tuple[ArmResult, ...]:
        """The base, and the candidates after it."""
        return (self.base, *self.candidates)

    def candidate(self, name: str) -> CandidateResult:
        """The candidate of that name. Raises KeyError."""
        for one in self.candidates:
            if one.name == name:
                return one
        raise KeyError(name)
