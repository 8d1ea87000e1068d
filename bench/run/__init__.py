"""An experiment from its plan to its report: resolve, build, gate, measure, write."""

from bench.run import base, ladder, rerender, run
from bench.run.base import Ready
from bench.run.fitting import Fitting, compiler_for
from bench.run.ladder import STEPS, LadderRung
from bench.run.resolve import Resolved, Sources
from bench.run.worktree import uncommitted_notices

__all__ = [
    "STEPS",
    "Fitting",
    "LadderRung",
    "Ready",
    "Resolved",
    "Sources",
    "base",
    "compiler_for",
    "ladder",
    "rerender",
    "run",
    "uncommitted_notices",
]
