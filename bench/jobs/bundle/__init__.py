"""bundle, verify, reproduce: pack results so that others can check and repeat them."""

from bench.jobs.bundle import pack, reproduce, verify
from bench.jobs.bundle.reproduction import PlanOverrides

__all__ = [
    "PlanOverrides",
    "pack",
    "reproduce",
    "verify",
]
