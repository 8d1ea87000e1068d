"""What a plan says of the packages that its benchmarks will lack."""

from __future__ import annotations

import pytest

from bench.benchmarks import FITS, MISSING, UNCHECKED, UNKNOWN, RequirementState, TargetPython
from bench.run.requirements import RequirementCheck
from builder.errors import MeasureError

PYTHON = TargetPython.of("3.15.0a1+", ("--disable-gil",))


def _checked(**states: str) -> RequirementCheck:
    answers = {
        name: RequirementState(state=state, reason="" if state == FITS else f"{state} of x")
        for name, state in states.items()
    }
    return RequirementCheck(answers={PYTHON: answers}, needing=tuple(states))


def test_each_reason_is_one_line_and_what_fits_is_none() -> None:
    checked = _checked(a=FITS, b=MISSING, c=MISSING, d=UNKNOWN, e=UNCHECKED)
    assert checked.lines() == (
        "will be missing: b, c: missing of x",
        "not known before it is installed: d: unknown of x",
        "requirements not checked: e: not checked of x",
    )
    assert _checked(a=FITS).lines() == ()


def test_only_a_plan_without_any_hope_is_refused() -> None:
    with pytest.raises(MeasureError, match=r"on Python 3\.15t") as caught:
        _checked(a=MISSING, b=MISSING).refuse_hopeless(PYTHON)
    assert caught.value.where == "a, b: missing of x"
    for state in (FITS, UNKNOWN, UNCHECKED):
        _checked(a=MISSING, b=state).refuse_hopeless(PYTHON)
