"""Compiled variants of benchmarks: their names, and why a benchmark has none. Pure.

    cython   the hot module compiled unchanged
    typed    with types added in an augmenting .pxd file: only kernels have them
    hand     written by hand: some kernels

A kernel is a benchmark with a folder `pure`, which contains its hot module (see ext/kernels.py).
For any other benchmark the script itself is that module. data/variants-*.toml lists the benchmarks
that cannot be compiled, or spend too little time in the module, each with the reason that a trial
gave.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping

from bench.benchmarks.suites import Benchmark
from bench.util import DATA

CYTHON, TYPED, HAND = "cython", "typed", "hand"
VARIANTS = (CYTHON, TYPED, HAND)
PURE = "pure"


def is_kernel(benchmark: Benchmark) -> bool:
    """Return whether the benchmark is a kernel: its hot module is beside its script."""
    return (benchmark.source / PURE).is_dir()


def unfit(benchmark: Benchmark, variant: str) -> str:
    """Return why a benchmark has no such variant, "" if it is expected to have one."""
    if not variant or is_kernel(benchmark):
        return ""  # the files of a kernel decide later
    if variant != CYTHON:
        return f"only kernels have a {variant} variant, since it needs files beside the benchmark"
    trials = _trials(benchmark.folder.partition("/")[0])
    if benchmark.name in trials["tried"] or not benchmark.requirements:
        return str(trials["cannot"].get(benchmark.name, ""))
    return (
        f"its variants have not been tried, and its hot code may be in a package that it requires; "
        f"`patchbench study variants --benchmarks {benchmark.name}` tries them"
    )


@functools.cache
def _trials(edition: str) -> Mapping[str, Mapping[str, object]]:
    """Return the trials of a release: `cannot` has reasons by name, `tried` all tried names."""
    path = DATA / f"variants-{edition}.toml"
    empty: dict[str, dict[str, object]] = {"cannot": {}, "tried": {}}
    if not path.exists():
        return empty
    return empty | tomllib.loads(path.read_text(encoding="utf-8"))
