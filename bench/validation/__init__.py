"""How often the verdicts of patchbench and of other tools are right. Pure.

`peers` computes the answers of the other tools. `recorded` and `simulated` (with `play`, `rates`
and `pace`) are the studies without measurements, `real` evaluates those of `patchbench study real`.
`page` renders docs/validation.md.
"""

from bench.validation import change_points, page, real, recorded, recordings, simulated
from bench.validation.findings import PARTS, Part, broken_promises
from bench.validation.real import CALM, KILLED, LOADED, Alone, ProcedureComparison, RealRow
from bench.validation.recorded import excludes_1

__all__ = [
    "CALM",
    "KILLED",
    "LOADED",
    "PARTS",
    "Alone",
    "Part",
    "ProcedureComparison",
    "RealRow",
    "broken_promises",
    "change_points",
    "excludes_1",
    "page",
    "real",
    "recorded",
    "recordings",
    "simulated",
]
