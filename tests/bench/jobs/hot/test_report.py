"""What a terminal shows of a hot program's document."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from bench.jobs.hot import report

HOSTILE = "[bold]x\x1b[31m\n"


def function(name: str, share: float, file: str = "/home/ann/lib/kit/parts.py") -> dict[str, Any]:
    return {"function": name, "share": share, "with_callees": share, "file": file, "line": 7}


def document(**more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "profile": {"samples": 200, "functions": [function("spin", 0.8), function("rare", 0.001)]},
        "compiled": [],
        "refused": [],
        "same": {"status": 0, "stdout": 12, "stderr": 0, "files": {}},
        "comparisons": [],
        "clock": "cpu",
        "warnings": [],
    }
    return found | more


def compiled(lines: int = 0) -> dict[str, Any]:
    return {
        "module": "helper",
        "share": 0.75,
        "seconds": 3.2,
        "page": "page.html",
        "lines": [
            {"share": 0.1, "score": 9, "line": at, "text": f"line [{at}]"} for at in range(lines)
        ],
    }


def shown(**more: Any) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=140, color_system=None, highlight=False)
    report.show(document(**more), console)
    return stream.getvalue()


def test_functions_that_took_next_to_nothing_are_left_out() -> None:
    text = shown()
    assert "Hot functions, by 200 samples of CPU time:" in text
    assert "80.0%" in text
    assert "spin" in text
    assert "lib/kit/parts.py:7" in text
    assert "/home/ann" not in text
    assert "rare" not in text


def test_what_was_compiled_and_what_was_not() -> None:
    text = shown(compiled=[compiled()], refused=[{"module": "other", "reason": "no"}])
    assert "compiled: helper (75.0% of the samples, in 3 s)" in text
    assert "not compiled: other: no" in text
    assert "Lines of helper" not in text


def test_files_are_counted() -> None:
    same = document()["same"]
    assert "identical in every run: exit status 0, 12 bytes of stdout, 0 of stderr\n" in shown()
    assert "1 file written" in shown(same={**same, "files": {"a": "0"}})
    assert "2 files written" in shown(same={**same, "files": {"a": "0", "b": "1"}})


def test_the_verdict_names_the_clock() -> None:
    row = {"verdict": "faster", "ratio": 0.5, "low": None, "high": None, "blocks": 3}
    row |= {"warnings": ["single: x"]}
    text = shown(comparisons=[row])
    assert "the whole program's CPU time: ratio 0.5000 (2.00x faster), no interval, 3" in text
    assert "single: x" in text
    assert "the whole program's time: ratio" in shown(comparisons=[row], clock="wall")


def test_lines_that_still_call_the_interpreter_are_shown_as_they_stand() -> None:
    text = shown(compiled=[compiled(lines=20)])
    assert "Lines of helper that still call into the interpreter" in text
    assert "line [14]" in text
    assert "line [15]" not in text


def test_text_of_unknown_origin_is_text() -> None:
    text = shown(
        profile={"samples": 1, "functions": [function(HOSTILE, 1.0, HOSTILE)]},
        refused=[{"module": HOSTILE, "reason": HOSTILE}],
        warnings=[HOSTILE],
    )
    assert "\x1b" not in text
    assert "[bold]x?[31m" in text
