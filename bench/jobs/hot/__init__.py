"""hot: a user's program, its hot modules compiled by Cython, held equal and measured."""

from bench.jobs.hot import job

__all__ = [
    "job",
]
