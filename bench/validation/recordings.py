"""Read recorded results of one binary, and make small anonymous files of them."""

from __future__ import annotations

import collections
import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyperf

from bench.compare import TIME, pyperf_files
from builder.errors import DataError

Processes = tuple[tuple[float, ...], ...]
"""The values of each process of one benchmark, in seconds."""

# The least number of processes of a benchmark: its halves need two each.
LEAST = 4
# The metadata that anonymous files keep: enough to judge them, nothing that names a machine.
KEPT = frozenset(
    {"name", "unit", "loops", "inner_loops", "timer", "perf_version", "aslr"}
    | {"python_implementation", "python_version", "python_hash_seed"}
)


def read(path: Path) -> dict[str, Processes]:
    """The processes of each benchmark of times in a file. DataError if there are none.

    Only processes with the most frequent number of values are used: pyperf cannot compare others.
    """
    pyperf_files.load(path)  # raises DataError with the reason for a bad file
    by_name = {}
    for benchmark in pyperf.BenchmarkSuite.load(str(path)).get_benchmarks():
        if pyperf_files.METRICS.get(benchmark.get_unit()) != TIME:
            continue
        processes = [tuple(run.values) for run in benchmark.get_runs() if run.values]
        usual = collections.Counter(len(values) for values in processes).most_common(1)
        kept = tuple(values for values in processes if usual and len(values) == usual[0][0])
        if len(kept) >= LEAST:
            by_name[str(benchmark.get_name())] = kept
    if not by_name:
        raise DataError(
            f"no benchmark has {LEAST} processes",
            where=str(path),
            hint="name results of pyperf or pyperformance, not made with --debug-single-value",
        )
    return by_name


def files(place: Path) -> tuple[Path, ...]:
    """The result files of a folder, or the named file itself. DataError if there are none."""
    if place.is_file():
        return (place,)
    paths = tuple(sorted([*place.glob("*.json"), *place.glob("*.json.gz")]))
    if not paths:
        raise DataError(
            "there are no result files here",
            where=str(place),
            hint="name a folder of files that pyperf or pyperformance wrote: .json or .json.gz",
        )
    return paths


def anonymous(result: Mapping[str, Any]) -> dict[str, Any]:
    """pyperf's JSON reduced to the values and the metadata in KEPT."""
    return {
        "version": result["version"],
        "metadata": _kept(result.get("metadata", {})),
        "benchmarks": [
            {
                "metadata": _kept(benchmark.get("metadata", {})),
                "runs": [
                    # Eight digits are more than any clock's resolution.
                    {"values": [float(f"{value:.8g}") for value in run["values"]]}
                    for run in benchmark["runs"]
                    if run.get("values")
                ],
            }
            for benchmark in result["benchmarks"]
        ],
    }


def joined(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Join the results of benchmark scripts to one anonymous file."""
    clean = [anonymous(result) for result in results]
    return {
        "version": clean[0]["version"],
        "metadata": {},
        "benchmarks": [
            {**benchmark, "metadata": {**result["metadata"], **benchmark["metadata"]}}
            for result in clean
            for benchmark in result["benchmarks"]
        ],
    }


def pack(result: Mapping[str, Any]) -> bytes:
    """The compressed file; always the same bytes for the same result."""
    text = json.dumps(result, separators=(",", ":"), sort_keys=True)
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def _kept(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if key in KEPT}
