"""The commands, one module for each group: their options, and the jobs that they call."""

from bench.commands import bundle, calibrate, inspect, measure, nightly, report, study

GROUPS = (inspect, measure, report, calibrate, nightly, study, bundle)
"""In the order in which `patchbench --help` lists them."""
