"""Synthetic histories: ten years of nights in the shape of real ones.

Each benchmark has its own level and noise, wanders a little, and takes a step now and then; the
host has a new kernel twice a year, each an epoch with a small offset of all absolute times.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from bench.history.models import BenchmarkRow, BuildRow, HistoryRatio, NightRow, NightSuite
from bench.history.reading import LineKey

BEGIN = datetime(2016, 1, 1, 3, tzinfo=UTC)
FLAVORS = ("plain", "pgo", "lto", "pgo+lto")
HOST = "c0ffee"
KERNEL_DAYS = 180
PGO = LineKey(host=HOST, branch="main", flavor="pgo")


def facts(night: int) -> dict[str, str]:
    """What the epoch of a night depends on."""
    return {
        "cpu": "Imaginary CPU 3000",
        "kernel": f"6.{night // KERNEL_DAYS}.0",
        "compiler": "gcc 12.2.0",
        "suite": "pyperformance 1.14.0",
    }


def history(
    nights: int = 3650,
    benchmarks: int = 100,
    flavors: tuple[str, ...] = FLAVORS,
    *,
    branch: str = "main",
    seed: int = 1,
) -> Iterator[NightRow]:
    """Nights in order of time, each flavor's after the other."""
    rng = np.random.default_rng(seed)
    shape = len(flavors), benchmarks
    level = rng.uniform(math.log(1e-3), 0, size=shape)
    start = level.copy()
    noise = rng.uniform(0.003, 0.015, size=shape)
    for night in range(nights):
        step = np.where(rng.random(shape) < 1 / 800, rng.normal(0, 0.03, shape), 0.0)
        level += step
        measured = level + rng.normal(0, 1, shape) * noise
        for number, flavor in enumerate(flavors):
            yield _night(
                night,
                flavor,
                branch=branch,
                logs=measured[number],
                step=step[number],
                start=start[number],
                noise=noise[number],
            )


def _night(
    night: int,
    flavor: str,
    *,
    branch: str,
    logs: np.ndarray,
    step: np.ndarray,
    start: np.ndarray,
    noise: np.ndarray,
) -> NightRow:
    means = np.exp(logs).tolist()
    last, release = np.exp(step).tolist(), np.exp(logs - start).tolist()
    names = [f"bm_{number:03}" for number in range(len(means))]
    rows = tuple(
        BenchmarkRow(
            benchmark=name,
            mean=mean,
            rsd=rsd,
            processes=12,
            last=_ratio(against, rsd),
            release=_ratio(then, rsd),
        )
        for name, mean, rsd, against, then in zip(
            names, means, noise.tolist(), last, release, strict=True
        )
    )
    return NightRow(
        identity=f"{branch} {flavor} {night}",
        host=HOST,
        branch=branch,
        flavor=flavor,
        when=BEGIN + timedelta(days=night),
        facts=facts(night),
        build=_built(night, flavor),
        folder=f"nights/{night}/{flavor}",
        last=NightSuite(key=_built(night - 1, flavor).key, suite=_ratio(1.0, 0.001)),
        release=NightSuite(key=f"release-{flavor}", title="3.13.5", suite=_ratio(0.98, 0.001)),
        rows=rows,
    )


def _built(night: int, flavor: str) -> BuildRow:
    return BuildRow(
        key=f"{night:x}-{flavor}",
        commit=hashlib.sha256(f"commit {night}".encode()).hexdigest()[:40],
        version=f"3.{5 + max(night, 0) // 365}.0a{1 + max(night, 0) % 7}",
        title=f"main {flavor}",
        committed=BEGIN + timedelta(days=night - 1),
    )


def _ratio(ratio: float, error: float) -> HistoryRatio:
    low, high = ratio * math.exp(-2 * error), ratio * math.exp(2 * error)
    low95, high95 = ratio * math.exp(-error), ratio * math.exp(error)
    verdict = "slower" if low > 1 else "faster" if high < 1 else "undecided"
    return HistoryRatio(
        ratio=ratio, low=low, high=high, low95=low95, high95=high95, verdict=verdict, blocks=12
    )


def small(nights: int = 6, benchmarks: int = 3, branch: str = "main") -> list[NightRow]:
    """Some nights of two flavors."""
    return list(history(nights, benchmarks, ("plain", "pgo"), branch=branch))
