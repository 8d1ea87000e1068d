from __future__ import annotations

import io

import pytest
from rich.console import Console

from bench.report import terminal
from tests.bench.report.example import HOSTILE, result


def _shown(content: dict[str, object]) -> str:
    stream = io.StringIO()
    terminal.show(content, Console(file=stream, width=140, highlight=False))
    return stream.getvalue()


def test_what_a_reader_sees() -> None:
    text = _shown(result())
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}
    assert rows["nbody"][1:3] == ["0.7074", "1.41x"]
    assert "+ faster" in text
    assert "- slower" in text
    assert "no interval" in text
    assert "missing: go: some" in text
    assert text.count("one-build") == 1
    assert "fast-paths is 1.09x faster over the suite" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_does_nothing(text: str) -> None:
    shown = _shown(result(name=text, benchmark=text, word=text))
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\x9b" not in shown
    if "[bold]" in text:
        assert "[bold]markup[/bold]" in shown
