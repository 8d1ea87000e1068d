"""Two results side by side, in words, as a table and as JSON."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from bench.compare.comparison import SuiteComparison
from bench.jobs.bundle import report
from bench.jobs.bundle.reproduction import Pair, Reproduction
from tests.bench.results.given import suite

FASTER, SLOWER = suite(0.8, "faster"), suite(1.2, "slower")


def pair(
    benchmark: str,
    before: SuiteComparison | None = FASTER,
    after: SuiteComparison | None = FASTER,
    *,
    overlap: bool | None = True,
    agreement: str = "same",
    candidate: str = "fast",
) -> Pair:
    return Pair(
        candidate=candidate,
        benchmark=benchmark,
        before=before,
        after=after,
        overlap=overlap,
        agreement=agreement,
    )


AGREE = (pair(""), pair("nbody"), pair("go", overlap=False, agreement="open"))
CONTRADICT = (
    pair(""),
    pair("nbody", after=SLOWER, overlap=False, agreement="contradiction"),
    pair("lost", after=None, overlap=None, agreement="open"),
)
DIFFERS = (("cpu", "one", "another"),)


def reproduction(
    *pairs: Pair, host: tuple[tuple[str, str, str], ...] = (), same_builds: bool = False
) -> Reproduction:
    return Reproduction(pairs=pairs, host=host, builds=(), same_builds=same_builds)


def shown(content: Reproduction) -> str:
    stream = io.StringIO()
    report.show(content, Console(file=stream, width=160, color_system=None, highlight=False))
    return stream.getvalue()


# -- words ---------------------------------------------------------------------------------------


def test_overlaps_and_verdicts_of_benchmarks_are_counted_without_the_suite() -> None:
    first, *_rest = report.sentences(reproduction(*AGREE))
    assert "1 of 2" in first  # intervals that overlap
    assert "2 of 2" not in first
    counts = report.sentences(reproduction(*CONTRADICT))[0]
    assert "0 of 1" in counts  # one pair has no interval
    assert "0 of 2" in counts  # verdicts


def test_the_suite_of_each_candidate_has_a_sentence() -> None:
    content = reproduction(*AGREE, pair("", after=SLOWER, candidate="other", overlap=False))
    _counts, fast, other = report.sentences(content)
    assert fast.startswith("fast")
    assert fast.count("0.8000 (faster)") == 2
    assert other.startswith("other")
    assert other.index("0.8000 (faster)") < other.index("1.2000 (slower)")


@pytest.mark.parametrize("overlap", [True, False, None])
def test_three_ways_to_overlap_are_three_sentences(overlap: bool | None) -> None:
    others = {
        report.sentences(reproduction(pair("", overlap=each)))[1]
        for each in (True, False, None)
        if each is not overlap
    }
    assert report.sentences(reproduction(pair("", overlap=overlap)))[1] not in others


def test_each_contradiction_is_named() -> None:
    content = reproduction(
        pair("", after=SLOWER, overlap=False, agreement="contradiction"), CONTRADICT[1]
    )
    _counts, _suite, *rest = report.sentences(content)
    assert len(rest) == 2
    assert "the suite" in rest[0]
    assert "nbody" in rest[1]
    assert all("contradict" in text and "fast" in text for text in rest)


def test_another_host_may_be_why_they_contradict() -> None:
    without = report.sentences(reproduction(*CONTRADICT))
    assert len(report.sentences(reproduction(*CONTRADICT, host=DIFFERS))) == len(without) + 1
    agreeing = report.sentences(reproduction(*AGREE))
    assert report.sentences(reproduction(*AGREE, host=DIFFERS)) == agreeing


# -- a terminal ----------------------------------------------------------------------------------


def test_differences_come_before_the_table_and_the_words_after() -> None:
    content = reproduction(*AGREE, host=DIFFERS)
    text = shown(content)
    sentence = report.sentences(content)[0]
    assert text.index("cpu: one -> another") < text.index("nbody") < text.index(sentence[:40])


def test_the_very_same_builds_are_said_to_be() -> None:
    same = shown(reproduction(*AGREE, same_builds=True))
    assert "builds: " in same
    assert "builds: " not in shown(reproduction(*AGREE))


def test_a_row_has_both_figures_the_overlap_and_the_agreement() -> None:
    lines = shown(reproduction(*CONTRADICT)).splitlines()
    (nbody,) = (line for line in lines if line.startswith("nbody"))
    assert nbody.index("0.8000") < nbody.index("faster") < nbody.index("1.2000")
    assert nbody.split()[-2:] == ["NO", "contradiction"]
    (lost,) = (line for line in lines if line.startswith("lost"))
    assert lost.split()[-2:] == ["-", "open"]
    assert "not measured" in lost


def test_rows_of_several_candidates_have_their_names() -> None:
    text = shown(reproduction(pair("go"), pair("go", candidate="other")))
    assert "fast: go" in text
    assert "other: go" in text
    assert "fast: go" not in shown(reproduction(pair("go")))


def test_hostile_text_stays_text() -> None:
    evil = "\x1b[2J[red]x[/red]\nnext"
    text = shown(reproduction(pair(evil), pair("", candidate=evil), host=((evil, evil, evil),)))
    assert "\x1b" not in text
    assert "[red]x[/red]" in text
    assert not any(line.startswith("next") for line in text.splitlines())


# -- JSON ----------------------------------------------------------------------------------------


def test_as_json_it_is_plain_and_all_there() -> None:
    content = reproduction(*CONTRADICT, host=DIFFERS)
    data = json.loads(json.dumps(report.as_json(content)))
    assert (data["agrees"], data["same_builds"]) == (False, False)
    assert (data["host"], data["builds"]) == ([["cpu", "one", "another"]], [])
    assert data["sentences"] == list(report.sentences(content))
    _suite, nbody, lost = data["pairs"]
    assert (nbody["candidate"], nbody["benchmark"]) == ("fast", "nbody")
    assert (nbody["overlap"], nbody["agreement"]) == (False, "contradiction")
    assert nbody["after"] == {
        **{"ratio": 1.2, "low": 1.19, "high": 1.21, "low95": 1.2, "high95": 1.2},
        **{"verdict": "slower", "blocks": 5, "builds": 1},
    }
    assert (lost["before"]["verdict"], lost["after"]) == ("faster", None)
