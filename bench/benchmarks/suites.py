"""Suites of benchmarks: pyperformance's two releases, a user's manifest, and choosing from them.

A suite is known without a download and without starting anything: the scripts of the one release
that is not installed beside us (0.9.1, the last for Python 2.7) come with the environments.
"""

from __future__ import annotations

import difflib
import functools
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet

from bench.benchmarks import manifest as manifests
from bench.util import DATA, KERNELS_MANIFEST
from builder.errors import ExperimentError
from builder.files import digest
from builder.home import Home

MODERN_RELEASE = "1.14.0"
LAST_FOR_PYTHON2 = "0.9.1"
_EVERYTHING = ("full", "all")
KERNELS = "kernels"


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A script of a suite and how it is run.

    `script` is relative to the root that holds an environment's copies of scripts; its folder there
    (`folder`) is a copy of `source`. `options` go on its command line, `requirements` are pip's
    requirement lines ("./x": a folder below `source`). `python` is a version specifier, "" for any.
    `unfit` says why it can never be measured, "" where it can.
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

    `release` names it in results, content included. `groups` are names for several benchmarks,
    beside their tags. `wheel` is set where the scripts must be fetched first.
    """

    name: str
    release: str
    version: str
    benchmarks: tuple[Benchmark, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wheel: Wheel | None = None

    def names(self) -> tuple[str, ...]:
        """All words that `select` takes, without the exclusions."""
        tags = {tag for one in self.benchmarks for tag in one.tags}
        named = [one.name for one in self.benchmarks]
        return tuple(dict.fromkeys([*self.groups, *_EVERYTHING, *sorted(tags), *named]))


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A release on a package index: what to ask pip for, its hash, and where it is unpacked."""

    requirement: str
    sha256: str
    root: Path


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The chosen benchmarks that this Python can run, and those that it cannot."""

    benchmarks: tuple[Benchmark, ...]
    missing: tuple[Missing, ...]


def worker_requirements(version: str) -> tuple[str, ...]:
    """What a worker needs to run any benchmark: pyperf, pinned, and what it imports.

    Without psutil, on purpose: on Linux pyperf's worker reads all that it records from /proc, and
    psutil would cost a third of a worker's start-up and, for 2.7, a compilation per environment.
    Likewise without docutils, which `statistics` asks for and never imports.
    """
    if version.startswith("2."):
        return ("pyperf==1.6.1", "statistics==1.0.3.5", "six==1.12.0")
    return ("pyperf==2.10.0",)


def load(version: str, words: Sequence[str], *, home: Home) -> Suite:
    """The suite that `words` choose from: the manifest among them, else pyperformance's own, with
    our kernels where one or their group is named.

    `version` is the base's, "3.13.5". Raises ExperimentError for a manifest that cannot be read.
    """
    manifests = [word for word in words if is_manifest(word)]
    if not manifests and _names_kernels(words):
        return _with_kernels(load(version, (), home=home), version)
    if len(manifests) > 1:
        raise ExperimentError(
            "The suite names more than one manifest.",
            where="suite",
            hint="A manifest can include others: see its section [includes].",
        )
    if manifests:
        return from_manifest(Path(manifests[0]), version)
    if version.startswith("2."):
        return last_for_python2(version, home=home)
    return modern(version)


def _names_kernels(words: Sequence[str]) -> bool:
    """Whether a word is the group of our kernels, or one of them."""
    parts = {part.strip().lstrip("-") for word in words for part in word.split(",")}
    return KERNELS in parts or any(
        (KERNELS_MANIFEST.parent / f"bm_{part}").is_dir() for part in parts
    )


def _with_kernels(suite: Suite, version: str) -> Suite:
    """pyperformance's benchmarks and our kernels beside them, as a group of their own."""
    kernels = from_manifest(KERNELS_MANIFEST, version)
    everything = tuple(one.name for one in suite.benchmarks)
    return replace(
        suite,
        release=f"{suite.release} + kernels {kernels.release.split()[-1]}",
        benchmarks=(*suite.benchmarks, *kernels.benchmarks),
        groups={
            **dict.fromkeys((*_EVERYTHING, "default"), everything),
            **suite.groups,
            KERNELS: tuple(one.name for one in kernels.benchmarks),
        },
    )


def is_manifest(word: str) -> bool:
    """Whether a word of a suite is a manifest's path rather than a benchmark or tag."""
    return "/" in word or word.endswith("MANIFEST")


def modern(version: str) -> Suite:
    """pyperformance 1.14.0, from where it is installed beside us."""
    manifest = manifests.read(None, release=MODERN_RELEASE)
    return Suite(
        name="pyperformance",
        release=f"pyperformance {MODERN_RELEASE}",
        version=version,
        benchmarks=tuple(_from_entry(entry, version) for entry in manifest.entries),
        groups=_groups(_facts(MODERN_RELEASE)) | manifest.groups,
    )


