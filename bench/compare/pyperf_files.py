"""Read result files of pyperf or pyperformance, and compare two of them.

This replaces `pyperf compare_to`, with our verdicts. pyperf's own loader reads the files; its
exceptions become a DataError that names the file.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.benchmarks import Missing
from bench.compare import shared_runs
from bench.compare.blocks import Recorded, compare_processes
from bench.compare.comparison import ERROR, MARGIN, MEMORY, TIME, Comparisons
from bench.compare.times import CPU, WALL
from bench.stats import LEAST, MOST
from builder.errors import DataError, IncomparableError

METRICS = {"second": TIME, "byte": MEMORY, "integer": "count"}

# Metadata that should agree, since otherwise the change is not the only cause of a ratio.
COMPARED_METADATA = (
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
# Metadata that say what a single benchmark does: timeit_stmt, pickle_protocol, django_version.
DETAILS = re.compile(r"timeit_\w+|\w+_(version|protocol|module)")
SHOWN = 60
# Names of benchmarks in a message.
LISTED = 8

GZIP_MAGIC = b"\x1f\x8b"
# Exceptions that the loader is known to raise for damaged files.
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
    that occurred, sorted, `values` the numbers of values in a process. `clock`: what the times are
    of, None where the file says two things. `identities` are those of the processes, see
    `shared_runs.identity`; `details` are the metadata that say what it does.
    """

    name: str
    metric: str
    processes: tuple[float, ...]
    values: tuple[int, ...]
    loops: tuple[int, ...]
    inner_loops: tuple[int, ...]
    clock: str | None = None
    identities: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ResultFile:
    """A result file. `metadata` maps the keys of COMPARED_METADATA in it to their sorted values;
    `sha256` is of its uncompressed content.
    """

    path: Path
    sha256: str
    benchmarks: tuple[RecordedBenchmark, ...]
    metadata: Mapping[str, tuple[str, ...]]


