"""The commands, one module for each group: their options, and the jobs that they call."""

from bench.cli.commands.catalogue import GROUPS

__all__ = [
    "GROUPS",
]
