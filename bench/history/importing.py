"""Read nights from pyperf's JSON files, .gz or not, as pyperformance and bench_runner name them.

The commit, date, branch and host are taken from the file's name, or else from its metadata:

    pyperformance   2017-03-31_01-17-master-78a111c7d867[-patch-NAME].json.gz
                    the commit's date and time, branch, revision
    bench_runner    bm-20240101-linux-x86_64-python-main-3.14.0a0-abcdef0.json
                    the commit's date, the machine's nickname and processor, the fork, the branch,
                    the version and the revision; in a folder bm-DATE-VERSION-REVISION[-FLAG,FLAG]
                    that has the flavor

The time of a night is the commit's, as in the name, or else when the file was measured.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
import statistics
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.compare import GZIP_MAGIC, TIME, RecordedBenchmark, ResultFile, load
from bench.history.models import IMPORTED, BenchmarkRow, BuildRow, NightRow
from builder.errors import DataError

_ENDING = re.compile(r"\.json(\.gz)?$")
_PYPERFORMANCE = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d_\d\d-\d\d)-(?P<branch>.+?)-(?P<commit>[0-9a-f]{7,40})"
    r"(?:-patch-(?P<patch>.+))?"
)
_FOLDER = re.compile(r"bm-\d{8}-[^-]+-[0-9a-f]{7,40}-(?P<flags>[^-]+)")
# The number of fields in bench_runner's names of results; its other files have more.
_FIELDS = 8


@dataclass(frozen=True, kw_only=True)
class Named:
    """The parts of a file's name; "" or None for those that it does not have."""

    when: datetime | None = None
    host: str = ""
    branch: str = ""
    flavor: str = ""
    version: str = ""
    commit: str = ""


def understand(path: Path) -> Named | None:
    """The parts of a name; None if it is not one of results (bench_runner's statistics)."""
    stem = _ENDING.sub("", path.name)
    if stem.startswith("bm-"):
        return _bench_runner(stem, path.parent.name)
    if match := _PYPERFORMANCE.fullmatch(stem):
        patch = match["patch"]
        return Named(
            when=_moment(match["date"], "%Y-%m-%d_%H-%M"),
            branch=match["branch"],
            commit=match["commit"],
            flavor=f"patch {patch}" if patch else "",
        )
    return Named()


def _bench_runner(stem: str, folder: str) -> Named | None:
    fields = stem.split("-")
    if len(fields) < _FIELDS or (when := _moment(fields[1], "%Y%m%d")) is None:
        return Named()
    if len(fields) > _FIELDS:
        return None
    _, _, nickname, machine, fork, ref, version, commit = fields
    fork = urllib.parse.unquote(fork)
    flags = _FOLDER.fullmatch(folder)
    return Named(
        when=when,
        host=f"{nickname} {machine}",
        branch=ref if fork == "python" else f"{fork}/{ref}",
        flavor=flags["flags"].lower() if flags else "",
        version=version,
        commit=commit,
    )


