"""Building recipes: configure, make and install, facts of the binaries, the gate, the store."""

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
from builder.builds.store import Build, Store

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
