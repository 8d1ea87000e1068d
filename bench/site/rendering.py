"""What all pages share: the frame with its links, the keys, and the format of figures."""

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
WITHOUT_SCRIPT = REPORT.beside(_TEMPLATES, styles=("site.css",), scripts=())
WITH_SCRIPT = REPORT.beside(_TEMPLATES, styles=("site.css",), scripts=("site.js",))

STATES = {
    "": "not measured again",
    SUSPECTED: "not decided yet",
    CONFIRMED: "measured again: confirmed",
    DISMISSED: "measured again: not confirmed",
}


def render(
    template: str, path: PurePosixPath, site: Site, *, has_script: bool = True, **values: Any
) -> str:
    """Render a page. Links begin with `root`; `nav` has the links to the pages of hosts."""
    root = naming.root_of(path)
    nav = [
        (host, f"{root}{naming.host_path(host)}", f"{root}{naming.releases_path(host)}")
        for host in site.hosts
    ]
    assets = WITH_SCRIPT if has_script else WITHOUT_SCRIPT
    return html.page(template, assets, root=root, home=f"{root}{naming.INDEX}", nav=nav, **values)


def link(root: str, path: PurePosixPath, fragment: str = "") -> str:
    """A link on the site. Slugs need no quoting, but are quoted all the same."""
    return root + quote(str(path)) + (f"#{quote(fragment)}" if fragment else "")


def key_of(site: Site, *parts: Any) -> str:
    """A hash of everything that a page is rendered from; arrays by their content."""
    sha = hashlib.sha256(f"{_code()} {site.hosts}".encode())
    for part in parts:
        sha.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
        sha.update(b"\0")
    return sha.hexdigest()[:32]


@functools.cache
def _code() -> str:
    """A hash of all code that renders pages: another version renders all of them again."""
    files = [*_HERE.glob("*.py"), *_TEMPLATES.iterdir(), *(_HERE.parent / "report").rglob("*.*")]
    sha = hashlib.sha256(metadata.version("patchbench").encode())
    for file in sorted(files):
        if file.suffix != ".pyc":
            sha.update(file.read_bytes())
    return sha.hexdigest()


def day(moment: datetime) -> str:
    """A day, in UTC."""
    return f"{moment:%Y-%m-%d}"


def title_of(data: LineData) -> str:
    """Branch and flavor."""
    return f"{data.columns.line.branch} {data.columns.line.flavor}"


def percent(mark: Mark) -> str:
    """The size of a change, in percent."""
    return f"{abs(mark.ratio - 1) * 100:.1f}%"


def suite_text(ratio: HistoryRatio | None) -> str:
    """A suite's ratio for a table, "" if there is none."""
    return "" if ratio is None else shown_ratio(ratio.ratio)


def verdict_name(verdict: float) -> str:
    """The name of a verdict of `Columns`, "" for NaN."""
    return "" if math.isnan(verdict) else VERDICTS[int(verdict)]


def toned(verdict: str) -> str:
    """The CSS class of a cell with a verdict: only faster and slower have one."""
    return verdict if verdict in ("faster", "slower") else ""


def newest(values: Floats) -> float | None:
    """The last finite value, None if there is none."""
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if len(finite) else None


def shown_seconds(seconds: float) -> str:
    """A time with three significant digits and its unit."""
    for factor, name in ((1.0, "s"), (1e3, "ms"), (1e6, "\N{MICRO SIGN}s")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {name}"
    return f"{seconds * 1e9:.3g} ns"
