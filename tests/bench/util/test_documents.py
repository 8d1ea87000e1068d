"""Dataclasses to JSON and back."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from bench.history.models import HistoryRatio
from bench.nightly.report import (
    ConfirmedFinding,
    LineResult,
    NightBenchmark,
    NightCommit,
    NightReport,
    Revised,
)
from bench.util import documents


def report() -> NightReport:
    old = Revised(commit="a" * 40, version="3.13.5", date=date(2026, 11, 1))
    ratio = HistoryRatio(ratio=1.05, low=1.02, high=1.08, verdict="slower", blocks=5)
    line = LineResult(
        branch="main",
        flavor="plain",
        old=old,
        new=Revised(commit="b" * 40),
        commits=(NightCommit(hash="b" * 40, when=datetime(2026, 11, 2, tzinfo=UTC), subject="x"),),
        benchmarks=(NightBenchmark(name="fast", mean=0.02, rsd=0.01, last=ratio),),
        missing={"slow": "too slow"},
        findings=(
            ConfirmedFinding(
                benchmark="fast", state="confirmed", old=old, since=date(2026, 11, 2), ratio=ratio
            ),
        ),
    )
    return NightReport(
        name="n", date=date(2026, 11, 2), ended=datetime(2026, 11, 2, 4, tzinfo=UTC), host="h",
        lines=(line,), missed=(date(2026, 11, 1),),
    )  # fmt: skip


def test_what_is_dumped_is_loaded() -> None:
    text = json.dumps(documents.dump(report()))
    assert documents.load(NightReport, json.loads(text)) == report()


def test_what_an_older_version_lacks_has_its_default_and_more_is_left_out() -> None:
    assert documents.load(Revised, {"commit": "a", "colour": "red"}) == Revised(commit="a")


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
        documents.load(Revised, value)
