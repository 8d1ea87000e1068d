"""Building recipes: configure, make and install, facts of the binaries, the gate, the store."""

from builder.builds import (
    facts,
    gate,
    layout,
    loop_flags,
    machine_code,
    make_progress,
    past_builds,
    unbuilt,
)
from builder.builds.compile import (
    Builder,
    Options,
    check_compiler,
    check_flavor,
    forgotten_outputs,
    identify_compiler,
    identify_tools,
    installed_python,
    required_generators,
    uses_ccache,
)
from builder.builds.facts import Difference
from builder.builds.gate import Gate, Judgement, NoTestsError, UntestedError
from builder.builds.make_progress import MakeState
from builder.builds.make_watch import Expected
from builder.builds.past_builds import PastBuild
from builder.builds.recipe import CompilerIdentity, Flavor, Recipe
from builder.builds.store import Build, Stage, Store, unbuilt_json
from builder.builds.unbuilt import UnbuiltChange

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
    "NoTestsError",
    "Options",
    "PastBuild",
    "Recipe",
    "Stage",
    "Store",
    "UnbuiltChange",
    "UntestedError",
    "check_compiler",
    "check_flavor",
    "facts",
    "forgotten_outputs",
    "gate",
    "identify_compiler",
    "identify_tools",
    "installed_python",
    "layout",
    "loop_flags",
    "machine_code",
    "make_progress",
    "past_builds",
    "required_generators",
    "unbuilt",
    "unbuilt_json",
    "uses_ccache",
]
