from __future__ import annotations

import gzip
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyperf
import pytest

from bench.compare.comparison import Comparison
from bench.compare.pyperf_files import compare_files, load
from builder.errors import DataError

STEADY = [(1.0, 1.02), (1.01, 1.03), (0.99, 1.01), (1.0, 1.0), (1.02, 1.0), (0.98, 1.01)]


def benchmark(
    name: str,
    processes: Sequence[Sequence[float]],
    *,
    scale: float = 1.0,
    loops: int = 4,
    **metadata: Any,
) -> pyperf.Benchmark:
    """As pyperf writes it: first a run that only calibrates, then a run for each process."""
    common = {"name": name, "unit": "second", **metadata}
    runs = [
        pyperf.Run(
            (),
            warmups=[(1, 0.1), (loops, 0.1)],
            metadata={**common, "loops": loops, "calibrate_loops": loops},
            collect_metadata=False,
        )
    ]
    runs += [
        pyperf.Run(
            [scale * value for value in values],
            warmups=[(loops, 9.0)],
            metadata={**common, "loops": loops},
            collect_metadata=False,
        )
        for values in processes
    ]
    return pyperf.Benchmark(runs)


def write(path: Path, *benchmarks: pyperf.Benchmark) -> Path:
    pyperf.BenchmarkSuite(list(benchmarks)).dump(str(path))
    return path


def codes(row: Comparison) -> set[str]:
    return {warning.partition(":")[0] for warning in row.warnings}


def test_process_means_are_read_and_calibration_is_not(tmp_path: Path) -> None:
    (row,) = load(write(tmp_path / "a.json", benchmark("b", [(1.0, 2.0), (3.0, 5.0)]))).benchmarks
    assert (row.name, row.metric, row.processes) == ("b", "time", (1.5, 4.0))
    assert (row.values, row.loops, row.inner_loops) == ((2,), (4,), (1,))


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_files_may_be_compressed(tmp_path: Path, name: str) -> None:
    assert load(write(tmp_path / name, benchmark("b", STEADY))).benchmarks[0].name == "b"


