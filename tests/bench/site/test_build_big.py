"""Ten years of nights, 100 benchmarks and 4 flavors: what the site promises, in full.

The CPU seconds that it took are printed (pytest -rP), and not asserted.
"""

from __future__ import annotations

import resource
from collections import deque
from datetime import timedelta
from pathlib import Path

import pytest

from bench.history.store import History
from bench.site.build import build_site
from builder.locks import Queue
from tests.bench.history import made_up

pytestmark = pytest.mark.big
NOW = made_up.BEGIN + timedelta(days=3651)


def cpu() -> float:
    """Seconds of user time so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def test_the_whole_site_and_a_night_more(history: History, tmp_path: Path) -> None:
    assert history.add_nights(made_up.history()) == 3650 * 4
    began = cpu()
    whole = build_site(history, tmp_path / "site", queue=Queue(folder=tmp_path / "queue"), now=NOW)
    assert whole.made == whole.pages > 3650
    print(f"the whole site: {cpu() - began:.1f} s of CPU time")
    sizes = {path: path.stat().st_size for path in (tmp_path / "site").rglob("*.html")}
    assert max(sizes.values()) < 1_000_000
    began = cpu()
    night = deque(made_up.history(3651), maxlen=4)
    worked = cpu() - began
    history.add_nights(night)
    more = build_site(
        history,
        tmp_path / "site",
        queue=Queue(folder=tmp_path / "queue"),
        now=NOW + timedelta(days=1),
    )
    print(f"a night more: {cpu() - began - worked:.1f} s of CPU time")
    assert more.made < 150
