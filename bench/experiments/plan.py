"""The plan of a run: everything that is decided before the first compiler starts. Pure.

Its identity names the results folder and tells whether a folder holds this very experiment. What a
run draws at random comes from the plan's seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.experiments.experiment import CANDIDATE, Experiment
from builder.builds import Recipe
from builder.files import digest
from builder.runtimes import Runtime

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class PlannedArm:
    """An arm whose revision, patches and compiler are settled: a recipe for each replica.

    `kind` is one of base, candidate, aa (the base again), placebo. `patches` tells the SHA-256 of
    each patch by its name below the results folder; an arm that is added to the base has none.
    `variant`: the compiled code that the builds run, "" for none. With a `runtime` there are no
    recipes: nothing is built.
    """

    name: str
    recipes: tuple[Recipe, ...] = ()
    kind: str = CANDIDATE
    patches: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""
    runtime: Runtime | None = None

    @property
    def recipe(self) -> Recipe:
        """The recipe of the first replica. Not of a runtime."""
        return self.recipes[0]

    @property
    def identity(self) -> tuple[str, str]:
        """What the first replica runs: two arms with one identity measure the same thing."""
        what = self.runtime.identity if self.runtime is not None else self.recipe.key
        return what, self.variant

    @property
    def version(self) -> str:
        """The version of the language: 3.13.5, 2.7.10+."""
        return self.runtime.facts.version if self.runtime else self.recipe.revision.version

    @property
    def title(self) -> str:
        """For tables and progress: 3.13.5 plain + compact-int-add, cython."""
        if self.runtime is not None:
            return runtime_title(self.runtime)
        return self.recipe.title + (f", {self.variant}" if self.variant else "")

    def to_json(self) -> dict[str, Any]:
        """What plan.json says of it."""
        told: dict[str, Any] = {
            "name": self.name,
            "kind": self.kind,
            "key": self.runtime.identity if self.runtime is not None else self.recipe.key,
            "recipe": asdict(self.recipe) if self.recipes else None,
            "patches": dict(self.patches),
            "replicas": [{"key": one.key, "replica": one.replica} for one in self.recipes],
        }
        if self.variant:
            told["variant"] = self.variant
        if self.runtime is not None:
            told["runtime"] = runtime_json(self.runtime)
        return told


def runtime_title(runtime: Runtime) -> str:
    """What a runtime is, in a line: pypy 7.3.19 (Python 3.11.11)."""
    facts = runtime.facts
    return f"{facts.implementation} {facts.release} (Python {facts.version})".replace("  ", " ")


def runtime_json(runtime: Runtime) -> dict[str, Any]:
    """What results say of a runtime: nothing of where it lies on this machine."""
    return {
        "name": Path(runtime.name).name,
        "identity": runtime.identity,
        "suite": runtime.suite,
        "packages": list(runtime.packages),
        **asdict(runtime.facts),
    }


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A run, settled: `arms` with the base first, `suite` as the release's name and `benchmarks` as
    the names chosen from it.
    """

    experiment: Experiment
    arms: tuple[PlannedArm, ...]
    suite: str
    benchmarks: tuple[str, ...]
    protocol: str

    @property
    def base(self) -> PlannedArm:
        """The arm that the others are compared with."""
        return self.arms[0]

    @property
    def replicas(self) -> int:
        """How many builds each arm that is built has; 1 where nothing is."""
        return max((len(arm.recipes) for arm in self.arms), default=0) or 1

    @property
    def watched(self) -> tuple[str, ...]:
        """The arms whose verdicts decide when enough was measured: the candidates. An experiment
        that has none asks about its placebos, or about the base against itself.
        """
        own = tuple(arm.name for arm in self.candidates if arm.kind == CANDIDATE)
        return own or tuple(arm.name for arm in self.candidates)

    @property
    def candidates(self) -> tuple[PlannedArm, ...]:
        """All arms but the base."""
        return self.arms[1:]

    @property
    def identity(self) -> str:
        """16 hex digits over all that the result depends on, and nothing else."""
        return digest(
            {
                "arms": [_identified(arm) for arm in self.arms],
                "suite": self.suite,
                "benchmarks": self.benchmarks,
                "protocol": self.protocol,
                "gate": self.experiment.gate,
                "session": asdict(self.experiment.session),
            }
        )

    def to_json(self, seed: int) -> dict[str, Any]:
        """What plan.json holds; `seed` is the one that this run draws from."""
        return {
            "schema": SCHEMA,
            "identity": self.identity,
            "seed": seed,
            "name": self.experiment.name,
            "suite": self.suite,
            "benchmarks": list(self.benchmarks),
            "protocol": self.protocol,
            "gate": self.experiment.gate,
            "session": asdict(self.experiment.session),
            "arms": [arm.to_json() for arm in self.arms],
        }


def _identified(arm: PlannedArm) -> list[Any]:
    """All that the arm is; what it has not is not there, so that older plans keep their names."""
    told: list[Any] = [arm.name, arm.kind, [recipe.key for recipe in arm.recipes]]
    if arm.runtime is not None:
        told.append(arm.runtime.identity)
    return [*told, arm.variant] if arm.variant else told
