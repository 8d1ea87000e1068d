"""series: the project's series of patches and their recorded results."""

from bench.jobs.series import listing, record

__all__ = [
    "listing",
    "record",
]
