"""Suites of benchmarks: pyperformance's releases, a user's manifest, and selections from them.

Listing a suite needs no download and starts no process: the scripts of the releases that are not
installed beside us (for Pythons before 3.9) are fetched when environments are made.
"""

from __future__ import annotations

import difflib
import functools
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.benchmarks import manifest, releases
from bench.util import DATA, KERNELS_MANIFEST
from builder.errors import ExperimentError
from builder.files import digest
from builder.home import Home
from builder.versions import minor, supports

MODERN_RELEASE = releases.MODERN
_EVERYTHING = ("full", "all")
KERNELS = "kernels"


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A script of a suite and how to run it.

    `script` is relative to the folder of an environment's copies of scripts; its folder there
    (`folder`) is a copy of `source`. `options` are added to its command line, `requirements` are
    pip's requirement lines ("./x": a folder below `source`). `python` is a version specifier, ""
    for any. `unfit` is the reason why it can never be measured, "" if it can.
    """

    name: str
    source: Path
    folder: str
    script: str
    options: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    python: str = ""
    unfit: str = ""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A set of benchmarks for one version of Python.

    `release` identifies the suite and its content in results. `groups` are names for several
    benchmarks, besides their tags. `wheel` is set if the scripts must be fetched first.
    """

    name: str
    release: str
    version: str
    benchmarks: tuple[Benchmark, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wheel: Wheel | None = None

    def names(self) -> tuple[str, ...]:
        """Return all words that `select` accepts, except exclusions."""
        tags = {tag for benchmark in self.benchmarks for tag in benchmark.tags}
        own = [benchmark.name for benchmark in self.benchmarks]
        return tuple(dict.fromkeys([*self.groups, *_EVERYTHING, *sorted(tags), *own]))


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A release on a package index: pip's requirement, its hash, and the folder to unpack it in."""

    requirement: str
    sha256: str
    root: Path


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The chosen benchmarks that this Python can run, and those that it cannot."""

    benchmarks: tuple[Benchmark, ...]
    missing: tuple[Missing, ...]


def worker_requirements(version: str) -> tuple[str, ...]:
    """Return the pinned requirements of a worker for any benchmark: pyperf and what it imports.

    Raises MeasureError for a Python that cannot be measured.
    """
    return releases.tooling(version).worker


def load(version: str, words: Sequence[str], *, home: Home) -> Suite:
    """Load the suite that `words` select from: the manifest among them, else pyperformance's, with
    our kernels if their group or one of them is named.

    `version` is that of the base, "3.13.5". Raises ExperimentError for a manifest that cannot be
    read, MeasureError for a Python that cannot be measured.
    """
    release = releases.tooling(version).suite
    paths = [word for word in words if is_manifest(word)]
    if not paths and _has_kernels(words):
        return _with_kernels(load(version, (), home=home), version)
    if len(paths) > 1:
        raise ExperimentError(
            "The suite names more than one manifest.",
            where="suite",
            hint="A manifest can include others in its section [includes].",
        )
    if paths:
        return from_manifest(Path(paths[0]), version)
    return modern(version) if release == MODERN_RELEASE else listed(release, version, home=home)


def _has_kernels(words: Sequence[str]) -> bool:
    """Return whether a word is the group of our kernels, or one of them."""
    parts = {part.strip().lstrip("-") for word in words for part in word.split(",")}
    return KERNELS in parts or any(
        (KERNELS_MANIFEST.parent / f"bm_{part}").is_dir() for part in parts
    )


def _with_kernels(suite: Suite, version: str) -> Suite:
    """Add our kernels to a suite, as a separate group."""
    kernels = from_manifest(KERNELS_MANIFEST, version)
    everything = tuple(benchmark.name for benchmark in suite.benchmarks)
    return replace(
        suite,
        release=f"{suite.release} + kernels {kernels.release.split()[-1]}",
        benchmarks=(*suite.benchmarks, *kernels.benchmarks),
        groups={
            **dict.fromkeys((*_EVERYTHING, "default"), everything),
            **suite.groups,
            KERNELS: tuple(benchmark.name for benchmark in kernels.benchmarks),
        },
    )


def is_manifest(word: str) -> bool:
    """Return whether a word is the path of a manifest, not a benchmark or tag."""
    return "/" in word or word.endswith("MANIFEST")


def modern(version: str) -> Suite:
    """Load pyperformance 1.14.0, which is installed beside us."""
    content = manifest.read(None, release=MODERN_RELEASE)
    return Suite(
        name="pyperformance",
        release=f"pyperformance {MODERN_RELEASE}",
        version=version,
        benchmarks=tuple(_from_entry(entry, version) for entry in content.entries),
        groups=_groups(_facts(MODERN_RELEASE)) | content.groups,
    )


def listed(release: str, version: str, *, home: Home) -> Suite:
    """Load another release from our list of its benchmarks; its scripts are fetched later."""
    facts = _facts(release)
    root = home.suites / f"pyperformance-{release}"
    benchmarks = tuple(
        _from_table(name, table, release=release, scripts=root / facts["scripts"])
        for name, table in facts["benchmarks"].items()
    )
    default = tuple(item.name for item in benchmarks if item.name not in facts["not_default"])
    return Suite(
        name="pyperformance",
        release=f"pyperformance {release}",
        version=version,
        benchmarks=benchmarks,
        groups=_groups(facts) | {"default": default},
        wheel=Wheel(
            requirement=f"pyperformance=={release}",
            sha256=facts["wheel_sha256"],
            root=root,
        ),
    )


def _from_table(name: str, table: Mapping[str, Any], *, release: str, scripts: Path) -> Benchmark:
    """A benchmark of our list, whose script is in the release's folder of scripts or below it."""
    script = Path(table["script"])
    folder = f"{release}/{script.parent.name or 'benchmarks'}"
    return Benchmark(
        name=name,
        source=scripts / script.parent,
        folder=folder,
        script=f"{folder}/{script.name}",
        options=tuple(table.get("options", ())),
        tags=tuple(table.get("tags", ())),
        requirements=tuple(table.get("requirements", ())),
        python=table.get("python", ""),
        unfit=table.get("missing", ""),
    )


def from_manifest(path: Path, version: str) -> Suite:
    """Load a user's suite. A hash of its content is part of its release: a change is a new suite.

    Raises ExperimentError if it cannot be read or is empty.
    """
    path = path.resolve()
    content = manifest.read(path, release=MODERN_RELEASE)
    if not content.entries:
        raise ExperimentError(
            "The manifest has no benchmarks.",
            where=str(path),
            hint="List them in its section [benchmarks], as pyperformance's documentation shows.",
        )
    benchmarks = tuple(_from_entry(entry, version) for entry in content.entries)
    key = digest([(item.name, item.script, item.options) for item in benchmarks])
    return Suite(
        name=path.parent.name,
        release=f"{path.parent.name} {key}",
        version=version,
        benchmarks=benchmarks,
        groups=_known_groups(content.entries) | content.groups,
    )


def _known_groups(entries: Iterable[manifest.ManifestEntry]) -> dict[str, tuple[str, ...]]:
    """Our groups of pyperformance's benchmarks, for a manifest that includes these."""
    own = {entry.name for entry in entries if entry.edition == MODERN_RELEASE}
    groups = _groups(_facts(MODERN_RELEASE))
    return {name: names for name, names in groups.items() if own.issuperset(names)}


def _from_entry(entry: manifest.ManifestEntry, version: str) -> Benchmark:
    folder = f"{entry.edition}/{entry.source.name}"
    requirements = entry.requirements
    if entry.edition == MODERN_RELEASE:
        requirements += tuple(_facts(MODERN_RELEASE)["requirements"].get(entry.name, ()))
    if (entry.name, entry.edition) == ("2to3", MODERN_RELEASE) and minor(version) >= (3, 13):
        requirements = (*requirements, "./vendor")  # contains lib2to3, which 3.13 no longer has
    return Benchmark(
        name=entry.name,
        source=entry.source,
        folder=folder,
        script=f"{folder}/{entry.script.name}",
        options=entry.options,
        tags=entry.tags,
        requirements=requirements,
        python=entry.python,
    )


def select(suite: Suite, words: Sequence[str]) -> Selection:
    """Select the benchmarks of `words`: groups, tags, names; "-word" removes.

    If all words remove, the selection begins with the default group. Raises ExperimentError for an
    unknown word, with the closest known ones.
    """
    parts = [part.strip() for word in words if not is_manifest(word) for part in word.split(",")]
    parts = [part for part in parts if part]
    added = [part for part in parts if not part.startswith("-")] or ["default"]
    chosen = set(_named(suite, added)) - set(
        _named(suite, [part[1:] for part in parts if part.startswith("-")])
    )
    picked = [benchmark for benchmark in suite.benchmarks if benchmark.name in chosen]
    if not picked:
        raise ExperimentError(
            f"No benchmark of {suite.release} is left.",
            where=f"suite = {list(words)}",
            hint="Remove fewer benchmarks.",
        )
    reasons = {benchmark.name: misfit(benchmark, suite.version) for benchmark in picked}
    return Selection(
        benchmarks=tuple(benchmark for benchmark in picked if not reasons[benchmark.name]),
        missing=tuple(
            Missing(benchmark=name, reason=reason) for name, reason in reasons.items() if reason
        ),
    )


def _named(suite: Suite, words: Iterable[str]) -> set[str]:
    selected: set[str] = set()
    for word in words:
        names = _benchmarks_of(suite, word)
        if not names:
            near = difflib.get_close_matches(word.lower(), suite.names(), 4, 0.5)
            raise ExperimentError(
                f"{suite.release} has no benchmark, tag or group {word!r}.",
                where="suite",
                hint=f"Did you mean: {', '.join(near)}?"
                if near
                else f"It has: {', '.join(suite.names())}.",
            )
        selected.update(names)
    return selected


def _benchmarks_of(suite: Suite, word: str) -> set[str]:
    if word in suite.groups:
        return set(suite.groups[word])
    if word in (*_EVERYTHING, "default"):
        return {benchmark.name for benchmark in suite.benchmarks}
    return {item.name for item in suite.benchmarks if item.name == word or word in item.tags}


def misfit(benchmark: Benchmark, version: str) -> str:
    """Return why this Python cannot run the benchmark, "" if it can."""
    if benchmark.unfit:
        return benchmark.unfit
    if benchmark.python and not supports(benchmark.python, version):
        return f"it needs Python {benchmark.python}, and this is {version}"
    return ""


@functools.cache
def _facts(release: str) -> dict[str, Any]:
    return tomllib.loads((DATA / f"pyperformance-{release}.toml").read_text(encoding="utf-8"))


def _groups(facts: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(names) for name, names in facts["groups"].items()}


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A benchmark that could not be compared, and why; with `arm`, only for that arm."""

    benchmark: str
    reason: str
    arm: str = ""

    def as_json(self) -> dict[str, str]:
        """Convert to JSON; the key `arm` is present only if the reason concerns one arm."""
        data = {"benchmark": self.benchmark, "reason": self.reason}
        return data | ({"arm": self.arm} if self.arm else {})
