"""What earlier blocks took, read from results that may be anything."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bench.run.durations import block_history


def result(folder: Path, name: str, *blocks: Any, when: float = 1.0) -> Path:
    path = folder / name / "result.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"blocks": list(blocks)}))
    os.utime(path, (when, when))
    return path


BLOCK = {"seconds": 3.0, "means": {"base": 0.1, "fast": 0.1, "aa": 0.1}}


def test_no_results(tmp_path: Path) -> None:
    assert block_history(tmp_path / "results").runs == 0


def test_blocks_are_divided_by_their_processes(tmp_path: Path) -> None:
    result(tmp_path, "a", BLOCK, {**BLOCK, "seconds": 6.0})
    result(tmp_path, "b")
    history = block_history(tmp_path)
    assert sorted(history.seconds) == [1.0, 2.0]
    assert history.runs == 1


def test_the_newest_results_are_enough(tmp_path: Path) -> None:
    for number in range(7):
        result(tmp_path, f"r{number}", {**BLOCK, "seconds": 3.0 * (number + 1)}, when=number)
    assert sorted(block_history(tmp_path).seconds) == [3.0, 4.0, 5.0, 6.0, 7.0]


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"blocks": 1}', '{"blocks": [1]}', '{"blocks": [{"seconds": "1"}]}'),
        '{"blocks": [{"seconds": 1, "means": 5}]}',
        "\udcff",
        "[" * 100_000,
    ],
)
def test_damaged_results_are_left_out(tmp_path: Path, text: str) -> None:
    path = result(tmp_path, "a", BLOCK)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    result(tmp_path, "b", BLOCK, {**BLOCK, "seconds": 0.0}, {**BLOCK, "means": {}})
    assert block_history(tmp_path).seconds == (1.0,)
