"""From an experiment to its plan: commits, patches, work trees, benchmarks that fit each arm."""

from bench.planning.fitting import Fitting, compiler_for
from bench.planning.measurable import missing_lines
from bench.planning.resolve import Resolved, Sources, resolve
from bench.planning.worktree import uncommitted_notices, warning_of

__all__ = [
    "Fitting",
    "Resolved",
    "Sources",
    "compiler_for",
    "missing_lines",
    "resolve",
    "uncommitted_notices",
    "warning_of",
]
