"""An experiment from its plan to its report: build, gate, measure, write."""

from bench.run import base, ladder, rerender, run
from bench.run.base import Ready
from bench.run.ladder import STEPS, LadderRung

__all__ = [
    "STEPS",
    "LadderRung",
    "Ready",
    "base",
    "ladder",
    "rerender",
    "run",
]
