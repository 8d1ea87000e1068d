"""The commands, one module for each group: their options, and the jobs that they call."""

from bench.commands import bisect, bundle, calibrate, inspect, measure, report, study

GROUPS = (inspect, measure, report, calibrate, study, bundle, bisect)
"""In the order in which `patchbench --help` lists them."""
