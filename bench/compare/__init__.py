"""Comparisons of measured times: ratios, intervals, verdicts. Pure."""

from bench.compare import pyperf_files, times
from bench.compare.blocks import (
    BenchmarkBlocks,
    MeasuredBlock,
    PairedBlock,
    Recorded,
    compare_blocks,
    compare_processes,
)
from bench.compare.comparison import (
    MARGIN,
    SIGNS,
    TIME,
    TIMES,
    Comparison,
    Comparisons,
    Positive,
    SuiteComparison,
    interval,
    spelled,
)
from bench.compare.pyperf_files import GZIP_MAGIC, RecordedBenchmark, ResultFile, load
from bench.compare.times import without_times

__all__ = [
    "GZIP_MAGIC",
    "MARGIN",
    "SIGNS",
    "TIME",
    "TIMES",
    "BenchmarkBlocks",
    "Comparison",
    "Comparisons",
    "MeasuredBlock",
    "PairedBlock",
    "Positive",
    "Recorded",
    "RecordedBenchmark",
    "ResultFile",
    "SuiteComparison",
    "compare_blocks",
    "compare_processes",
    "interval",
    "load",
    "pyperf_files",
    "spelled",
    "times",
    "without_times",
]
