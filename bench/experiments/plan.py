"""The plan of a run: all decisions that are made before the first compilation. Pure.

Its identity is part of the results folder's name, and shows whether a folder belongs to the same
experiment. All random choices of a run are drawn from the plan's seed.
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
    """An arm with resolved revision, patches and compiler: one recipe for each replica.

    `kind` is base, candidate, aa (the base again) or placebo. `patches` maps the name of each patch
    in the results folder to its SHA-256; an arm that a session adds has none. `variant` is the
    compiled code that the builds run, "" for none. An arm with a `runtime` has no recipes.
    `worktree` says what the work tree was that the arm measures, if it does. `environment` are the
    variables of its measured processes, NAME=VALUE. `jit` is the state of its just-in-time compiler
    (`bench.measure.jit`) as far as it is known before the build; "" without one.
    """

    name: str
    recipes: tuple[Recipe, ...] = ()
    kind: str = CANDIDATE
    patches: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""
    runtime: Runtime | None = None
    worktree: Mapping[str, Any] | None = None
    environment: tuple[str, ...] = ()
    jit: str = ""

    @property
    def recipe(self) -> Recipe:
        """The recipe of the first replica. IndexError for a runtime."""
        return self.recipes[0]

    @property
    def identity(self) -> tuple[str, ...]:
        """The identity of the first replica: arms with the same identity measure the same code."""
        key = self.runtime.identity if self.runtime is not None else self.recipe.key
        return key, self.variant, *self.environment

    @property
    def version(self) -> str:
        """The version of the language: 3.13.5, 2.7.10+."""
        return self.runtime.facts.version if self.runtime else self.recipe.revision.version

    @property
    def title(self) -> str:
        """The arm in tables and progress messages: 3.13.5 plain + compact-int-add, cython."""
        if self.runtime is not None:
            return ", ".join([runtime_title(self.runtime), *self.environment])
        return self.recipe.title + (f", {self.variant}" if self.variant else "")

    def to_json(self) -> dict[str, Any]:
        """Convert to JSON for plan.json."""
        data: dict[str, Any] = {
            "name": self.name,
            "kind": self.kind,
            "key": self.runtime.identity if self.runtime is not None else self.recipe.key,
            "recipe": asdict(self.recipe) if self.recipes else None,
            "patches": dict(self.patches),
            "replicas": [{"key": recipe.key, "replica": recipe.replica} for recipe in self.recipes],
        }
        if self.variant:
            data["variant"] = self.variant
        if self.runtime is not None:
            data["runtime"] = runtime_json(self.runtime)
        if self.worktree is not None:
            data["worktree"] = dict(self.worktree)
        if self.environment:
            data["environment"] = list(self.environment)
        return data


def runtime_title(runtime: Runtime) -> str:
    """Return a one-line description: pypy 7.3.19 (Python 3.11.11)."""
    facts = runtime.facts
    return f"{facts.implementation} {facts.release} (Python {facts.version})".replace("  ", " ")


def runtime_json(runtime: Runtime) -> dict[str, Any]:
    """Convert a runtime to JSON for results, without its path on this machine."""
    return {
        "name": Path(runtime.name).name,
        "identity": runtime.identity,
        "suite": runtime.suite,
        "packages": list(runtime.packages),
        **asdict(runtime.facts),
    }


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The resolved experiment of a run. `arms` begin with the base, `suite` is the name of the
    release, `benchmarks` are the names selected from it.
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
        """The number of builds of each arm; 1 if nothing is built."""
        return max((len(arm.recipes) for arm in self.arms), default=0) or 1

    @property
    def watched(self) -> tuple[str, ...]:
        """The arms whose verdicts decide when the session ends: the candidates, or in an experiment
        without any its placebos and A/A arms.
        """
        own = tuple(arm.name for arm in self.candidates if arm.kind == CANDIDATE)
        return own or tuple(arm.name for arm in self.candidates)

    @property
    def candidates(self) -> tuple[PlannedArm, ...]:
        """All arms except the base."""
        return self.arms[1:]

    @property
    def identity(self) -> str:
        """A hash, 16 hex digits, of everything that the result depends on, and of nothing else."""
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
        """Convert to JSON for plan.json; `seed` is that of this run."""
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
    """Return the arm's part of the identity; absent features add nothing, so that the identities of
    older plans stay valid.
    """
    parts: list[Any] = [arm.name, arm.kind, [recipe.key for recipe in arm.recipes]]
    if arm.runtime is not None:
        parts.append(arm.runtime.identity)
    if arm.environment:
        parts.append({"environment": arm.environment})
    return [*parts, arm.variant] if arm.variant else parts
