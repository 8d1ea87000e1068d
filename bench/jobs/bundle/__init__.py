"""bundle, verify, reproduce: results that others can check and repeat."""

from bench.jobs.bundle import pack, reproduce, verify
from bench.jobs.bundle.reproduction import Wishes

__all__ = [
    "Wishes",
    "pack",
    "reproduce",
    "verify",
]
