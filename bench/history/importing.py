"""Nights from files of pyperf's JSON, .gz or not, as pyperformance and bench_runner name them.

What a file is of, its name tells first and its metadata where the name is silent:

    pyperformance   2017-03-31_01-17-master-78a111c7d867[-patch-NAME].json.gz
                    the commit's date and time, branch, revision
    bench_runner    bm-20240101-linux-x86_64-python-main-3.14.0a0-abcdef0.json
                    the commit's date, the machine's nickname and processor, the fork, the branch,
                    the version and the revision; in a folder bm-DATE-VERSION-REVISION[-FLAG,FLAG]
                    that has the flavor

A night's moment is the commit's, as in the name, else when the file was measured.
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
# Fields of bench_runner's names, in their order; what is more is of another kind of file.
_FIELDS = 8


@dataclass(frozen=True, kw_only=True)
class Named:
    """What a file's name says. "" and None where it is silent."""

    when: datetime | None = None
    host: str = ""
    branch: str = ""
    flavor: str = ""
    version: str = ""
    commit: str = ""


def understand(path: Path) -> Named | None:
    """What the name says; None where the file is none of results (bench_runner's statistics)."""
    stem = _ENDING.sub("", path.name)
    if stem.startswith("bm-"):
        return _bench_runner(stem, path.parent.name)
    if found := _PYPERFORMANCE.fullmatch(stem):
        patch = found["patch"]
        return Named(
            when=_moment(found["date"], "%Y-%m-%d_%H-%M"),
            branch=found["branch"],
            commit=found["commit"],
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


def files_below(place: Path) -> Iterator[Path]:
    """The result files at a path or below a folder, sorted. DataError where there is nothing."""
    if place.is_file():
        yield place
        return
    found = sorted(path for path in place.rglob("*") if _ENDING.search(path.name))
    if not found:
        raise DataError("there are no result files here", where=str(place), hint="*.json[.gz]")
    yield from (path for path in found if understand(path) is not None)


def read_pyperf(
    path: Path,
    *,
    host: str = "",
    branch: str = "",
    flavor: str = "",
    when: datetime | None = None,
) -> NightRow:
    """The night that a file tells of. `host`, `branch`, `flavor`, `when`: what counts where given.

    Benchmarks of other metrics than time are missing, and say so. DataError as
    `bench.compare.pyperf_files` has it, and for a file that nothing says the date of.
    """
    named = understand(path)
    if named is None:
        raise DataError("this file is not of times", where=str(path), hint="import others alone")
    file = load(path)
    metadata = _metadata(path)
    when = when or named.when or _measured_at(metadata)
    if when is None:
        raise DataError(
            "nothing says when this was measured: neither the file's name nor its metadata",
            where=str(path),
            hint="call it as pyperformance does: YYYY-MM-DD_HH-MM-BRANCH-REVISION.json; or give "
            "--date",
        )
    times = [one for one in file.benchmarks if one.metric == TIME and one.processes]
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
        rows=tuple(_row(one) for one in sorted(times, key=lambda one: one.name)),
        missing={
            one.name: f"measured in {one.metric}, not time" if one.processes else "no values"
            for one in file.benchmarks
            if one not in times
        },
    )


def _digest(times: list[RecordedBenchmark]) -> str:
    """The identity of what was measured: whatever the file is called, packed or not."""
    content = repr([(one.name, one.processes) for one in times])
    return hashlib.sha256(content.encode()).hexdigest()[:24]


def _build(
    named: Named, metadata: Mapping[str, str], flavor: str, digest: str, when: datetime
) -> BuildRow:
    """The key is of revision and flavor; a file that tells no revision has a build of its own."""
    commit = metadata.get("commit_id") or named.commit or f"unknown-{digest}"
    if named.commit and not commit.startswith(named.commit):
        commit = named.commit
    version = named.version or metadata.get("python_version", "").split(" ")[0]
    return BuildRow(
        key="pyperf-" + hashlib.sha256(f"{commit} {flavor}".encode()).hexdigest()[:24],
        commit=commit,
        version=version,
        title=f"{version or commit[:12]} {flavor}",
        committed=named.when and when,
    )


def _facts(file: ResultFile, metadata: Mapping[str, str]) -> dict[str, str]:
    """Where the processes of one file disagree, all that they said counts."""
    suite = [metadata.get("performance_version", ""), metadata.get("benchmark_hash", "")]
    seen = {key: " and ".join(values) for key, values in file.metadata.items()}
    known = {
        "cpu": seen.get("cpu_model_name", ""),
        "cores": seen.get("cpu_count", "") and f"{seen['cpu_count']} CPUs",
        "os": seen.get("platform", ""),
        "compiler": seen.get("python_compiler", ""),
        "suite": " ".join(["pyperformance", *filter(None, suite)]) if any(suite) else "",
    }
    return {fact: value for fact, value in known.items() if value}


def _metadata(path: Path) -> dict[str, str]:
    """What the file says of all, or else of its first benchmark and that one's first run.

    pyperf's loader read it before, so it is what it should be.
    """
    raw = path.read_bytes()
    document = json.loads(gzip.decompress(raw) if raw.startswith(GZIP_MAGIC) else raw)
    first: dict[str, Any] = next(iter(document.get("benchmarks", [])), {})
    run: dict[str, Any] = next(iter(first.get("runs", [])), {})
    found: dict[str, str] = {}
    for part in (run, first, document):
        found |= {key: str(value) for key, value in (part.get("metadata") or {}).items()}
    return found


def _measured_at(metadata: Mapping[str, str]) -> datetime | None:
    """pyperf writes local time without a zone; what else could be meant is not known."""
    try:
        return datetime.fromisoformat(metadata.get("date", "")).replace(tzinfo=UTC)
    except ValueError:
        return None


def _hashed(name: str) -> str:
    """A host by a hash: a history may be published."""
    return hashlib.sha256(name.encode()).hexdigest()[:12] if name else "unknown"


def _row(one: RecordedBenchmark) -> BenchmarkRow:
    mean = math.fsum(one.processes) / len(one.processes)
    many = len(one.processes) > 1
    return BenchmarkRow(
        benchmark=one.name,
        mean=mean,
        rsd=statistics.stdev(one.processes) / mean if many else None,
        processes=len(one.processes),
    )
