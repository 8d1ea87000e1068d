"""ladder: what each way of making Python faster gives, in one experiment."""

from bench.jobs.ladder import job

__all__ = [
    "job",
]
