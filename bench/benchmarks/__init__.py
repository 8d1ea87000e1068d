"""Suites of benchmarks, their compiled variants, and the environments that they need."""

from bench.benchmarks import packages, suites
from bench.benchmarks.availability import (
    FITS,
    MISSING,
    UNCHECKED,
    UNKNOWN,
    Availability,
    RequirementState,
    TargetPython,
)
from bench.benchmarks.environments import (
    CPYTHON,
    STAMP,
    Environment,
    Environments,
    Interpreter,
    of_runtime,
)
from bench.benchmarks.packages import PackageSource
from bench.benchmarks.suites import (
    Benchmark,
    Missing,
    Selection,
    Suite,
    is_manifest,
    misfit,
    worker_requirements,
)
from bench.benchmarks.variants import CYTHON, VARIANTS, is_kernel, unfit

__all__ = [
    "CPYTHON",
    "CYTHON",
    "FITS",
    "MISSING",
    "STAMP",
    "UNCHECKED",
    "UNKNOWN",
    "VARIANTS",
    "Availability",
    "Benchmark",
    "Environment",
    "Environments",
    "Interpreter",
    "Missing",
    "PackageSource",
    "RequirementState",
    "Selection",
    "Suite",
    "TargetPython",
    "is_kernel",
    "is_manifest",
    "misfit",
    "of_runtime",
    "packages",
    "suites",
    "unfit",
    "worker_requirements",
]
