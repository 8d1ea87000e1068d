"""nightly: build and measure what moved, compare with the nights before, publish."""

from bench.nightly import job, status, timer
from bench.nightly.config import load

__all__ = [
    "job",
    "load",
    "status",
    "timer",
]
