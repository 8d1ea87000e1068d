"""The adapter to pyperformance's own manifest code: the only place that knows its inside.

It is pinned to the release that is installed beside us (suites.MODERN_RELEASE), and imported when a
manifest is read: it brings pyperf, and most commands read none.
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
    """A benchmark as a manifest describes it.

    `edition` names the content of its folder `source`: the release it came with, or a hash.
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
    """What a manifest holds. Groups without entries of their own are tags, and not listed."""

    entries: tuple[ManifestEntry, ...]
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read(path: Path | None, *, release: str) -> SuiteManifest:
    """Read the manifest at `path`, or pyperformance's own; benchmarks of its own are `release`'s.

    Raises ExperimentError when it, or what it names, cannot be read.
    """
    from pyperformance import _manifest

    try:
        found = _manifest.load_manifest(str(path) if path else None)
        editions: dict[Path, str] = {}
        entries = tuple(_entry(one, release, editions) for one in found.benchmarks)
        return SuiteManifest(entries=entries, groups=_groups(found))
    except _BROKEN as error:
        raise ExperimentError(
            f"The manifest cannot be read: {error}.",
            where=str(path or _manifest.DEFAULT_MANIFEST),
            hint="It must be one that `pyperformance list --manifest` takes.",
        ) from error


def _groups(found: Any) -> dict[str, tuple[str, ...]]:
    groups = {
        name: tuple(sorted(one.name for one in found.resolve_group(name)))
        for name in sorted(found.groups)
    }
    return {name: names for name, names in groups.items() if names}


def _entry(found: Any, release: str, editions: dict[Path, str]) -> ManifestEntry:
    from pyperformance import _manifest

    if not found.runscript:
        raise ValueError(f"benchmark {found.name} has no run_benchmark.py")
    script = Path(found.runscript)
    source = script.parent
    if source not in editions:
        own = source.parent == Path(_manifest.DEFAULTS_DIR)
        editions[source] = release if own else content(source)
    lock = Path(found.requirements_lockfile) if found.requirements_lockfile else None
    return ManifestEntry(
        name=found.name,
        source=source,
        script=script,
        edition=editions[source],
        options=tuple(found.extra_opts),
        tags=tuple(found.tags),
        requirements=_requirement_lines(lock) if lock and lock.is_file() else (),
        python=str(found.python),
    )


def _requirement_lines(path: Path) -> tuple[str, ...]:
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(line for line in lines if line)


def content(folder: Path) -> str:
    """16 hex digits over a folder's files: their names and what is in them."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            data = path.read_bytes()
            digest.update(f"{path.relative_to(folder)}\0{len(data)}\0".encode())
            digest.update(data)
    return digest.hexdigest()[:16]
