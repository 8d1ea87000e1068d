"""An experiment: a base, its candidates, a suite and how to measure.

`bench.experiments.build` makes one and checks it; whoever has one can rely on its ranges.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bench.experiments.session_options import SessionChanges, SessionOptions
from builder.builds import Flavor, layout
from builder.sources import SourceSpec

GATES = ("core", "full", "none")
BASE, CANDIDATE, AA, PLACEBO = "base", "candidate", "aa", "placebo"
"""The kinds of arms."""


@dataclass(frozen=True, kw_only=True)
class ArmRequest:
    """One variant as the experiment asks for it.

    `bench.experiments.build` names an arm without a `name`; an empty `revision` is the base's.
    `patches` are files, "-" standard input. `placebo` as `builder.builds.layout` has them:
    padding:3. `variant` is the compiled code that it runs, as `bench.benchmarks.variants` has them.
    `runtime` is the path or name of another Python (see `builder.runtimes.runtime.find`), of which
    nothing is built: all else is empty then.
    """

    name: str = ""
    revision: str = ""
    source: SourceSpec | None = None
    series: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    placebo: str = ""
    variant: str = ""
    runtime: str = ""
    flavor: Flavor = field(default_factory=Flavor)


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """All that an experiment has but its arms. `wheels` is a folder, "" for none."""

    suite: tuple[str, ...] = ("quick",)
    gate: str = "core"
    wheels: str = ""
    session: SessionOptions = field(default_factory=SessionOptions)


@dataclass(frozen=True, kw_only=True)
class ConditionChanges:
    """What a command line says of the conditions; empty values where it is silent."""

    suite: tuple[str, ...] = ()
    gate: str = ""
    wheels: str = ""
    session: SessionChanges = field(default_factory=SessionChanges)

    @property
    def given(self) -> tuple[str, ...]:
        """The keys of an experiment file that are changed: suite, session.blocks."""
        own = ("suite", "gate", "wheels")
        session = tuple(f"session.{name}" for name in self.session.given)
        return (*(name for name in own if getattr(self, name)), *session)


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A base, its candidates, a suite and how to measure. `base.revision` may be empty only when a
    candidate's revision decides it (`run --candidate`).
    """

    name: str
    base: ArmRequest
    candidates: tuple[ArmRequest, ...]
    suite: tuple[str, ...] = ("quick",)
    gate: str = "core"
    wheels: str = ""
    session: SessionOptions = field(default_factory=SessionOptions)

    @property
    def arms(self) -> tuple[tuple[str, ArmRequest], ...]:
        """Every arm with its kind: the base, the candidates, and what the session adds to them."""
        own = [(self._kind(arm), arm) for arm in self.candidates]
        return ((BASE, self.base), *own, *added(self.base, self.session))

    def _kind(self, arm: ArmRequest) -> str:
        """A candidate that is the base but for its layout is a placebo."""
        return PLACEBO if arm.placebo and is_base(arm, self.base) else CANDIDATE


def is_base(arm: ArmRequest, base: ArmRequest) -> bool:
    """Whether a candidate asks for the base itself, its layout aside."""
    told = (arm.series, arm.patches, arm.flavor, arm.variant, arm.runtime)
    theirs = (base.series, base.patches, base.flavor, base.variant, base.runtime)
    return not arm.revision and told == theirs


def added(base: ArmRequest, session: SessionOptions) -> tuple[tuple[str, ArmRequest], ...]:
    """The arms that a session adds, each with its kind."""
    arms = [(AA, replace(base, name=AA))] if session.aa else []
    for number in range(1, session.placebos + 1):
        placebo = layout.numbered(number)
        arms.append((PLACEBO, replace(base, name=placebo_name(placebo), placebo=placebo)))
    return tuple(arms)


def placebo_name(placebo: str) -> str:
    """The name of an arm that is nothing but a placebo."""
    return f"placebo-{placebo.replace(':', '-')}"
