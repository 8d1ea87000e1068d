"""The commands, one module for each group: their options, and the jobs that they call."""

from bench.commands import (
    bisect,
    bundle,
    calibrate,
    hot,
    inspect,
    ladder,
    measure,
    report,
    runtimes,
    study,
)

GROUPS = (inspect, measure, ladder, report, calibrate, study, bundle, runtimes, hot, bisect)
"""In the order in which `patchbench --help` lists them."""
