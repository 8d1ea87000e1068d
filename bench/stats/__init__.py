"""Statistics: pure functions of floats, which import nothing of the project."""

from bench.stats import accuracy, estimates, ranks
from bench.stats.accuracy import SPAN, Accuracy, AccuracyCell
from bench.stats.change_scan import scan
from bench.stats.estimates import LEAST, MOST, log_ratio
from bench.stats.level_change import SETTINGS, Floats, LevelChange, Settings
from bench.stats.multiplicity import family_levels, look_level
from bench.stats.ranks import estimate_blocks, hodges_lehmann

__all__ = [
    "LEAST",
    "MOST",
    "SETTINGS",
    "SPAN",
    "Accuracy",
    "AccuracyCell",
    "Floats",
    "LevelChange",
    "Settings",
    "accuracy",
    "estimate_blocks",
    "estimates",
    "family_levels",
    "hodges_lehmann",
    "log_ratio",
    "look_level",
    "ranks",
    "scan",
]
