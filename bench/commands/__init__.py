"""The commands, one module for each group: their options, and the jobs that they call."""

from bench.commands import inspect, measure

GROUPS = (inspect, measure)
"""In the order in which `patchbench --help` lists them."""
