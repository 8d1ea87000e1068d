"""doctor, sources, builds, compare, gc and runtimes: show and clean up what is installed."""

from bench.jobs.inventory import builds, runtimes
from bench.jobs.inventory.builds import orphans

__all__ = [
    "builds",
    "orphans",
    "runtimes",
]
