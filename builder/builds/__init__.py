"""From a recipe to a stored build: configure, make, install, facts of the binary, the gate."""

from builder.builds import facts, gate, layout, loop_flags
from builder.builds.compile import (
    Builder,
    Options,
    check_flavor,
    identify_compiler,
    installed_python,
)
from builder.builds.facts import Difference
from builder.builds.gate import Gate, Judgement
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
    "gate",
    "identify_compiler",
    "installed_python",
    "layout",
    "loop_flags",
]
