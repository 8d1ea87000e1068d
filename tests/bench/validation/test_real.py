"""The third study, read from what was measured."""

from __future__ import annotations

import math

import pytest

from bench.util import documents
from bench.validation import real
from bench.validation.findings import ERROR, FALSE, OURS, POWER, PYPERF, TIME, StudyFinding
from bench.validation.real import CALM, KILLED, Alone, ProcedureComparison, RealRow, Slowdown
from tests.bench.results.given import given
from tests.golden.specimen import specimen


def row(name: str, ratio: float, called: bool = False, excludes: bool | None = False) -> RealRow:
    return RealRow(benchmark=name, ratio=ratio, called=called, excludes=excludes)


def pair(theirs: float, ours: float) -> ProcedureComparison:
    return ProcedureComparison(
        theirs=(row("a", 1 + theirs, True, None), row("b", 1 / (1 + theirs)), row("left", 9.0)),
        their_seconds=120.0,
        ours=(row("a", 1 + ours), row("b", 1 + ours)),
        our_seconds=121.0,
    )


def finding_of(condition: str, procedure: str, findings: tuple[StudyFinding, ...]) -> StudyFinding:
    return next(
        finding
        for finding in findings
        if finding.condition.startswith(condition) and finding.procedure == procedure
    )


@pytest.mark.parametrize(
    ("theirs", "ours", "allowed", "kept"),
    [
        (0.1, 0.01, 100 * math.log(1.1) / 5, True),
        (0.1, 0.03, None, False),
        (0.01, 0.004, 0.5, True),
    ],
)
def test_ours_may_be_a_fifth_of_theirs_or_half_a_percent(
    theirs: float, ours: float, allowed: float | None, kept: bool
) -> None:
    findings = real.study([pair(theirs, ours)], [], None, ["x"]).findings
    errors = [finding for finding in findings if finding.quantity == ERROR]
    mine, peer = (finding_of("repetition 1", name, tuple(errors)) for name in (OURS, PYPERF))
    assert peer.value == pytest.approx(100 * math.log(1 + theirs))
    assert mine.value == pytest.approx(100 * math.log(1 + ours))
    assert allowed is None or mine.most == pytest.approx(allowed)
    assert mine.kept is kept


def test_calls_are_counted_over_all_and_by_what_was_done_to_the_session() -> None:
    sessions = [
        Alone(how=CALM, rows=(row("a", 1.0), row("b", 1.0, True, True))),
        Alone(how=KILLED, rows=(row("a", 1.0, False, True), row("b", 1.0, excludes=None))),
    ]
    findings = real.study([pair(0.1, 0.0)], sessions, None, ()).findings
    everything = finding_of("all comparisons: called", OURS, findings)
    assert (everything.hits, everything.of) == (1, 6)
    assert everything.bounds is not None
    plain = finding_of("all comparisons: the plain", OURS, findings)
    assert (plain.hits, plain.of) == (2, 5)
    killed = finding_of(f"sessions {KILLED}", OURS, findings)
    assert (killed.hits, killed.of) == (0, 2)
    assert finding_of("all comparisons: called", PYPERF, findings).hits == 1


def test_a_known_slowdown() -> None:
    content = specimen()
    content["session"]["seconds"] = 300.0
    for row, (name, verdict, ratio) in zip(
        content["candidates"][0]["comparisons"],
        (("a", "slower", 1.021), ("b", "undecided", 1.004)),
        strict=False,
    ):
        row |= {"benchmark": name, "verdict": verdict, "ratio": ratio}
    del content["candidates"][0]["comparisons"][2:]
    slowdown = given(real.slowdown_of)(content)
    assert slowdown == Slowdown(
        verdicts={"a": "slower", "b": "undecided"}, ratios={"a": 1.021, "b": 1.004}, seconds=300.0
    )
    findings = real.study([], [], slowdown, ()).findings
    assert [(finding.quantity, finding.figure, finding.kept) for finding in findings] == [
        (POWER, 0.5, False),
        (TIME, 150.0, False),
    ]


def test_what_pyperf_says_of_two_files() -> None:
    base = {"a": ((1.0, 1.0), (1.02, 1.02)), "only here": ((1.0,),)}
    candidate = {"a": ((2.0, 2.0), (2.04, 2.04))}
    (compared,) = real.their_rows(base, candidate)
    assert compared.ratio == pytest.approx(2.0)
    assert compared.called


def test_what_was_measured_comes_back_from_json() -> None:
    one, session = pair(0.1, 0.01), Alone(how=CALM, rows=(row("a", 1.0),))
    assert documents.load(ProcedureComparison, documents.dump(one)) == one
    assert documents.load(Alone, documents.dump(session)) == session
    assert FALSE in {f.quantity for f in real.study([one], [session], None, ()).findings}
