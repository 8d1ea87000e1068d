"""Result files that pyperf or pyperformance wrote: reading them, and comparing two of them.

The drop-in for `pyperf compare_to`, with our verdicts. pyperf's own loader reads the files; what it
raises becomes a DataError that names the file.
"""

from __future__ import annotations

import gzip
import io
import math
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.benchmarks import Missing
from bench.compare.blocks import Recorded, compare_processes
from bench.compare.comparison import ERROR, MARGIN, MEMORY, TIME, Comparisons
from bench.stats import LEAST, MOST
from builder.errors import DataError

METRICS = {"second": TIME, "byte": MEMORY, "integer": "count"}

# Metadata that should agree for a ratio to speak of the change alone.
TELLING = (
    "hostname",
    "platform",
    "cpu_model_name",
    "cpu_count",
    "cpu_affinity",
    "cpu_config",
    "aslr",
    "python_implementation",
    "python_version",
    "python_compiler",
    "python_cflags",
    "timer",
    "perf_version",
    "performance_version",
)
# Compared but not shown, since a comparison may be published: flags can hold paths.
HIDDEN = frozenset({"hostname", "python_cflags"})
SHOWN = 60

GZIP_MAGIC = b"\x1f\x8b"
# All that the loader is known to raise on files that are not what they should be.
DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    zlib.error,
)


@dataclass(frozen=True, kw_only=True)
class RecordedBenchmark:
    """One benchmark of a file. `processes` holds the arithmetic mean of each process's values.

    Runs that only calibrate have no values and are not counted. `loops` and `inner_loops` are those
    that occurred, sorted, `values` the numbers of values a process.
    """

    name: str
    metric: str
    processes: tuple[float, ...]
    values: tuple[int, ...]
    loops: tuple[int, ...]
    inner_loops: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ResultFile:
    """A result file. `metadata` maps each of TELLING that it has to its values, sorted."""

    path: Path
    benchmarks: tuple[RecordedBenchmark, ...]
    metadata: Mapping[str, tuple[str, ...]]


def load(path: Path) -> ResultFile:
    """Read a pyperf file, gzip-compressed or not, whatever it is called.

    DataError where it cannot be read, is damaged, is no pyperf JSON, has a version that pyperf does
    not know, a benchmark twice, or a value that is not finite.
    """
    import pyperf

    try:
        suite = pyperf.BenchmarkSuite.load(_text(path))
        benchmarks = suite.get_benchmarks()
        recorded = tuple(_benchmark(one) for one in benchmarks)
        metadata = _metadata(one.get_metadata() for one in benchmarks)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise DataError(
            f"cannot read the file: {reason}",
            where=str(path),
            hint="give a JSON file that pyperf or pyperformance wrote (-o FILE), .gz or not",
        ) from None
    except DAMAGE as problem:
        raise DataError(
            f"not a result file that pyperf can load: {_reason(problem)}",
            where=str(path),
            hint="give a JSON file that pyperf or pyperformance wrote (-o FILE), .gz or not",
        ) from None
    return ResultFile(path=path, benchmarks=recorded, metadata=metadata)


def compare_files(
    base: Path, candidate: Path, *, margin: float = MARGIN, error: float = ERROR
) -> Comparisons:
    """Compare two result files: the unit is the process. Errors as `load`."""
    files = load(base), load(candidate)
    sides = [{one.name: one for one in file.benchmarks} for file in files]
    recorded, missing = [], []
    for name in dict.fromkeys(name for side in sides for name in side):
        first, second = (side.get(name) for side in sides)
        if first is None or second is None:
            there = "base" if second is None else "candidate"
            missing.append(Missing(benchmark=name, reason=f"only in the {there}'s file"))
        elif first.metric != second.metric:
            reason = f"{first.metric} in the base's file, {second.metric} in the candidate's"
            missing.append(Missing(benchmark=name, reason=reason))
        else:
            recorded.append(_pair(first, second))
    return compare_processes(
        recorded, margin=margin, error=error, missing=missing, warnings=differences(*files)
    )


def differences(base: ResultFile, candidate: ResultFile) -> tuple[str, ...]:
    """Warnings for metadata that should agree and does not."""
    found = []
    for key in TELLING:
        values = base.metadata.get(key, ()), candidate.metadata.get(key, ())
        if values[0] == values[1]:
            continue
        shown = "" if key in HIDDEN else f": {_show(values[0])}, {_show(values[1])}"
        found.append(f"metadata-{key}: differs between base and candidate{shown}")
    return tuple(found)


def _text(path: Path) -> io.TextIOWrapper:
    """The file as text. Compression is told by content: a misnamed file is still readable."""
    raw = path.read_bytes()
    if raw.startswith(GZIP_MAGIC):
        raw = gzip.decompress(raw)
    return io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8")


def _reason(problem: BaseException) -> str:
    text = str(problem).strip().splitlines()
    kind = type(problem).__name__
    return f"{kind}: {text[0][:200]}" if text else kind


def _benchmark(benchmark: Any) -> RecordedBenchmark:
    name, unit = str(benchmark.get_name()), benchmark.get_unit()
    runs = [run for run in benchmark.get_runs() if run.values]
    means = tuple(math.fsum(run.values) / len(run.values) for run in runs)
    if not all(LEAST <= mean <= MOST for mean in means):
        raise ValueError(f"benchmark {name!r} has values that are no times or sizes")

    def seen(of: Callable[[Any], int]) -> tuple[int, ...]:
        return tuple(sorted({of(run) for run in runs}))

    return RecordedBenchmark(
        name=name,
        metric=METRICS.get(unit, unit),
        processes=means,
        values=seen(lambda run: len(run.values)),
        loops=seen(lambda run: run.get_loops()),
        inner_loops=seen(lambda run: run.get_inner_loops()),
    )


def _metadata(each: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for one in each:
        for key in TELLING:
            if key in one:
                found.setdefault(key, set()).add(str(one[key]))
    return {key: tuple(sorted(values)) for key, values in found.items()}


def _pair(base: RecordedBenchmark, candidate: RecordedBenchmark) -> Recorded:
    warnings = []
    for code, what, first, second in (
        ("values", "values a process", base.values, candidate.values),
        ("loops", "loops a value", base.loops, candidate.loops),
        ("inner-loops", "inner loops", base.inner_loops, candidate.inner_loops),
    ):
        if first and second and first != second:
            told = f"{_span(first)} in the base, {_span(second)} in the candidate"
            warnings.append(f"{code}: {what} differ: {told}")
    return Recorded(
        benchmark=base.name,
        metric=base.metric,
        base=base.processes,
        candidate=candidate.processes,
        warnings=tuple(warnings),
    )


def _span(numbers: tuple[int, ...]) -> str:
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"


def _show(values: tuple[str, ...]) -> str:
    text = " and ".join(values) or "not recorded"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
