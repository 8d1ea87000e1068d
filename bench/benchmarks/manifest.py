"""Adapter to pyperformance's private manifest code, which no other module uses.

pyperformance is pinned to the release that is installed beside us (suites.MODERN_RELEASE). It is
imported only when a manifest is read: it imports pyperf, and most commands read no manifest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.errors import ExperimentError

_BROKEN = (OSError, ValueError, TypeError, KeyError, AttributeError, NotImplementedError)


@dataclass(frozen=True, kw_only=True)
class ManifestEntry:
    """A benchmark in a manifest.

    `edition` identifies the content of its folder `source`: the release it is part of, or a hash.
    """

    name: str
    source: Path
    script: Path
    edition: str
    options: tuple[str, ...]
    tags: tuple[str, ...]
    requirements: tuple[str, ...]
    python: str


@dataclass(frozen=True, kw_only=True)
class SuiteManifest:
    """The content of a manifest. Groups that are only tags are not listed."""

    entries: tuple[ManifestEntry, ...]
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read(path: Path | None, *, release: str) -> SuiteManifest:
    """Read the manifest at `path`, or pyperformance's own, whose edition is `release`.

    Raises ExperimentError if the manifest, or a file that it names, cannot be read.
    """
    from pyperformance import _manifest

    try:
        manifest = _manifest.load_manifest(str(path) if path else None)
        editions: dict[Path, str] = {}
        entries = tuple(_entry(benchmark, release, editions) for benchmark in manifest.benchmarks)
        return SuiteManifest(entries=entries, groups=_groups(manifest))
    except _BROKEN as error:
        raise ExperimentError(
            f"The manifest cannot be read: {error}.",
            where=str(path or _manifest.DEFAULT_MANIFEST),
            hint="It must be a file that `pyperformance list --manifest` accepts.",
        ) from error


def _groups(manifest: Any) -> dict[str, tuple[str, ...]]:
    groups = {}
    for name in sorted(manifest.groups):
        members = manifest.resolve_group(name, fail=False)
        groups[name] = tuple(sorted(benchmark.name for benchmark in members))
        if not groups[name] and manifest.benchmarks:
            raise ValueError(f"its group {name!r} has no benchmarks")
    known = {benchmark.name for benchmark in manifest.benchmarks} | {*groups, "<all>"}
    for name, listed in manifest._raw_groups.items():
        # pyperformance leaves these out without a word.
        if unknown := [word for _, word in listed or () if word not in known]:
            raise ValueError(f"its group {name!r} has no benchmark or group {unknown[0]!r}")
    return {name: names for name, names in groups.items() if names}


def _entry(benchmark: Any, release: str, editions: dict[Path, str]) -> ManifestEntry:
    from pyperformance import _manifest

    if not benchmark.runscript:
        raise ValueError(f"benchmark {benchmark.name} has no run_benchmark.py")
    script = Path(benchmark.runscript)
    source = script.parent
    if source not in editions:
        is_own = source.parent == Path(_manifest.DEFAULTS_DIR)
        editions[source] = release if is_own else content(source)
    lock = Path(benchmark.requirements_lockfile) if benchmark.requirements_lockfile else None
    return ManifestEntry(
        name=benchmark.name,
        source=source,
        script=script,
        edition=editions[source],
        options=tuple(benchmark.extra_opts),
        tags=tuple(benchmark.tags),
        requirements=_requirement_lines(lock) if lock and lock.is_file() else (),
        python=str(benchmark.python),
    )


def _requirement_lines(path: Path) -> tuple[str, ...]:
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(line for line in lines if line)


def content(folder: Path) -> str:
    """Return a hash, 16 hex digits, of the names and contents of a folder's files."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            data = path.read_bytes()
            digest.update(f"{path.relative_to(folder)}\0{len(data)}\0".encode())
            digest.update(data)
    return digest.hexdigest()[:16]
