"""From a recipe to a stored build: configure, make, install, facts of the binary, the gate."""

from builder.builds import facts, layout, loop_flags
from builder.builds.compile import (
    Builder,
    Options,
    check_flavor,
    identify_compiler,
    regenerate_targets,
    steps,
)
from builder.builds.facts import Difference
from builder.builds.gate import Gate, Judgement, regrtest
from builder.builds.recipe import CompilerIdentity, Flavor, Recipe
from builder.builds.store import Build, Stage, Store

__all__ = [
    "Build",
    "Builder",
    "CompilerIdentity",
    "Difference",
    "Flavor",
    "Gate",
    "Judgement",
    "Options",
    "Recipe",
    "Stage",
    "Store",
    "check_flavor",
    "facts",
    "identify_compiler",
    "layout",
    "loop_flags",
    "regenerate_targets",
    "regrtest",
    "steps",
]
