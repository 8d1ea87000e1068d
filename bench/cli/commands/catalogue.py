"""The commands, one module for each group: their options, and the jobs that they call."""

from __future__ import annotations

from bench.cli.commands import (
    bisect,
    bundle,
    calibrate,
    hot,
    inventory,
    ladder,
    nightly,
    report,
    run,
    runtimes,
    study,
)

GROUPS = (
    inventory,
    run,
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
