"""Recorded results of one binary: reading them, and making a file of them small and anonymous."""

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

# Halves of fewer say nothing.
LEAST = 4
# What a file of ours says of where it was made: enough to judge it, nothing that names a machine.
KEPT = frozenset(
    {"name", "unit", "loops", "inner_loops", "timer", "perf_version", "aslr"}
    | {"python_implementation", "python_version", "python_hash_seed"}
)


def read(path: Path) -> dict[str, Processes]:
    """The processes of each benchmark of times in a file; DataError where none can be had.

    Processes with another number of values than most of their benchmark's are left out: pyperf
    cannot compare them.
    """
    pyperf_files.load(path)  # raises the errors that say what is wrong with it
    found = {}
    for one in pyperf.BenchmarkSuite.load(str(path)).get_benchmarks():
        if pyperf_files.METRICS.get(one.get_unit()) != TIME:
            continue
        processes = [tuple(run.values) for run in one.get_runs() if run.values]
        usual = collections.Counter(len(values) for values in processes).most_common(1)
        kept = tuple(values for values in processes if usual and len(values) == usual[0][0])
        if len(kept) >= LEAST:
            found[str(one.get_name())] = kept
    if not found:
        raise DataError(
            f"no benchmark has {LEAST} processes",
            where=str(path),
            hint="give results of pyperf or pyperformance, not made with --debug-single-value",
        )
    return found


def files(place: Path) -> tuple[Path, ...]:
    """The result files of a folder, or the one that is named; DataError where there is none."""
    if place.is_file():
        return (place,)
    found = tuple(sorted([*place.glob("*.json"), *place.glob("*.json.gz")]))
    if not found:
        raise DataError(
            "no result files here",
            where=str(place),
            hint="name a folder of files that pyperf or pyperformance wrote: .json or .json.gz",
        )
    return found


def anonymous(result: Mapping[str, Any]) -> dict[str, Any]:
    """pyperf's JSON with nothing in it but values and what they are of."""
    return {
        "version": result["version"],
        "metadata": _kept(result.get("metadata", {})),
        "benchmarks": [
            {
                "metadata": _kept(one.get("metadata", {})),
                "runs": [
                    # Eight digits are more than any clock has.
                    {"values": [float(f"{value:.8g}") for value in run["values"]]}
                    for run in one["runs"]
                    if run.get("values")
                ],
            }
            for one in result["benchmarks"]
        ],
    }


def joined(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One anonymous file out of one for each benchmark script."""
    clean = [anonymous(result) for result in results]
    return {
        "version": clean[0]["version"],
        "metadata": {},
        "benchmarks": [
            {**one, "metadata": {**result["metadata"], **one["metadata"]}}
            for result in clean
            for one in result["benchmarks"]
        ],
    }


def pack(result: Mapping[str, Any]) -> bytes:
    """The file's bytes, compressed, the same for the same result."""
    text = json.dumps(result, separators=(",", ":"), sort_keys=True)
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def _kept(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if key in KEPT}
