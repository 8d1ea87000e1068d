"""What all pages share: the frame with its links, keys, and how figures are written."""

from __future__ import annotations

import functools
import hashlib
import math
from datetime import datetime
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import numpy as np

from bench.history import CONFIRMED, DISMISSED, SUSPECTED, VERDICTS, HistoryRatio
from bench.report import shown_ratio
from bench.report.formats import REPORT, html
from bench.site import naming
from bench.site.model import Floats, LineData, Mark, Site

_HERE = Path(__file__).parent
_TEMPLATES = _HERE / "templates"
# A commit's page needs no script, and there are thousands of them.
STILL = REPORT.beside(_TEMPLATES, styles=("site.css",), scripts=())
LIVELY = REPORT.beside(_TEMPLATES, styles=("site.css",), scripts=("site.js",))

STATES = {
    "": "not measured again",
    SUSPECTED: "not decided yet",
    CONFIRMED: "measured again: confirmed",
    DISMISSED: "measured again: not confirmed",
}


def render(
    template: str, path: PurePosixPath, site: Site, *, is_lively: bool = True, **values: Any
) -> str:
    """A page at `path`. Links begin with `root`; `nav` leads to the pages of hosts."""
    root = naming.root_of(path)
    nav = [
        (host, f"{root}{naming.host_path(host)}", f"{root}{naming.releases_path(host)}")
        for host in site.hosts
    ]
    assets = LIVELY if is_lively else STILL
    return html.page(template, assets, root=root, home=f"{root}{naming.INDEX}", nav=nav, **values)


def link(root: str, path: PurePosixPath, fragment: str = "") -> str:
    """An address on the site. Slugs need no quoting; it is done all the same."""
    return root + quote(str(path)) + (f"#{quote(fragment)}" if fragment else "")


def key_of(site: Site, *parts: Any) -> str:
    """What a page is made of, in short. Arrays count with their content."""
    found = hashlib.sha256(f"{_code()} {site.hosts}".encode())
    for part in parts:
        found.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
        found.update(b"\0")
    return found.hexdigest()[:32]


@functools.cache
def _code() -> str:
    """Of all that pages are made by: another patchbench makes all of them again."""
    files = [*_HERE.glob("*.py"), *_TEMPLATES.iterdir(), *(_HERE.parent / "report").rglob("*.*")]
    found = hashlib.sha256(metadata.version("patchbench").encode())
    for file in sorted(files):
        if file.suffix != ".pyc":
            found.update(file.read_bytes())
    return found.hexdigest()


def day(moment: datetime) -> str:
    """A day, in UTC."""
    return f"{moment:%Y-%m-%d}"


def title_of(data: LineData) -> str:
    """Branch and flavor."""
    return f"{data.columns.line.branch} {data.columns.line.flavor}"


def percent(mark: Mark) -> str:
    """How large a change is."""
    return f"{abs(mark.ratio - 1) * 100:.1f}%"


def suite_text(ratio: HistoryRatio | None) -> str:
    """A suite's ratio in a table, "" where there is none."""
    return "" if ratio is None else shown_ratio(ratio.ratio)


def called(verdict: float) -> str:
    """A verdict of `Columns`, "" where there is none."""
    return "" if math.isnan(verdict) else VERDICTS[int(verdict)]


def toned(verdict: str) -> str:
    """The class of a cell with a verdict: only what moved stands out."""
    return verdict if verdict in ("faster", "slower") else ""


def newest(values: Floats) -> float | None:
    """The last value that there is."""
    known = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else None


def shown_seconds(seconds: float) -> str:
    """A time with three digits and its unit."""
    for factor, name in ((1.0, "s"), (1e3, "ms"), (1e6, "\N{MICRO SIGN}s")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {name}"
    return f"{seconds * 1e9:.3g} ns"
