"""Building recipes: configure, make and install, facts of the binaries, the gate, the store."""

from builder.builds import facts, gate, layout, loop_flags, make_progress, past_builds
from builder.builds.compile import (
    Builder,
    Options,
    check_flavor,
    identify_compiler,
    installed_python,
    uses_ccache,
)
from builder.builds.facts import Difference
from builder.builds.gate import Gate, Judgement
from builder.builds.make_progress import MakeState
from builder.builds.make_watch import Expected
from builder.builds.past_builds import PastBuild
from builder.builds.recipe import CompilerIdentity, Flavor, Recipe
from builder.builds.store import Build, Stage, Store

__all__ = [
    "Build",
    "Builder",
    "CompilerIdentity",
    "Difference",
    "Expected",
    "Flavor",
    "Gate",
    "Judgement",
    "MakeState",
    "Options",
    "PastBuild",
    "Recipe",
    "Stage",
    "Store",
    "check_flavor",
    "facts",
    "gate",
    "identify_compiler",
    "installed_python",
    "layout",
    "loop_flags",
    "make_progress",
    "past_builds",
    "uses_ccache",
]
