from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bench.nightly.mail.compose import body, compose_mail, subject
from bench.nightly.report import (
    BAD,
    CONFIRMED,
    FAILED,
    GOOD,
    NEUTRAL,
    QUIET,
    SUITE,
    UNDECIDED,
    LineResult,
    NightBenchmark,
    NightCommit,
    NightReport,
)
from bench.util.text import COLUMNS
from tests import golden
from tests.bench.report.formats.test_mail import MAIL, check
from tests.golden.nights import commits, finding, line, night, ratio, report


def lines_of(night: NightReport) -> list[str]:
    """The mail's lines, held to what holds for all mails; the site's address may be long."""
    text = f"Subject: {subject(night)}\n\n{body(night)}"
    return check("\n".join(one for one in text.split("\n") if not one.startswith("Site: ")))


def test_the_mail_is_the_golden_one() -> None:
    text = f"Subject: {subject(night())}\n\n{body(night())}"
    assert text == golden.read("night.txt")
    lines_of(night())


def test_composed_twice_it_is_the_same_to_the_letter() -> None:
    first, second = compose_mail(night()), compose_mail(night())
    assert first.as_bytes() == second.as_bytes()
    assert first["Message-ID"].startswith("<night.2026-11-25.")
    assert first["Date"] == "Thu, 26 Nov 2026 04:30:00 +0000"
    assert first.get_content() == body(night())
    assert first["Content-Transfer-Encoding"] == "7bit"
    other = compose_mail(replace(night(), date=date(2026, 11, 26)))
    assert other["Message-ID"] != first["Message-ID"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([line(findings=(finding(CONFIRMED, 1.05),))], "bad: main plain: richards 1.05x slower ("),
        (
            [line(findings=(finding(CONFIRMED, 1.05), finding(CONFIRMED, 1.1, benchmark=SUITE)))],
            "bad: main plain: richards 1.05x slower, and 1 more",
        ),
        (
            [
                line(outcome=BAD, findings=(finding(CONFIRMED, 1.05),)),
                line(outcome=GOOD, findings=(finding(CONFIRMED, 0.9),)),
            ],
            "bad: main plain: richards 1.05x slower (",
        ),
        (
            [line(outcome=GOOD, findings=(finding(CONFIRMED, 0.9),)), line(outcome=QUIET)],
            "good: main plain: richards 1.11x faster (",
        ),
        ([line(outcome=FAILED, error="x"), line(outcome=GOOD)], "bad: main plain failed ("),
        ([line(outcome=FAILED)] * 3, "bad: main plain failed, and 2 more ("),
        ([line(outcome=NEUTRAL, findings=(finding(UNDECIDED, 1.05),))], "neutral: nothing of note"),
        ([line(outcome=QUIET)], "neutral: nothing moved ("),
        ([], "neutral: nothing moved ("),
        ([line(outcome=BAD)], "bad: main plain ("),
    ],
)
def test_the_subject_says_how_it_went(lines: list[LineResult], expected: str) -> None:
    assert subject(report(*lines)).startswith(f"[patchbench] {expected}")


def test_every_change_stands_beside_the_same_under_pgo() -> None:
    text = body(night())
    row = next(one for one in text.split("\n") if one.startswith("deltablue"))
    assert row.split() == ["deltablue", *"1.2% = 1.0003 + 0.9731 + 0.9403 + 0.9131".split()]
    (alone,) = [one for one in body(report(line())).split("\n") if one.startswith("benchmark  ")]
    assert "PGO" not in alone


@pytest.mark.parametrize("text", MAIL)
def test_text_of_unknown_origin_stays_text(text: str) -> None:
    hostile = line(
        branch=text,
        flavor=text,
        error=text,
        notes=(text,),
        missing={text: text},
        folder=text,
        facts={"cpu": text},
        benchmarks=(NightBenchmark(name=text, mean=1.0, last=ratio(1.1)),),
        commits=tuple(replace(one, subject=text) for one in commits(2)),
        findings=(finding(CONFIRMED, 1.05, benchmark=text, reason=text, folder=text),),
    )
    night = report(
        hostile,
        replace(hostile, outcome=FAILED),
        name=text,
        host=text,
        warnings=(text,),
        folder=text,
        site=text,
    )
    lines_of(night)
    message = compose_mail(night)
    assert message.keys() == [
        *("Subject", "Date", "Message-ID", "Content-Type"),
        *("Content-Transfer-Encoding", "MIME-Version"),
    ]
    assert "everyone@example.org" not in str(message.keys())


def test_huge_nights_are_cut_and_say_so() -> None:
    names = [f"benchmark_{number:04d}" for number in range(5000)]
    rows = tuple(NightBenchmark(name=name, mean=1.0, last=ratio(1.0)) for name in names)
    late = NightBenchmark(name="zzz", mean=1.0, last=ratio(1.2))
    big = line(
        benchmarks=(*rows, late),
        commits=commits(3000),
        commits_left_out=2000,
        missing=dict.fromkeys(names, "no time"),
        error="a line\n" * 5000,
    )
    begun = date(2020, 1, 1)
    night = report(big, missed=tuple(begun + timedelta(days=one) for one in range(900)))
    text = "\n".join(lines_of(night))
    assert len(text) < 60_000
    for count in (
        "5000 commits since the last run",
        "  and 4950 more",
        "and 4801 more benchmarks",
        "missing: 4980 more",
        "and 4988 more lines",
        "older ones and",
    ):
        assert count in text
    # What changed is not among what is left out.
    assert text.index("zzz") < text.index("benchmark_0000")


def test_commits_and_the_address_of_the_site() -> None:
    one = NightCommit(hash="f" * 40, when=commits(1)[0].when, subject="Short")
    text = body(report(line(commits=(one,)), site=f"https://example.org/{'x' * 100}"))
    assert "1 commit since the last run, newest first\n  ffffffffffff 2026-11-25 Short\n" in text
    (site,) = [row for row in text.split("\n") if row.startswith("Site: ")]
    assert len(site) > COLUMNS
    assert site.endswith("x" * 100)


def test_facts_that_all_share_are_told_once() -> None:
    text = body(night())
    assert text.count("Imaginary CPU 3000") == 1
    assert "  main pgo: compiler gcc 13.1.0\n" in text
