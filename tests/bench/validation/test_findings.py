"""Figures and the promises that they are held to."""

from __future__ import annotations

import json

import pytest

from bench.util import documents
from bench.validation.findings import COVERAGE, FALSE, OURS, Part, StudyFinding, broken_promises


def rate(hits: int, of: int, **more: float) -> StudyFinding:
    return StudyFinding(quantity=FALSE, condition="c", procedure=OURS, hits=hits, of=of, **more)


@pytest.mark.parametrize(
    ("finding", "kept"),
    [
        (rate(5, 100, most=0.055), True),
        (rate(6, 100, most=0.055), False),
        (rate(94, 100, least=0.935, most=0.965), True),
        (rate(97, 100, least=0.935, most=0.965), False),
        (rate(93, 100, least=0.935), False),
        (rate(0, 0, most=0.055), False),  # nothing was asked, so that nothing is kept
        (rate(50, 100), None),
    ],
)
def test_promises(finding: StudyFinding, kept: bool | None) -> None:
    assert finding.kept is kept


def test_bounds_are_of_independent_trials_alone() -> None:
    bounds = rate(0, 10).bounds
    assert bounds is not None
    assert bounds == (0.0, pytest.approx(0.3085, abs=1e-4))
    finding = StudyFinding(
        quantity=FALSE, condition="c", procedure=OURS, hits=0, of=10, exact=False
    )
    assert finding.bounds is None
    assert StudyFinding(quantity=COVERAGE, condition="c", procedure=OURS, value=1.0).bounds is None


def test_parts_come_back_from_json() -> None:
    part = Part(name="real", setup=("a", "b"), findings=(rate(9, 100, most=0.055), rate(1, 2)))
    assert documents.load(Part, json.loads(json.dumps(documents.dump(part)))) == part
    assert broken_promises([part]) == [part.findings[0]]
