"""The gate: CPython's own tests on base and candidate, before anything is timed."""

from builder.builds.gate.judge import Gate, GateResult, Judgement, NoTestsError, UntestedError
from builder.builds.gate.regrtest import TestOutcomes, parse, regrtest
from builder.builds.gate.selections import CORE, CORE_OF_3, SHORT, Selected, available, selected

__all__ = [
    "CORE",
    "CORE_OF_3",
    "SHORT",
    "Gate",
    "GateResult",
    "Judgement",
    "NoTestsError",
    "Selected",
    "TestOutcomes",
    "UntestedError",
    "available",
    "parse",
    "regrtest",
    "selected",
]
