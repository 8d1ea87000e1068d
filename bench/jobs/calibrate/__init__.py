"""calibrate: measure the base against itself to choose the best protocols of this host."""

from bench.jobs.calibrate import job

__all__ = [
    "job",
]
