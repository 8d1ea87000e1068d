"""study: how often verdicts are right, by recordings, simulations and real measurements."""

from bench.jobs.study import change_points, real, record, study, variants

__all__ = [
    "change_points",
    "real",
    "record",
    "study",
    "variants",
]
