"""Recorded results: read, and made small and anonymous."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from bench.validation import recordings
from builder.errors import DataError
from tests.pipeline import PROJECT

OURS = PROJECT / "bench" / "data" / "recordings"


def result(name: str, *processes: list[float], unit: str = "second") -> dict[str, Any]:
    """As pyperf writes it, with what must not be published."""
    return {
        "version": "1.0",
        "metadata": {"hostname": "secret", "unit": unit, "python_version": "3.13.5 (64-bit)"},
        "benchmarks": [
            {
                "metadata": {"name": name, "loops": 4, "python_executable": "/secret/python"},
                "runs": [
                    {"values": values, "metadata": {"boot_time": "secret", "load_avg_1min": 1}}
                    for values in processes
                ]
                + [{"warmups": [[1, 0.5]], "metadata": {"calibrate_loops": 4}}],
            }
        ],
    }


FIVE = [[0.1, 0.11, 0.12]] * 5


def test_what_is_packed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "x.json.gz"
    both = [result("a", *FIVE), result("b", *FIVE)]
    path.write_bytes(recordings.pack(recordings.joined(both)))
    assert recordings.read(path) == {"a": ((0.1, 0.11, 0.12),) * 5, "b": ((0.1, 0.11, 0.12),) * 5}
    text = gzip.decompress(path.read_bytes()).decode()
    assert "secret" not in text
    assert "3.13.5" in text
    assert recordings.pack(recordings.joined(both)) == path.read_bytes()


def test_odd_processes_and_other_units_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(result("a", *FIVE, [0.1, 0.2])))
    assert len(recordings.read(path)["a"]) == 5
    path.write_text(json.dumps(result("a", *FIVE, unit="byte")))
    with pytest.raises(DataError, match="no benchmark has 4 processes"):
        recordings.read(path)


def test_files_of_a_folder(tmp_path: Path) -> None:
    for name in ("b.json", "a.json.gz", "README.md"):
        (tmp_path / name).touch()
    assert [path.name for path in recordings.files(tmp_path)] == ["a.json.gz", "b.json"]
    assert recordings.files(tmp_path / "b.json") == (tmp_path / "b.json",)
    with pytest.raises(DataError, match="no result files"):
        recordings.files(tmp_path / "nothing")


def test_our_own_are_many_small_and_name_no_machine() -> None:
    (path,) = recordings.files(OURS)
    benchmarks = recordings.read(path)
    assert len(benchmarks) >= 12
    assert {len(processes) for processes in benchmarks.values()} == {40}
    assert path.stat().st_size < 1_000_000
    data = json.loads(gzip.decompress(path.read_bytes()))
    keys = {key for benchmark in data["benchmarks"] for key in benchmark["metadata"]}
    keys |= set(data["metadata"])
    assert keys <= recordings.KEPT
    assert all(
        set(run) == {"values"} for benchmark in data["benchmarks"] for run in benchmark["runs"]
    )
