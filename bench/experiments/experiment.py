"""An experiment: a base, its candidates, a suite and how to measure.

`bench.experiments.build` makes and checks it, so that its values are within their ranges.
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
    """An arm as an experiment requests it.

    `bench.experiments.build` names an arm without a `name`; an empty `revision` is the base's.
    `patches` are files, "-" is standard input. `placebo` is a layout of `builder.builds.layout`:
    padding:3. `variant` is the compiled code that it runs, one of `bench.benchmarks.VARIANTS`.
    `runtime` is the path or name of another Python (see `builder.runtimes.runtime.find`), which is
    not built: all other fields are empty then. `worktree`: the source's work tree as it stands, its
    uncommitted changes included, before series and patches.
    """

    name: str = ""
    revision: str = ""
    source: SourceSpec | None = None
    series: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    placebo: str = ""
    variant: str = ""
    runtime: str = ""
    worktree: bool = False
    flavor: Flavor = field(default_factory=Flavor)


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """Everything of an experiment except its arms. `wheels` is a folder, "" for none."""

    suite: tuple[str, ...] = ("quick",)
    gate: str = "core"
    wheels: str = ""
    session: SessionOptions = field(default_factory=SessionOptions)


@dataclass(frozen=True, kw_only=True)
class ConditionChanges:
    """Changes of the conditions by a command line; an empty value changes nothing."""

    suite: tuple[str, ...] = ()
    gate: str = ""
    wheels: str = ""
    session: SessionChanges = field(default_factory=SessionChanges)

    @property
    def given(self) -> tuple[str, ...]:
        """The changed keys, as in an experiment file: suite, session.blocks."""
        own = ("suite", "gate", "wheels")
        session = tuple(f"session.{name}" for name in self.session.given)
        return (*(name for name in own if getattr(self, name)), *session)


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A base, its candidates, a suite and how to measure. `base.revision` may be empty only if it
    follows from a candidate's revision (`run --candidate`) or work tree (`run --worktree`).
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
        """Every arm with its kind: the base, the candidates, and the arms that the session adds."""
        own = [(self._kind(arm), arm) for arm in self.candidates]
        return ((BASE, self.base), *own, *added(self.base, self.session))

    def _kind(self, arm: ArmRequest) -> str:
        """Return the kind of a candidate: a placebo if it differs from the base only in layout."""
        return PLACEBO if arm.placebo and is_base(arm, self.base) else CANDIDATE


def is_base(arm: ArmRequest, base: ArmRequest) -> bool:
    """Return whether a candidate equals the base, apart from its layout."""
    ours = (arm.series, arm.patches, arm.flavor, arm.variant, arm.runtime)
    theirs = (base.series, base.patches, base.flavor, base.variant, base.runtime)
    return not arm.revision and not arm.worktree and ours == theirs


def added(base: ArmRequest, session: SessionOptions) -> tuple[tuple[str, ArmRequest], ...]:
    """Return the arms that a session adds, each with its kind."""
    arms = [(AA, replace(base, name=AA))] if session.aa else []
    for number in range(1, session.placebos + 1):
        placebo = layout.numbered(number)
        arms.append((PLACEBO, replace(base, name=placebo_name(placebo), placebo=placebo)))
    return tuple(arms)


def placebo_name(placebo: str) -> str:
    """Return the name of an arm that is only a placebo."""
    return f"placebo-{placebo.replace(':', '-')}"
