"""What a night is called, and which line stands under PGO."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bench.nightly.report import LineResult, NightReport


def night(*lines: LineResult) -> NightReport:
    return NightReport(
        name="n",
        date=date(2026, 11, 2),
        ended=datetime(2026, 11, 2, tzinfo=UTC),
        host="h",
        lines=lines,
    )


@pytest.mark.parametrize(
    ("outcomes", "whole"),
    [
        ((), "quiet"),
        (("quiet", "neutral"), "neutral"),
        (("neutral", "good"), "good"),
        (("good", "failed"), "failed"),
        (("failed", "bad"), "bad"),
    ],
)
def test_the_line_that_matters_most_decides(outcomes: tuple[str, ...], whole: str) -> None:
    lines = [
        LineResult(branch=str(n), flavor="plain", outcome=one) for n, one in enumerate(outcomes)
    ]
    assert night(*lines).outcome == whole


def test_the_same_under_pgo() -> None:
    plain, lto = LineResult(branch="a", flavor="plain"), LineResult(branch="a", flavor="lto")
    both = LineResult(branch="a", flavor="pgo+lto", pgo=True)
    alone = LineResult(branch="a", flavor="pgo", pgo=True)
    other = LineResult(branch="b", flavor="plain")
    report = night(plain, lto, both, alone, other)
    assert report.under_pgo(plain) == alone
    assert report.under_pgo(lto) == both
    assert report.under_pgo(both) is None
    assert report.under_pgo(other) is None
    assert night(plain, both).under_pgo(plain) == both
