"""The plan of a run: everything that is decided before the first compiler starts. Pure.

Its identity names the results folder and tells whether a folder holds this very experiment. What a
run draws at random comes from the plan's seed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bench.experiment import Experiment
from builder.spec import Recipe, digest

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class PlannedArm:
    """An arm whose revision, patches and compiler are settled."""

    name: str
    recipe: Recipe


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
    def candidates(self) -> tuple[PlannedArm, ...]:
        """All arms but the base."""
        return self.arms[1:]

    @property
    def identity(self) -> str:
        """16 hex digits over all that the result depends on, and nothing else."""
        return digest(
            {
                "arms": [(arm.name, arm.recipe.key) for arm in self.arms],
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
                {"name": arm.name, "key": arm.recipe.key, "recipe": asdict(arm.recipe)}
                for arm in self.arms
            ],
        }