def last_for_python2(version: str, *, home: Home) -> Suite:
    """pyperformance 0.9.1, from our list of its benchmarks; `fetch` brings its scripts."""
    facts = _facts(LAST_FOR_PYTHON2)
    root = home.suites / f"pyperformance-{LAST_FOR_PYTHON2}"
    folder = f"{LAST_FOR_PYTHON2}/benchmarks"
    benchmarks = tuple(
        Benchmark(
            name=name,
            source=root / facts["scripts"],
            folder=folder,
            script=f"{folder}/{table['script']}",
            options=tuple(table.get("options", ())),
            tags=tuple(table.get("tags", ())),
            requirements=tuple(table.get("requirements", ())),
            unfit=table.get("missing", ""),
        )
        for name, table in facts["benchmarks"].items()
    )
    default = tuple(one.name for one in benchmarks if one.name not in facts["not_default"])
    return Suite(
        name="pyperformance",
        release=f"pyperformance {LAST_FOR_PYTHON2}",
        version=version,
        benchmarks=benchmarks,
        groups=_groups(facts) | {"default": default},
        wheel=Wheel(
            requirement=f"pyperformance=={LAST_FOR_PYTHON2}",
            sha256=facts["wheel_sha256"],
            root=root,
        ),
    )


def from_manifest(path: Path, version: str) -> Suite:
    """A suite of the user's own. Its release names its content, so that a change is a new suite.

    Raises ExperimentError when it cannot be read or is empty.
    """
    path = path.resolve()
    manifest = manifests.read(path, release=MODERN_RELEASE)
    if not manifest.entries:
        raise ExperimentError(
            "The manifest has no benchmarks.",
            where=str(path),
            hint="List them in its section [benchmarks], as pyperformance's documentation shows.",
        )
    benchmarks = tuple(_from_entry(entry, version) for entry in manifest.entries)
    content = digest([(one.name, one.script, one.options) for one in benchmarks])
    return Suite(
        name=path.parent.name,
        release=f"{path.parent.name} {content}",
        version=version,
        benchmarks=benchmarks,
        groups=manifest.groups,
    )


def _from_entry(entry: manifests.ManifestEntry, version: str) -> Benchmark:
    folder = f"{entry.edition}/{entry.source.name}"
    requirements = entry.requirements
    if entry.edition == MODERN_RELEASE:
        requirements += tuple(_facts(MODERN_RELEASE)["requirements"].get(entry.name, ()))
    if (entry.name, entry.edition) == ("2to3", MODERN_RELEASE) and _minor(version) >= (3, 13):
        requirements = (*requirements, "./vendor")  # lib2to3, which 3.13 no longer has
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


def _minor(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def select(suite: Suite, words: Sequence[str]) -> Selection:
    """The benchmarks that `words` name: groups, tags, names; "-word" takes away.

    Without a word that adds, it begins with the default group. Raises ExperimentError for a word
    that is not there, with the closest that are.
    """
    parts = [part.strip() for word in words if not is_manifest(word) for part in word.split(",")]
    parts = [part for part in parts if part]
    added = [part for part in parts if not part.startswith("-")] or ["default"]
    chosen = set(_named(suite, added)) - set(
        _named(suite, [part[1:] for part in parts if part.startswith("-")])
    )
    picked = [one for one in suite.benchmarks if one.name in chosen]
    if not picked:
        raise ExperimentError(
            f"No benchmark of {suite.release} is left.",
            where=f"suite = {list(words)}",
            hint="Take fewer away.",
        )
    reasons = {one.name: misfit(one, suite.version) for one in picked}
    return Selection(
        benchmarks=tuple(one for one in picked if not reasons[one.name]),
        missing=tuple(
            Missing(benchmark=name, reason=reason) for name, reason in reasons.items() if reason
        ),
    )


def _named(suite: Suite, words: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for word in words:
        names = _one_word(suite, word)
        if not names:
            near = difflib.get_close_matches(word.lower(), suite.names(), 4, 0.5)
            raise ExperimentError(
                f"{suite.release} has no benchmark, tag or group {word!r}.",
                where="suite",
                hint=f"Did you mean: {', '.join(near)}?"
                if near
                else f"It has: {', '.join(suite.names())}.",
            )
        found.update(names)
    return found


def _one_word(suite: Suite, word: str) -> set[str]:
    if word in suite.groups:
        return set(suite.groups[word])
    if word in (*_EVERYTHING, "default"):
        return {one.name for one in suite.benchmarks}
    return {one.name for one in suite.benchmarks if one.name == word or word in one.tags}


def misfit(benchmark: Benchmark, version: str) -> str:
    """Why this Python cannot run it; "" when it can."""
    if benchmark.unfit:
        return benchmark.unfit
    if benchmark.python and not SpecifierSet(benchmark.python).contains(version, prereleases=True):
        return f"it needs Python {benchmark.python}, and this is {version}"
    return ""


@functools.cache
def _facts(release: str) -> dict[str, Any]:
    return tomllib.loads((DATA / f"pyperformance-{release}.toml").read_text(encoding="utf-8"))


def _groups(facts: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(names) for name, names in facts["groups"].items()}


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A benchmark that could not be compared, and why; with `arm`, for that arm alone."""

    benchmark: str
    reason: str
    arm: str = ""

    def as_json(self) -> dict[str, str]:
        """Plain JSON; `arm` is there only where it is one arm's."""
        told = {"benchmark": self.benchmark, "reason": self.reason}
        return told | ({"arm": self.arm} if self.arm else {})
