"""hot: a user's program with its hot modules compiled by Cython, checked for equality, measured."""

from bench.jobs.hot import job

__all__ = [
    "job",
]
