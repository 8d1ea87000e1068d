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

from bench.benchmarks.suites import Benchmark
from bench.util import DATA

CYTHON, TYPED, HAND = "cython", "typed", "hand"
VARIANTS = (CYTHON, TYPED, HAND)
PURE = "pure"


def is_kernel(benchmark: Benchmark) -> bool:
    """Whether the benchmark's hot module is beside its script."""
    return (benchmark.source / PURE).is_dir()


def unfit(benchmark: Benchmark, variant: str) -> str:
    """Why a benchmark has no such variant; "" where it has one, as far as is known beforehand."""
    if not variant or is_kernel(benchmark):
        return ""  # of a kernel, what is there decides
    if variant != CYTHON:
        return f"only kernels have a {variant} variant: it needs files beside the benchmark"
    known = _known(benchmark.folder.partition("/")[0])
    if benchmark.name in known["tried"] or not benchmark.requirements:
        return str(known["cannot"].get(benchmark.name, ""))
    return (
        f"nobody has tried it, and its hot code may be in what it requires: `patchbench study "
        f"variants --benchmarks {benchmark.name}` tries it"
    )


@functools.cache
def _known(edition: str) -> Mapping[str, Mapping[str, object]]:
    """What came of trying a release: `cannot` by reasons, and all that were `tried`."""
    path = DATA / f"variants-{edition}.toml"
    nothing: dict[str, dict[str, object]] = {"cannot": {}, "tried": {}}
    if not path.exists():
        return nothing
    return nothing | tomllib.loads(path.read_text(encoding="utf-8"))