def test_compression_is_told_by_content(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.json", benchmark("b", STEADY))
    (tmp_path / "misnamed.json").write_bytes(gzip.compress(plain.read_bytes()))
    (tmp_path / "misnamed.json.gz").write_bytes(plain.read_bytes())
    for name in ("misnamed.json", "misnamed.json.gz"):
        assert load(tmp_path / name).benchmarks == load(plain).benchmarks


def test_ratio_is_that_of_arithmetic_process_means(tmp_path: Path) -> None:
    base = write(tmp_path / "base.json", benchmark("b", STEADY))
    slow = write(tmp_path / "slow.json", benchmark("b", STEADY, scale=1.2))
    (row,) = compare_files(base, slow).comparisons
    assert row.ratio == pytest.approx(1.2)
    assert (row.verdict, row.blocks, row.builds) == ("slower", 0, 1)
    assert codes(row) == {"no-blocks", "one-build"}
    (other,) = compare_files(slow, base).comparisons
    assert (other.ratio, other.verdict) == (pytest.approx(1 / 1.2), "faster")


def test_processes_count_alike_whatever_the_number_of_their_values(tmp_path: Path) -> None:
    base = write(tmp_path / "base.json", benchmark("b", [(1.0,) * 9, (2.0,)]))
    same = write(tmp_path / "same.json", benchmark("b", [(1.5,), (1.5,)]))
    (row,) = compare_files(base, same).comparisons
    assert row.ratio == pytest.approx(1.0)
    assert "values" in codes(row)


def test_unequal_processes_and_loops_are_handled_and_told(tmp_path: Path) -> None:
    base = write(tmp_path / "base.json", benchmark("b", STEADY))
    candidate = write(
        tmp_path / "candidate.json", benchmark("b", STEADY[:5], loops=8, inner_loops=3)
    )
    (row,) = compare_files(base, candidate).comparisons
    assert {"unequal-processes", "loops", "inner-loops"} <= codes(row)
    assert "loops: loops a value differ: 4 in the base, 8 in the candidate" in row.warnings
    assert row.low95 is not None


def test_one_process_has_no_interval(tmp_path: Path) -> None:
    base = write(tmp_path / "base.json", benchmark("b", STEADY))
    candidate = write(tmp_path / "candidate.json", benchmark("b", [(2.0, 2.0)]))
    (row,) = compare_files(base, candidate).comparisons
    assert (row.low, row.low95, row.verdict) == (None, None, "undecided")
    assert "one-process" in codes(row)


def test_what_cannot_be_compared_is_missing_with_its_reason(tmp_path: Path) -> None:
    base = write(
        tmp_path / "base.json",
        benchmark("both", STEADY),
        benchmark("old", STEADY),
        benchmark("calibrated", []),
        benchmark("unit", STEADY),
    )
    candidate = write(
        tmp_path / "candidate.json",
        benchmark("new", STEADY),
        benchmark("both", STEADY),
        benchmark("calibrated", STEADY),
        benchmark("unit", STEADY, unit="byte"),
    )
    result = compare_files(base, candidate)
    assert [row.benchmark for row in result.comparisons] == ["both"]
    assert {row.benchmark: row.reason for row in result.missing} == {
        "old": "only in the base's file",
        "new": "only in the candidate's file",
        "unit": "time in the base's file, memory in the candidate's",
        "calibrated": "no values in the base",
    }


def test_memory_is_a_metric_of_its_own(tmp_path: Path) -> None:
    """As `pyperf --track-memory` and `--tracemalloc` write it: one value a process, in bytes."""
    sizes = [(1000.0,), (1010.0,), (990.0,), (1000.0,), (1005.0,)]
    base = write(tmp_path / "base.json", benchmark("b", STEADY), benchmark("m", sizes, unit="byte"))
    candidate = write(
        tmp_path / "candidate.json",
        benchmark("b", STEADY),
        benchmark("m", sizes, scale=2.0, unit="byte"),
    )
    result = compare_files(base, candidate)
    assert {row.benchmark: row.metric for row in result.comparisons} == {"b": "time", "m": "memory"}
    assert result.suite is not None
    assert result.suite.ratio == pytest.approx(1.0)
    assert [(row.metric, row.ratio) for row in result.suites] == [("memory", pytest.approx(2.0))]


def test_what_differs_between_the_files_is_named(tmp_path: Path) -> None:
    ours = {"python_version": "3.13.5", "hostname": "alpha", "cpu_count": 2, "aslr": "full"}
    theirs = {"python_version": "3.13.6", "hostname": "beta", "cpu_count": 2}
    base = write(tmp_path / "base.json", benchmark("b", STEADY, **ours))
    candidate = write(tmp_path / "candidate.json", benchmark("b", STEADY, **theirs))
    result = compare_files(base, candidate)
    assert result.warnings == (
        "metadata-hostname: differs between base and candidate",
        "metadata-aslr: differs between base and candidate: full, not recorded",
        "metadata-python_version: differs between base and candidate: 3.13.5, 3.13.6",
    )
    assert "alpha" not in json.dumps(result.document())
    assert compare_files(base, base).warnings == ()


def test_a_file_against_itself_is_never_called(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", benchmark("b", STEADY), benchmark("c", STEADY))
    result = compare_files(path, path)
    assert [row.ratio for row in result.comparisons] == [1.0, 1.0]
    assert {row.verdict for row in result.comparisons} <= {"equivalent", "undecided"}


def document(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    path = write(tmp_path / "sound.json", benchmark("b", STEADY))
    data: dict[str, Any] = json.loads(path.read_text())
    return {**data, **changes}


def test_older_formats_of_pyperf_are_read(tmp_path: Path) -> None:
    data = {
        "version": 6,
        "metadata": {"name": "b"},
        "benchmarks": [{"runs": [{"values": [1.0, 3.0], "metadata": {"loops": 2}}]}],
    }
    path = tmp_path / "old.json"
    path.write_text(json.dumps(data))
    (row,) = load(path).benchmarks
    assert (row.name, row.processes) == ("b", (2.0,))


BROKEN: dict[str, Any] = {
    "not JSON": "no json at all",
    "empty": "",
    "a list": [],
    "a number": 3,
    "another JSON": {"hello": "world"},
    "unknown version": {"version": "99.0"},
    "version of a strange type": {"version": []},
    "no benchmarks": {"version": "1.0", "benchmarks": []},
    "benchmarks of a strange type": {"version": "1.0", "benchmarks": 7},
    "no runs": {"version": "1.0", "benchmarks": [{"runs": []}]},
    "no name": {"version": "1.0", "benchmarks": [{"runs": [{"values": [1.0]}]}]},
    "deeply nested": "[" * 100_000,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_pyperf_file_is_told_by_path(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "broken.json"
    content = BROKEN[kind]
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(DataError) as caught:
        load(path)
    assert caught.value.where == str(path)
    assert caught.value.hint


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 0.0, "fast", None, [1.0], 10**400])
def test_values_that_are_no_times_are_refused(tmp_path: Path, value: Any) -> None:
    data = document(tmp_path)
    data["benchmarks"][0]["runs"][1]["values"][0] = value
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(data))
    with pytest.raises(DataError) as caught:
        load(path)
    assert caught.value.where == str(path)


def test_a_benchmark_twice_is_refused(tmp_path: Path) -> None:
    data = document(tmp_path)
    path = tmp_path / "twice.json"
    path.write_text(json.dumps({**data, "benchmarks": data["benchmarks"] * 2}))
    with pytest.raises(DataError, match="already a benchmark called 'b'"):
        load(path)


def test_damaged_compression_is_told(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.json.gz", benchmark("b", STEADY)).read_bytes()
    cut, flipped = tmp_path / "cut.json.gz", tmp_path / "flipped.json.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    flipped.write_bytes(whole[:40] + bytes(byte ^ 0xFF for byte in whole[40:60]) + whole[60:])
    for path in (cut, flipped):
        with pytest.raises(DataError) as caught:
            load(path)
        assert caught.value.where == str(path)


def test_binary_junk_is_told(tmp_path: Path) -> None:
    path = tmp_path / "junk.json"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(DataError, match="UnicodeDecodeError"):
        load(path)


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        load(tmp_path / "absent.json")
    with pytest.raises(DataError, match="directory"):
        load(tmp_path)
