"""series: the patches of the project, and what was measured of them."""

from bench.jobs.series import listing, record

__all__ = [
    "listing",
    "record",
]
