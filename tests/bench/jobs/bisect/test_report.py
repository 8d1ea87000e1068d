"""A bisection as the terminal shows it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from bench.jobs.bisect import report
from bench.jobs.bisect.result import (
    BisectionStep,
)
from tests.bench.jobs.bisect.test_result import commit, found
from tests.bench.results.given import suite

HOSTILE = "[bold]x\x1b[31m"


def test_the_terminal_shows_text_of_unknown_origin_as_text() -> None:
    step = BisectionStep(about=commit(4, HOSTILE), found="skipped", reason=HOSTILE)
    told = found(
        steps=(step,),
        culprits=(commit(5, HOSTILE),),
        parent=commit(4).hash,
        confirmation=suite(1.05, "slower"),
    )
    stream = io.StringIO()
    report.show(told, Console(file=stream, width=140, color_system=None, highlight=False))
    text = stream.getvalue()
    assert "\x1b" not in text
    assert text.count("[bold]x?[31m") == 4
    assert "1.0500, 1.0400 to 1.0600, 1.05x slower" in text
    assert "? skipped" in text


def shown(**more: Any) -> str:
    stream = io.StringIO()
    report.show(found(**more), Console(file=stream, width=140, color_system=None, highlight=False))
    return stream.getvalue()


def test_the_ends_frame_the_steps_in_their_order() -> None:
    steps = (
        BisectionStep(about=commit(4), found="bad", row=suite(1.06, "slower")),
        BisectionStep(about=commit(2), found="good", row=suite(1.0, "equivalent")),
    )
    lines = [line.split() for line in shown(steps=steps).splitlines()]
    assert [words[1] for words in lines[1:5]] == ["GOOD", "-", "+", "BAD"]
    assert lines[2][3] == "1.0600"
    assert "1.0600" in lines[4]


def test_no_culprit_is_named_before_there_is_one() -> None:
    for culprits in ((), (commit(3), commit(4))):
        assert "against its parent" not in shown(culprits=culprits)


def test_an_unconfirmed_culprit_says_why() -> None:
    text = shown(culprits=(commit(5),), parent=commit(4).hash, unconfirmed="make failed.")
    assert f"against its parent {commit(4).hash[:12]}: make failed." in text
    assert "the whole change, BAD against GOOD: 1.0600" in text


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_narrow_terminal_shows_every_commit_and_side(width: int) -> None:
    stream = io.StringIO()
    result = found()
    report.show(result, Console(file=stream, width=width, color_system=None, highlight=False))
    assert max(map(len, stream.getvalue().splitlines())) <= width
    for step in result.steps:
        assert step.about.hash[:12] in stream.getvalue()
