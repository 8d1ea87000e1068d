"""The content of result.json as frozen values: its one definition for all who read it.

docs/result-schema.md says what each key means. A key that older results lack has a default here;
what all of them have is required. Unknown keys are left out: the file itself keeps them, and
`bench.results.result.read_document` gives it as it is.
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
    """The host's facts; None where it does not tell. `quota`: None for no limit."""

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
class BlockResult:
    """A block: process means in seconds by arm."""

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
