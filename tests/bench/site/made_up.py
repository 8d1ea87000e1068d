"""Small histories for the site: two benchmarks, two flavors, a step of 5% and what goes wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from bench.history import reading
from bench.history.models import BROKEN, UNCHANGED, Alarm, BenchmarkRow, NightRow, NightSuite
from bench.history.store import History
from bench.site.build import SiteBuild, build_site
from bench.site.gather import gather
from bench.site.model import Site
from builder.locks import Queue
from tests.bench.history import made_up

STEP = 60
NOW = made_up.BEGIN + timedelta(days=90, hours=3)


def nights(count: int = 90, *, host: str = made_up.HOST, branch: str = "main") -> list[NightRow]:
    """The first benchmark takes 5% more from night STEP on."""
    made = []
    for number, night in enumerate(made_up.history(count * 2, 2, ("plain", "pgo"), branch=branch)):
        if number // 2 >= count:
            break
        factor = 1.05 if number // 2 >= STEP else 1.0
        rows = (_times(night.rows[0], factor), *night.rows[1:])
        identity = f"{host} {night.identity}"
        made.append(replace(night, rows=rows, host=host, identity=identity))
    return made


def _times(row: BenchmarkRow, factor: float) -> BenchmarkRow:
    assert row.release is not None
    ratio = replace(row.release, ratio=row.release.ratio * factor)
    return replace(row, mean=row.mean * factor, release=ratio)


def failed(night: NightRow) -> NightRow:
    """The same night, whose head does not compile."""
    return replace(night, state=BROKEN, reason="does not compile: <ceval.c>", rows=(), last=None)


def quiet(night: NightRow) -> NightRow:
    """The same night, whose head did not move."""
    return replace(night, state=UNCHANGED, reason="the head did not move", rows=(), last=None)


def against(night: NightRow, title: str) -> NightRow:
    """The same night, compared with another release."""
    assert night.release is not None
    return replace(night, release=NightSuite(key=title, title=title, suite=night.release.suite))


def site_of(folder: Path, nights_: Sequence[NightRow], *, now: datetime = NOW) -> SiteBuild:
    """Add nights to a history and build its site, in `folder`/site."""
    with History.open(folder / "history.db") as history:
        history.add_nights(nights_)
        return build_site(history, folder / "site", queue=Queue(folder=folder / "queue"), now=now)


def gathered(folder: Path, some: Sequence[NightRow], alarms: Sequence[Alarm] = ()) -> Site:
    with History.open(folder / "history.db") as history:
        history.add_nights(some)
        if alarms:
            with history.begin() as connection:
                reading.add_alarms(connection, alarms)
        with history.connect() as connection:
            return gather(connection, cache=folder / "cache", now=NOW)


def text_of(path: Path) -> str:
    return re.sub(
        r"\s+",
        " ",
        re.sub(r"<style>.*?</style>|<script>.*|<[^>]+>", " ", path.read_text("utf-8"), flags=re.S),
    )