def _moment(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        return None


def files_below(start: Path) -> Iterator[Path]:
    """The result files at a path or below a folder, sorted. DataError if there are none."""
    if start.is_file():
        yield start
        return
    paths = sorted(path for path in start.rglob("*") if _ENDING.search(path.name))
    if not paths:
        raise DataError(
            "there are no result files here",
            where=str(start),
            hint="their names end in .json or .json.gz",
        )
    yield from (path for path in paths if understand(path) is not None)


def read_pyperf(
    path: Path,
    *,
    host: str = "",
    branch: str = "",
    flavor: str = "",
    when: datetime | None = None,
) -> NightRow:
    """Read a file as a night. `host`, `branch`, `flavor` and `when` override what the file has.

    Benchmarks of other metrics than time are recorded as missing. DataError as in
    `bench.compare.pyperf_files`, and for a file without a date in its name or metadata.
    """
    named = understand(path)
    if named is None:
        raise DataError("this file has no times", where=str(path), hint="import other files only")
    file = load(path)
    metadata = _metadata(path)
    when = when or named.when or _measured_at(metadata)
    if when is None:
        raise DataError(
            "the date is neither in the file's name nor in its metadata",
            where=str(path),
            hint="call it as pyperformance does: YYYY-MM-DD_HH-MM-BRANCH-REVISION.json; or give "
            "--date",
        )
    times = [
        benchmark
        for benchmark in file.benchmarks
        if benchmark.metric == TIME and benchmark.processes
    ]
    digest = _digest(times)
    flavor = flavor or named.flavor or "plain"
    return NightRow(
        identity=f"pyperf {digest}",
        host=host or named.host or _hashed(metadata.get("hostname", "")),
        branch=branch or named.branch or metadata.get("commit_branch") or "unknown",
        flavor=flavor,
        when=when,
        facts=_facts(file, metadata),
        build=_build(named, metadata, flavor, digest, when),
        origin=IMPORTED,
        rows=tuple(
            _row(benchmark) for benchmark in sorted(times, key=lambda benchmark: benchmark.name)
        ),
        missing={
            benchmark.name: f"measured in {benchmark.metric}, not time"
            if benchmark.processes
            else "no values"
            for benchmark in file.benchmarks
            if benchmark not in times
        },
    )


def _digest(times: list[RecordedBenchmark]) -> str:
    """A hash of the values, which does not depend on the file's name or compression."""
    content = repr([(benchmark.name, benchmark.processes) for benchmark in times])
    return hashlib.sha256(content.encode()).hexdigest()[:24]


def _build(
    name: Named, metadata: Mapping[str, str], flavor: str, digest: str, when: datetime
) -> BuildRow:
    """The key is a hash of revision and flavor; without revision, every file has its own build."""
    commit = metadata.get("commit_id") or name.commit or f"unknown-{digest}"
    if name.commit and not commit.startswith(name.commit):
        commit = name.commit
    version = name.version or metadata.get("python_version", "").split(" ")[0]
    return BuildRow(
        key="pyperf-" + hashlib.sha256(f"{commit} {flavor}".encode()).hexdigest()[:24],
        commit=commit,
        version=version,
        title=f"{version or commit[:12]} {flavor}",
        committed=name.when and when,
    )


def _facts(file: ResultFile, metadata: Mapping[str, str]) -> dict[str, str]:
    """The host's facts; if the processes of a file disagree, all values joined with "and"."""
    suite = [metadata.get("performance_version", ""), metadata.get("benchmark_hash", "")]
    texts = {key: " and ".join(values) for key, values in file.metadata.items()}
    facts = {
        "cpu": texts.get("cpu_model_name", ""),
        "cores": texts.get("cpu_count", "") and f"{texts['cpu_count']} CPUs",
        "os": texts.get("platform", ""),
        "compiler": texts.get("python_compiler", ""),
        "suite": " ".join(["pyperformance", *filter(None, suite)]) if any(suite) else "",
    }
    return {fact: value for fact, value in facts.items() if value}


def _metadata(path: Path) -> dict[str, str]:
    """The metadata of the file, completed from its first benchmark and that one's first run.

    pyperf's loader has read the file before, so its structure is right.
    """
    raw = path.read_bytes()
    document = json.loads(gzip.decompress(raw) if raw.startswith(GZIP_MAGIC) else raw)
    first: dict[str, Any] = next(iter(document.get("benchmarks", [])), {})
    run: dict[str, Any] = next(iter(first.get("runs", [])), {})
    metadata: dict[str, str] = {}
    for part in (run, first, document):
        metadata |= {key: str(value) for key, value in (part.get("metadata") or {}).items()}
    return metadata


def _measured_at(metadata: Mapping[str, str]) -> datetime | None:
    """pyperf writes local time without a zone; it is taken as UTC, since the zone is unknown."""
    try:
        return datetime.fromisoformat(metadata.get("date", "")).replace(tzinfo=UTC)
    except ValueError:
        return None


def _hashed(name: str) -> str:
    """The hash of a host's name, since a history may be published."""
    return hashlib.sha256(name.encode()).hexdigest()[:12] if name else "unknown"


def _row(benchmark: RecordedBenchmark) -> BenchmarkRow:
    mean = math.fsum(benchmark.processes) / len(benchmark.processes)
    several = len(benchmark.processes) > 1
    return BenchmarkRow(
        benchmark=benchmark.name,
        mean=mean,
        rsd=statistics.stdev(benchmark.processes) / mean if several else None,
        processes=len(benchmark.processes),
    )
