"""A night made by hand: every outcome of a line, and what may stand beside it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from bench.history.models import HistoryRatio
from bench.nightly.report import (
    BAD,
    CONFIRMED,
    DISMISSED,
    FAILED,
    GOOD,
    QUIET,
    SUITE,
    UNDECIDED,
    ConfirmedFinding,
    LineResult,
    NightBenchmark,
    NightCommit,
    NightReport,
    Revised,
)

NIGHT = date(2026, 11, 25)
OLD = Revised(commit="a1" * 20, version="3.15.0a2+", name="main", date=date(2026, 11, 24))
NEW = Revised(commit="b2" * 20, version="3.15.0a2+", name="main", date=NIGHT)
RELEASE = Revised(commit="c3" * 20, version="3.14.0", name="v3.14.0")
FACTS = {
    "cpu": "Imaginary CPU 3000",
    "cores": "8",
    "kernel": "6.1.0",
    "compiler": "gcc 12.2.0",
    "suite": "pyperformance 1.14.0",
}


def ratio(value: float) -> HistoryRatio:
    """A ratio whose intervals are a hundredth wide on either side."""
    low, high = value - 0.01, value + 0.01
    verdict = "slower" if low > 1 else "faster" if high < 1 else "undecided"
    if abs(value - 1) < 0.001:
        verdict = "equivalent"
    return HistoryRatio(
        ratio=value, low=low, high=high, low95=low, high95=high, verdict=verdict, blocks=15
    )


def benchmarks(shift: float = 0.0) -> tuple[NightBenchmark, ...]:
    """A few, of every verdict; the last one is new."""
    return (
        NightBenchmark(
            name="deltablue",
            mean=0.0031,
            rsd=0.0124,
            last=ratio(1.0003 + shift),
            release=ratio(0.9731 + shift),
        ),
        NightBenchmark(
            name="richards",
            mean=0.045,
            rsd=0.0081,
            last=ratio(1.0512 + shift),
            release=ratio(1.0021 + shift),
        ),
        NightBenchmark(name="asyncio_tcp_ssl_with_a_long_name", mean=1.2),
    )


def finding(state: str, value: float, **more: object) -> ConfirmedFinding:
    """Of richards."""
    told = {"benchmark": "richards", "old": OLD, "since": NIGHT, "folder": "nights/x/confirm"}
    return ConfirmedFinding(state=state, ratio=ratio(value), **{**told, **more})  # type: ignore[arg-type]


def commits(count: int) -> tuple[NightCommit, ...]:
    """The newest first, an hour between each."""
    begun = datetime(2026, 11, 25, 18, tzinfo=UTC)
    return tuple(
        NightCommit(
            hash=f"{140000 + number:08x}" * 5,
            when=begun - timedelta(hours=number),
            subject=f"gh-{140000 + number}: Count each dispatch of the evaluation loop, and tell",
        )
        for number in range(count)
    )


def line(**more: object) -> LineResult:
    """One that went well, but for what is said otherwise."""
    told: dict[str, object] = {
        "branch": "main",
        "flavor": "plain",
        "outcome": BAD,
        "old": OLD,
        "new": NEW,
        "release": RELEASE,
        "commits": commits(3),
        "suite_last": ratio(1.0123),
        "suite_release": ratio(0.9871),
        "benchmarks": benchmarks(),
        "facts": FACTS,
        "folder": "nights/2026-11-25/main-plain",
    }
    return LineResult(**{**told, **more})  # type: ignore[arg-type]


def report(*lines: LineResult, **more: object) -> NightReport:
    """A night of these lines."""
    told: dict[str, object] = {
        "name": "cpython",
        "date": NIGHT,
        "ended": datetime(2026, 11, 26, 4, 30, tzinfo=UTC),
        "host": "c0ffee",
        "site": "https://speed.example.org/cpython/",
    }
    return NightReport(lines=lines, **{**told, **more})  # type: ignore[arg-type]


def night() -> NightReport:
    """Everything at once."""
    plain = line(
        findings=(
            finding(CONFIRMED, 1.0498),
            finding(UNDECIDED, 1.012, benchmark=SUITE, trend=True),
            finding(DISMISSED, 1.001, benchmark="deltablue", folder=""),
        ),
        missing={"hg_startup": "it needs Mercurial, which this Python cannot run"},
        notes=("The release was built anew: the compiler changed.",),
        commits_left_out=17,
    )
    pgo = line(
        flavor="pgo",
        pgo=True,
        outcome=GOOD,
        benchmarks=benchmarks(-0.06),
        suite_last=ratio(0.9641),
        findings=(finding(CONFIRMED, 0.9402),),
        commits=(),
        facts={**FACTS, "compiler": "gcc 13.1.0"},
    )
    failed = line(
        branch="3.14",
        outcome=FAILED,
        new=None,
        benchmarks=(),
        suite_last=None,
        suite_release=None,
        commits=(),
        facts={},
        folder="",
        error="make failed.\n  where: Python/ceval.c:1: error: 'GENERATION' undeclared\n"
        "  to do: Mend the source.",
    )
    quiet = LineResult(branch="3.13", flavor="plain", outcome=QUIET, new=OLD, old=OLD)
    return report(
        plain,
        pgo,
        failed,
        quiet,
        missed=(date(2026, 11, 22), date(2026, 11, 23)),
        warnings=("The disk has 3 GB left of a budget of 40.",),
        folder="nights/2026-11-25",
    )
