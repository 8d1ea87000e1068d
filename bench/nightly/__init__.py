"""nightly: build and measure every new head, compare it with earlier nights, publish."""

from bench.nightly import job, status, timer
from bench.nightly.config import load

__all__ = [
    "job",
    "load",
    "status",
    "timer",
]
