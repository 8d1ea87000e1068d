"""A bisection as the terminal shows it."""

from __future__ import annotations

import io

from rich.console import Console

from bench.jobs.bisect import report
from bench.jobs.bisect.result import (
    BisectionStep,
)
from tests.bench.jobs.bisect.test_result import commit, found, row

HOSTILE = "[bold]x\x1b[31m"


def test_the_terminal_shows_text_of_unknown_origin_as_text() -> None:
    step = BisectionStep(about=commit(4, HOSTILE), found="skipped", reason=HOSTILE)
    told = found(
        steps=(step,),
        culprits=(commit(5, HOSTILE),),
        parent=commit(4).hash,
        confirmation=row(1.05, "slower"),
    )
    stream = io.StringIO()
    report.show(told, Console(file=stream, width=140, color_system=None, highlight=False))
    text = stream.getvalue()
    assert "\x1b" not in text
    assert text.count("[bold]x?[31m") == 4
    assert "1.0500, 1.0400 to 1.0600, 1.05x slower" in text
    assert "? skipped" in text
