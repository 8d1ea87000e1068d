"""The commands, one module for each group: their options, and the jobs that they call."""

from bench.commands import (
    bisect,
    bundle,
    calibrate,
    hot,
    inspect,
    ladder,
    measure,
    nightly,
    report,
    runtimes,
    study,
)

GROUPS = (
    inspect,
    measure,
    ladder,
    report,
    calibrate,
    bundle,
    runtimes,
    hot,
    nightly,
    bisect,
    study,
)
"""In the order in which `patchbench --help` lists them."""
