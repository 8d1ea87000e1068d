"""bisect: which commit between two revisions made a benchmark faster or slower."""

from bench.jobs.bisect import job
from bench.jobs.bisect.steps import BisectRequest

__all__ = ["BisectRequest", "job"]
