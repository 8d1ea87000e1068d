"""The commands, one module for each group: their options, and the jobs that they call."""

from bench.commands import bisect, bundle, calibrate, inspect, measure, nightly, report, study

GROUPS = (inspect, measure, report, calibrate, nightly, bisect, study, bundle)
"""In the order in which `patchbench --help` lists them."""
