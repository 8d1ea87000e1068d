"""Paths and file names of the site. Names in a history may be any text; file names may not."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from bench.history import LineKey

INDEX = PurePosixPath("index.html")
# The geometric mean of all benchmarks, beside the benchmarks; no slug begins like this.
SUITE = "_suite"
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_SHORT = 12


def slug(text: str) -> str:
    """A file name: the text itself if it is safe, else its safe characters and a hash."""
    if _PLAIN.fullmatch(text):
        return text
    kept = re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:40]
    return f"{kept or 'x'}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def commit_names(commits: Iterable[str]) -> Mapping[str, str]:
    """A short name for each commit; the whole one where short names would be equal."""
    slugs = {commit: slug(commit) for commit in sorted(set(commits)) if commit}
    short = Counter(name[:_SHORT] for name in slugs.values())
    return {
        commit: name[:_SHORT] if short[name[:_SHORT]] == 1 else name
        for commit, name in slugs.items()
    }


def benchmark_path(line: LineKey, benchmark: str) -> PurePosixPath:
    """The page of a benchmark of a host and branch, for all flavors; "" is the suite."""
    name = slug(benchmark) if benchmark else SUITE
    return PurePosixPath("benchmark", slug(line.host), slug(line.branch), f"{name}.html")


def host_path(host: str) -> PurePosixPath:
    """The page of a host."""
    return PurePosixPath("host", f"{slug(host)}.html")


def releases_path(host: str) -> PurePosixPath:
    """The page of a host's releases, side by side."""
    return PurePosixPath("releases", f"{slug(host)}.html")


def commit_path(name: str) -> PurePosixPath:
    """The page of a commit; `name` is its short name (`commit_names`)."""
    return PurePosixPath("commit", f"{name}.html")


def anchor(flavor: str) -> str:
    """The HTML id of a flavor's section on a benchmark's page."""
    return f"f-{slug(flavor)}"


def root_of(path: PurePosixPath) -> str:
    """The relative link from a page to the site's folder: "../" for each level."""
    return "../" * (len(path.parts) - 1)
