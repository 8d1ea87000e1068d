from __future__ import annotations

import gzip
import json
import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyperf
import pytest

from bench.compare.comparison import Comparison
from bench.compare.pyperf_files import compare_files, load, refuse_nothing
from builder.errors import DataError, IncomparableError

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
    again = write(tmp_path / "again.json", benchmark("b", STEADY[1:], **ours))
    assert compare_files(base, again).warnings == ()


def test_equal_values_are_never_called(tmp_path: Path) -> None:
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path in paths:
        write(path, benchmark("b", STEADY, note=path.name), benchmark("c", STEADY))
    result = compare_files(*paths)
    assert [row.ratio for row in result.comparisons] == [1.0, 1.0]
    assert {row.verdict for row in result.comparisons} <= {"equivalent", "undecided"}
    assert all("same-values" in codes(row) for row in result.comparisons)


@pytest.mark.parametrize("value", [0.1, 0.3, 1.7e-7, 8_192_000.0, 1 / 3])
@pytest.mark.parametrize("scale", [1.0, 1.1, 3.0])
@pytest.mark.parametrize("counts", [(2, 2), (5, 5), (20, 7)])
def test_constant_values_are_not_skewed(
    value: float, scale: float, counts: tuple[int, int], tmp_path: Path
) -> None:
    sides = [[(value * factor,)] * n for factor, n in zip((1.0, scale), counts, strict=True)]
    base = write(tmp_path / "base.json", benchmark("b", sides[0]))
    candidate = write(tmp_path / "candidate.json", benchmark("b", sides[1], note="other"))
    (row,) = compare_files(base, candidate).comparisons
    assert not {"skewed", "same-values"} & codes(row)
    assert row.verdict == ("equivalent" if scale == 1 else "slower")


def dated(name: str, days: Sequence[int], *, scale: float = 1.0) -> pyperf.Benchmark:
    """A benchmark whose processes ran on these days of one month, at the same time of the day."""
    runs = [
        pyperf.Run(
            [scale * (1 + day / 100), scale * 1.02],
            metadata={"name": name, "date": str(datetime(2026, 1, day, 3, 4, 5, 678))},
            collect_metadata=False,
        )
        for day in days
    ]
    return pyperf.Benchmark(runs)


FIRST, SECOND = range(1, 7), range(11, 17)
SHARED: dict[str, tuple[Sequence[int], Sequence[int], str]] = {
    "nothing": (FIRST, SECOND, ""),
    "all": (FIRST, FIRST, "missing"),
    "all, in another order": (FIRST, FIRST[::-1], "missing"),
    "the candidate is a part": (FIRST, FIRST[:3], "missing"),
    "the base is a part": (FIRST, [*FIRST, *SECOND], "missing"),
    "some": ([*FIRST, 9], [*SECOND, 9], "shared-processes"),
    "the base twice": ([*FIRST, *FIRST], SECOND, "repeated-processes"),
    "the candidate twice": (FIRST, [*SECOND, 11], "repeated-processes"),
}


@pytest.mark.parametrize("case", SHARED)
def test_processes_in_both_files_are_told(case: str, tmp_path: Path) -> None:
    ours, theirs, expected = SHARED[case]
    base = write(tmp_path / "base.json", dated("b", ours), dated("other", FIRST))
    candidate = write(tmp_path / "candidate.json", dated("b", theirs), dated("other", SECOND))
    result = compare_files(base, candidate)
    rows = {row.benchmark: row for row in result.comparisons}
    assert "other" in rows
    if expected == "missing":
        assert [(row.benchmark, row.reason) for row in result.missing] == [
            ("b", "the same processes in both files")
        ]
        assert any(text.startswith("same-runs: ") for text in result.warnings)
    else:
        special = {"shared-processes", "repeated-processes", "unequal-processes"}
        assert codes(rows["b"]) & special == ({expected} if expected else set())


def test_the_same_file_under_two_names_has_nothing_to_compare(tmp_path: Path) -> None:
    base = write(tmp_path / "base.json", benchmark("b", [(1.0,)] * 5))
    copy = tmp_path / "copy.json.gz"
    copy.write_bytes(gzip.compress(base.read_bytes()))
    for other in (base, copy):
        result = compare_files(base, other)
        assert result.comparisons == ()
        with pytest.raises(IncomparableError, match="same measurements") as caught:
            refuse_nothing(result, load(base), load(other))
        assert str(base) in caught.value.where


NOTHING: dict[str, tuple[list[pyperf.Benchmark], list[pyperf.Benchmark]]] = {
    "other names": ([benchmark("a", STEADY)], [benchmark("b", STEADY)]),
    "other units": ([benchmark("a", STEADY)], [benchmark("a", STEADY, unit="byte")]),
    "no values": ([benchmark("a", STEADY)], [benchmark("a", [])]),
    "one of each": (
        [benchmark("a", STEADY), dated("c", FIRST)],
        [benchmark("b", STEADY), dated("c", FIRST)],
    ),
}


@pytest.mark.parametrize("case", NOTHING)
def test_nothing_in_common_is_an_error_with_what_each_file_has(case: str, tmp_path: Path) -> None:
    files = [
        write(tmp_path / f"{name}.json", *side)
        for name, side in zip(("base", "candidate"), NOTHING[case], strict=True)
    ]
    result = compare_files(*files)
    with pytest.raises(IncomparableError, match="no benchmark that can be compared") as caught:
        refuse_nothing(result, *map(load, files))
    count = {1: "1 benchmark: a", 2: "2 benchmarks: a, c"}[len(NOTHING[case][0])]
    assert f"{files[0]}: {count}" in caught.value.where
    assert str(files[1]) in caught.value.where
    assert ("a (no values)" in caught.value.where) == (case == "no values")


def test_a_long_list_of_benchmarks_is_cut(tmp_path: Path) -> None:
    many = write(tmp_path / "many.json", *(benchmark(f"m{n:02}", STEADY) for n in range(12)))
    one = write(tmp_path / "one.json", benchmark("one", STEADY))
    with pytest.raises(IncomparableError) as caught:
        refuse_nothing(compare_files(many, one), load(many), load(one))
    assert "12 benchmarks: m00, " in caught.value.where
    assert "m07 and 4 more" in caught.value.where


def test_one_benchmark_in_common_of_many_is_told(tmp_path: Path) -> None:
    base = write(tmp_path / "base.json", *(benchmark(name, STEADY) for name in "abcd"))
    candidate = write(tmp_path / "candidate.json", *(benchmark(name, STEADY) for name in "dxyz"))
    (warning,) = compare_files(base, candidate).warnings
    assert warning.startswith("few-in-common: 1 of 7 benchmarks could be compared")
    nearly = write(tmp_path / "nearly.json", *(benchmark(name, STEADY) for name in "abcx"))
    assert compare_files(base, nearly).warnings == ()


@pytest.mark.parametrize("key", ["timeit_stmt", "pickle_protocol", "django_version"])
def test_other_work_under_the_same_name_is_told(key: str, tmp_path: Path) -> None:
    base = write(tmp_path / "base.json", benchmark("b", STEADY, **{key: "a"}))
    candidate = write(tmp_path / "candidate.json", benchmark("b", STEADY[:5], **{key: "b"}))
    (row,) = compare_files(base, candidate).comparisons
    assert f"metadata-{key}: not the same work: a, b" in row.warnings
    (row,) = compare_files(base, write(tmp_path / "c.json", benchmark("b", STEADY))).comparisons
    assert f"metadata-{key}: not the same work: a, not recorded" in row.warnings


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
