"""The plan of a run: everything that is decided before the first compiler starts. Pure.

Its identity names the results folder and tells whether a folder holds this very experiment. What a
run draws at random comes from the plan's seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.experiment import CANDIDATE, Experiment
from builder.spec import Recipe, digest

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class PlannedArm:
    """An arm whose revision, patches and compiler are settled: a recipe for each replica.

    `kind` is one of base, candidate, aa (the base again), placebo. `patches` tells the SHA-256 of
    each patch by its name below the results folder; an arm that is added to the base has none.
    """

    name: str
    recipes: tuple[Recipe, ...]
    kind: str = CANDIDATE
    patches: Mapping[str, str] = field(default_factory=dict)

    @property
    def recipe(self) -> Recipe:
        """The recipe of the first replica."""
        return self.recipes[0]


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
        """How many builds each arm has."""
        return len(self.base.recipes)

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
                "arms": [
                    (arm.name, arm.kind, [recipe.key for recipe in arm.recipes])
                    for arm in self.arms
                ],
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
            "arms": [
                {
                    "name": arm.name,
                    "kind": arm.kind,
                    "key": arm.recipe.key,
                    "recipe": asdict(arm.recipe),
                    "patches": dict(arm.patches),
                    "replicas": [
                        {"key": recipe.key, "replica": recipe.replica} for recipe in arm.recipes
                    ],
                }
                for arm in self.arms
            ],
        }
