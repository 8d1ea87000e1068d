"""The content of result.json as frozen values: the only definition of its shape.

docs/result-schema.md explains each key. A key that older results lack has a default here; a key
that all results have is required. Unknown keys are ignored; `bench.results.result.read_document`
returns the whole document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from bench.benchmarks import Missing
from bench.compare import TIME, Positive
from bench.host import HostState
from bench.results.arms import ArmResult, CandidateResult, PlanRecord
from bench.session import Band

# -- how it was measured --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class HostRecord:
    """Facts of the host; None where the host does not report one. `quota` None means no limit."""

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
    quota: float | UnsetType | None = UNSET
    governor: str | None = None
    frequency_readable: bool | None = None
    memory: Annotated[int, Meta(ge=0, lt=2**60)] | None = None


@dataclass(frozen=True, kw_only=True)
class FalseCallsRecord:
    """How often a base was called different from itself; `origin` describes the comparisons."""

    called: int
    of: int
    upper: float
    origin: str = ""


@dataclass(frozen=True, kw_only=True)
class SessionSummary:
    """How the run was measured. Fields that need measurements are None or empty without any."""

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
class BlockResult:
    """A block. `means` maps each arm to the mean of its process, in seconds."""

    number: int
    benchmark: str
    means: Mapping[str, Positive]
    state: HostState
    script: str = ""
    replica: int = 0
    protocol: str = ""
    disturbed: str = ""
    positions: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    warmups: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


# -- the ladder -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RatioRecord:
    """A ratio of a rung; None when nothing could be compared."""

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
    """A ratio to the ladder's base; `step` is the ratio to the rung before."""

    step: RatioRecord = RatioRecord()


@dataclass(frozen=True, kw_only=True)
class RungResult(StepRecord):
    """One rung for one group of benchmarks. `tasks` is None in a ladder of nothing but runtimes."""

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
        """Raise ValueError for a result without candidates: no report can be made of it."""
        if not self.candidates:
            raise ValueError("there is no candidate")

    @property
    def arms(self) -> tuple[ArmResult, ...]:
        """The base, and the candidates after it."""
        return (self.base, *self.candidates)

    def candidate(self, name: str) -> CandidateResult:
        """The candidate of that name. Raises KeyError."""
        for candidate in self.candidates:
            if candidate.name == name:
                return candidate
        raise KeyError(name)
