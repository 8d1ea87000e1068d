"""Experiment files: TOML in, frozen values out, with messages that name the key and what is right.

A document is read once, here; everything behind this door can rely on its types and ranges.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bench.experiments.session_options import SessionOptions
from builder.builds import Flavor, layout
from builder.sources import SourceSpec

GATES = ("core", "full", "none")
BASE, CANDIDATE, AA, PLACEBO = "base", "candidate", "aa", "placebo"
"""The kinds of arms."""


@dataclass(frozen=True, kw_only=True)
class ArmRequest:
    """One variant as the experiment asks for it.

    An empty `revision` is the base's. `patches` are files, "-" standard input. `placebo` as
    `builder.builds.layout` has them: padding:3. `variant` is the compiled code that it runs, as
    `bench.benchmarks.variants` has them. `runtime` is the path or name of another Python (see
    `builder.runtimes.runtime.find`), of which nothing is built: all else is empty then.
    """

    name: str
    revision: str = ""
    source: SourceSpec | None = None
    series: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    placebo: str = ""
    variant: str = ""
    runtime: str = ""
    flavor: Flavor = field(default_factory=Flavor)


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
        return ((BASE, self.base), *own, *_added(self.base, self.session))

    def _kind(self, arm: ArmRequest) -> str:
        """A candidate that is the base but for its layout is a placebo."""
        return PLACEBO if arm.placebo and is_base(arm, self.base) else CANDIDATE


def is_base(arm: ArmRequest, base: ArmRequest) -> bool:
    """Whether a candidate asks for the base itself, its layout aside."""
    told = (arm.series, arm.patches, arm.flavor, arm.variant, arm.runtime)
    theirs = (base.series, base.patches, base.flavor, base.variant, base.runtime)
    return not arm.revision and told == theirs


def _added(base: ArmRequest, session: SessionOptions) -> tuple[tuple[str, ArmRequest], ...]:
    added = [(AA, replace(base, name=AA))] if session.aa else []
    for number in range(1, session.placebos + 1):
        placebo = layout.numbered(number)
        added.append((PLACEBO, replace(base, name=_placebo_name(placebo), placebo=placebo)))
    return tuple(added)


def _placebo_name(placebo: str) -> str:
    return f"placebo-{placebo.replace(':', '-')}"
