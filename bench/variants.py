"""Compiled variants of benchmarks: their names, and where there is none. Pure.

    cython   the hot module compiled unchanged
    typed    with types added from outside (an augmenting .pxd): kernels alone have them
    hand     written by hand: some kernels

A kernel is a benchmark with a folder `pure`, in which its hot module lies (see ext/kernels.py); of
any other benchmark, the script is that module. What cannot be compiled, or is not worth it since
the time goes elsewhere, stands in data/variants-*.toml, with the reason that trying it gave.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path

from bench.suites import Benchmark

CYTHON, TYPED, HAND = "cython", "typed", "hand"
VARIANTS = (CYTHON, TYPED, HAND)
PURE = "pure"
_DATA = Path(__file__).parent / "data"


def is_kernel(benchmark: Benchmark) -> bool:
    """Whether the benchmark's hot module is beside its script."""
    return (benchmark.source / PURE).is_dir()


def unfit(benchmark: Benchmark, variant: str) -> str:
    """Why a benchmark has no such variant; "" where it has one, as far as is known beforehand."""
    if not variant or is_kernel(benchmark):
        return ""  # of a kernel, what is there decides
    if variant != CYTHON:
        return f"only kernels have a {variant} variant: it needs files beside the benchmark"
    edition = benchmark.folder.partition("/")[0]
    return _known(edition).get(benchmark.name, "")


@functools.cache
def _known(edition: str) -> Mapping[str, str]:
    """The reasons of a release's benchmarks; none where nobody tried."""
    path = _DATA / f"variants-{edition}.toml"
    if not path.exists():
        return {}
    reasons: Mapping[str, str] = tomllib.loads(path.read_text(encoding="utf-8"))["cannot"]
    return reasons