def load(path: Path) -> ResultFile:
    """Read a pyperf file, gzip-compressed or not, with any name.

    DataError if it cannot be read, is damaged, is not pyperf JSON, or has a version that pyperf
    does not know, a duplicate benchmark, or a value that is not finite.
    """
    import pyperf

    try:
        raw = _content(path)
        suite = pyperf.BenchmarkSuite.load(io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"))
        benchmarks = suite.get_benchmarks()
        recorded = tuple(_benchmark(item) for item in benchmarks)
        metadata = _metadata(item.get_metadata() for item in benchmarks)
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
    sha256 = hashlib.sha256(raw).hexdigest()
    return ResultFile(path=path, sha256=sha256, benchmarks=recorded, metadata=metadata)


def compare_files(
    base: Path, candidate: Path, *, margin: float = MARGIN, error: float = ERROR
) -> Comparisons:
    """Compare two result files: the unit is the process. Raises what `load` does."""
    return compare_results(load(base), load(candidate), margin=margin, error=error)


def compare_results(
    base: ResultFile, candidate: ResultFile, *, margin: float = MARGIN, error: float = ERROR
) -> Comparisons:
    """Compare two results that were read; what is the same measurement in both is missing."""
    files = base, candidate
    sides = [{item.name: item for item in file.benchmarks} for file in files]
    is_same_file = base.sha256 == candidate.sha256
    recorded, missing = [], []
    for name in dict.fromkeys(name for side in sides for name in side):
        first, second = (side.get(name) for side in sides)
        if first is None or second is None:
            side = "base" if second is None else "candidate"
            missing.append(Missing(benchmark=name, reason=f"only in the {side}'s file"))
        elif first.metric != second.metric:
            reason = f"{first.metric} in the base's file, {second.metric} in the candidate's"
            missing.append(Missing(benchmark=name, reason=reason))
        elif is_same_file or shared_runs.are_same(first.identities, second.identities):
            missing.append(Missing(benchmark=name, reason=shared_runs.SAME))
        else:
            recorded.append(_pair(first, second))
    return compare_processes(
        recorded,
        margin=margin,
        error=error,
        missing=missing,
        warnings=(*differences(*files), *_about_missing(missing, len(recorded))),
    )


def refuse_nothing(compared: Comparisons, base: ResultFile, candidate: ResultFile) -> None:
    """Raise IncomparableError, with what each file has, unless something was compared."""
    if compared.comparisons:
        return
    where = "\n".join(f"{file.path}: {_contents(file)}" for file in (base, candidate))
    if compared.missing and all(row.reason == shared_runs.SAME for row in compared.missing):
        raise IncomparableError(
            "Both files have the same measurements, so a comparison would say nothing.",
            where=where,
            hint="Give two results that were measured separately, one with each interpreter.",
        )
    raise IncomparableError(
        "The two files have no benchmark that can be compared.",
        where=where,
        hint="Give results of the same suite: the same names, in the same unit, with values.",
    )


def _contents(file: ResultFile) -> str:
    names = [_described(item) for item in file.benchmarks]
    shown = ", ".join(names[:LISTED])
    more = len(names) - LISTED
    count = f"{len(names)} benchmark{'' if len(names) == 1 else 's'}"
    return f"{count}: {shown}{f' and {more} more' if more > 0 else ''}"


def _described(item: RecordedBenchmark) -> str:
    if not item.processes:
        return f"{item.name} (no values)"
    return item.name if item.metric == TIME else f"{item.name} ({item.metric})"


def _about_missing(missing: Sequence[Missing], compared: int) -> Iterator[str]:
    """Warnings about what the suite's ratio lacks."""
    same = [row.benchmark for row in missing if row.reason == shared_runs.SAME]
    if same and compared:
        yield f"same-runs: the same processes in both files, left out: {', '.join(same)}"
    if compared and len(missing) - len(same) > compared:
        yield (
            f"few-in-common: {compared} of {compared + len(missing)} benchmarks could be compared; "
            "the geometric mean is of these alone"
        )


def differences(base: ResultFile, candidate: ResultFile) -> tuple[str, ...]:
    """Return warnings about metadata that should agree and does not."""
    warnings = []
    for key in COMPARED_METADATA:
        values = base.metadata.get(key, ()), candidate.metadata.get(key, ())
        if values[0] == values[1]:
            continue
        shown = "" if key in HIDDEN else f": {_show(values[0])}, {_show(values[1])}"
        warnings.append(f"metadata-{key}: differs between base and candidate{shown}")
    return tuple(warnings)


def _content(path: Path) -> bytes:
    """Read a file. Its content shows whether it is compressed, whatever its name is."""
    raw = path.read_bytes()
    return gzip.decompress(raw) if raw.startswith(GZIP_MAGIC) else raw


def _reason(problem: BaseException) -> str:
    text = str(problem).strip().splitlines()
    kind = type(problem).__name__
    return f"{kind}: {text[0][:200]}" if text else kind


def _benchmark(benchmark: Any) -> RecordedBenchmark:
    name, unit = str(benchmark.get_name()), benchmark.get_unit()
    runs = [run for run in benchmark.get_runs() if run.values]
    means = tuple(math.fsum(run.values) / len(run.values) for run in runs)
    if not all(LEAST <= mean <= MOST for mean in means):
        raise ValueError(f"benchmark {name!r} has values that are not times or sizes")

    def distinct(count: Callable[[Any], int]) -> tuple[int, ...]:
        return tuple(sorted({count(run) for run in runs}))

    return RecordedBenchmark(
        name=name,
        metric=METRICS.get(unit, unit),
        processes=means,
        values=distinct(lambda run: len(run.values)),
        loops=distinct(lambda run: run.get_loops()),
        inner_loops=distinct(lambda run: run.get_inner_loops()),
        clock=_clock(run.get_metadata() for run in runs),
        identities=tuple(
            shared_runs.identity(run.get_metadata().get("date"), run.values) for run in runs
        ),
        details={
            key: str(value)
            for key, value in benchmark.get_metadata().items()
            if DETAILS.fullmatch(key) and key not in COMPARED_METADATA
        },
    )


def _clock(runs: Iterable[Mapping[str, Any]]) -> str | None:
    """The clock of all runs. pyperf's timer is a clock of the wall where nothing else is said: our
    own trials say under which clock their values are, whatever the timer of the process was.
    """
    said = {
        str(run.get("patchbench_clock") or (CPU if "CPUTIME" in str(run.get("timer")) else WALL))
        for run in runs
    }
    return said.pop() if len(said) == 1 and said <= {CPU, WALL} else None


def _metadata(items: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    values: dict[str, set[str]] = {}
    for item in items:
        for key in COMPARED_METADATA:
            if key in item:
                values.setdefault(key, set()).add(str(item[key]))
    return {key: tuple(sorted(texts)) for key, texts in values.items()}


def _pair(base: RecordedBenchmark, candidate: RecordedBenchmark) -> Recorded:
    warnings = []
    for code, what, first, second in (
        ("values", "values a process", base.values, candidate.values),
        ("loops", "loops a value", base.loops, candidate.loops),
        ("inner-loops", "inner loops", base.inner_loops, candidate.inner_loops),
    ):
        if first and second and first != second:
            spans = f"{_span(first)} in the base, {_span(second)} in the candidate"
            warnings.append(f"{code}: {what} differ: {spans}")
    for key in sorted({*base.details, *candidate.details}):
        shown = [_show(tuple(filter(None, [side.details.get(key)]))) for side in (base, candidate)]
        if base.details.get(key) != candidate.details.get(key):
            warnings.append(f"metadata-{key}: not the same work: {shown[0]}, {shown[1]}")
    warnings += shared_runs.warnings(
        (base.processes, base.identities), (candidate.processes, candidate.identities)
    )
    return Recorded(
        benchmark=base.name,
        metric=base.metric,
        base=shared_runs.distinct(base.processes, base.identities),
        candidate=shared_runs.distinct(candidate.processes, candidate.identities),
        warnings=tuple(warnings),
        clock=base.clock if base.clock == candidate.clock else None,
    )


def _span(numbers: tuple[int, ...]) -> str:
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"


def _show(values: tuple[str, ...]) -> str:
    text = " and ".join(values) or "not recorded"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
