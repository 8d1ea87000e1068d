"""Dataclasses to JSON and back."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from bench import plain
from bench.history.models import Ratio
from bench.night import Benchmark, Commit, Finding, Line, NightReport, Revised


def report() -> NightReport:
    old = Revised(commit="a" * 40, version="3.13.5", date=date(2026, 11, 1))
    ratio = Ratio(ratio=1.05, low=1.02, high=1.08, verdict="slower", blocks=5)
    line = Line(
        branch="main",
        flavor="plain",
        old=old,
        new=Revised(commit="b" * 40),
        commits=(Commit(hash="b" * 40, when=datetime(2026, 11, 2, tzinfo=UTC), subject="x"),),
        benchmarks=(Benchmark(name="fast", mean=0.02, rsd=0.01, last=ratio),),
        missing={"slow": "too slow"},
        findings=(
            Finding(
                benchmark="fast", state="confirmed", old=old, since=date(2026, 11, 2), ratio=ratio
            ),
        ),
    )
    return NightReport(
        name="n", date=date(2026, 11, 2), ended=datetime(2026, 11, 2, 4, tzinfo=UTC), host="h",
        lines=(line,), missed=(date(2026, 11, 1),),
    )  # fmt: skip


def test_what_is_dumped_is_loaded() -> None:
    text = json.dumps(plain.dump(report()))
    assert plain.load(NightReport, json.loads(text)) == report()


def test_what_an_older_version_lacks_has_its_default_and_more_is_left_out() -> None:
    assert plain.load(Revised, {"commit": "a", "colour": "red"}) == Revised(commit="a")


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"commit": 3},
        {"commit": "a", "date": "yesterday"},
        {"commit": "a", "date": 3},
    ],
)
def test_anything_else_is_refused(value: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        plain.load(Revised, value)
