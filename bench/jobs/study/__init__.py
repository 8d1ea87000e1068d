"""study: how often verdicts are right, asked of recordings, simulations and real measurements."""

from bench.jobs.study import real, record, study, variants

__all__ = [
    "real",
    "record",
    "study",
    "variants",
]
