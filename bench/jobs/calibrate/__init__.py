"""calibrate: base against base under each protocol, and which one is best on this host."""

from bench.jobs.calibrate import job

__all__ = [
    "job",
]
