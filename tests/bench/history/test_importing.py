"""Files of pyperf's under the names that pyperformance and bench_runner give them."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.history.importing import Named, files_below, read_pyperf, understand
from builder.errors import DataError

RUNNER = "bm-20240101-linux-x86_64-python-main-3.14.0a0-abcdef0"


def document(**metadata: str) -> dict[str, object]:
    runs = [{"values": [value, value + 0.25]} for value in (1.0, 2.0)]
    own = {"name": "nbody", "unit": "second", "loops": 1}
    size = {"name": "size", "unit": "byte", "loops": 1}
    return {
        "version": "1.0",
        "metadata": metadata,
        "benchmarks": [
            {"metadata": own, "runs": runs},
            {"metadata": size, "runs": [{"values": [10]}]},
        ],
    }


def write(path: Path, **metadata: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(**metadata)).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (
            "2017-03-31_01-17-master-78a111c7d867.json.gz",
            Named(
                when=datetime(2017, 3, 31, 1, 17, tzinfo=UTC),
                branch="master",
                commit="78a111c7d867",
            ),
        ),
        (
            "2017-03-31_01-17-my-branch-78a111c7d867-patch-fast-add.json.gz",
            Named(
                when=datetime(2017, 3, 31, 1, 17, tzinfo=UTC),
                branch="my-branch",
                commit="78a111c7d867",
                flavor="patch fast-add",
            ),
        ),
        (
            f"bm-20240101-3.14.0a0-abcdef0-JIT,CLANG/{RUNNER}.json",
            Named(
                when=datetime(2024, 1, 1, tzinfo=UTC),
                host="linux x86_64",
                branch="main",
                flavor="jit,clang",
                version="3.14.0a0",
                commit="abcdef0",
            ),
        ),
        ("bm-20240101-3.14.0a0-abcdef0/" + RUNNER + "-pystats.json", None),
        ("bm-20249901-linux-x86_64-python-main-3.14.0a0-abcdef0.json", Named()),
        ("anything.json", Named()),
    ],
)
def test_names(path: str, named: Named | None) -> None:
    assert understand(Path(path)) == named


def test_a_fork_is_part_of_the_branch() -> None:
    named = understand(Path("bm-20240101-pi-arm64-some%2dbody-fast_add-3.13.0-abcdef0.json"))
    assert named is not None
    assert named.branch == "some-body/fast_add"


def test_a_file_becomes_a_night(tmp_path: Path) -> None:
    folder = tmp_path / "bm-20240101-3.14.0a0-abcdef0-JIT"
    night = read_pyperf(
        write(folder / f"{RUNNER}.json", commit_id="abcdef0123", cpu_model_name="C", date="x")
    )
    assert (night.host, night.branch, night.flavor) == ("linux x86_64", "main", "jit")
    assert night.when == datetime(2024, 1, 1, tzinfo=UTC)
    assert night.build is not None
    assert (night.build.commit, night.build.version) == ("abcdef0123", "3.14.0a0")
    (row,) = night.rows
    assert (row.benchmark, row.mean, row.processes) == ("nbody", 1.625, 2)
    assert row.rsd == pytest.approx(0.5**0.5 / 1.625)
    assert night.missing == {"size": "measured in memory, not time"}
    assert night.facts["cpu"] == "C"


def test_the_identity_does_not_depend_on_compression_or_name(tmp_path: Path) -> None:
    plain = read_pyperf(write(tmp_path / f"{RUNNER}.json"))
    packed = read_pyperf(write(tmp_path / "2024-01-01_00-00-main-abcdef0.json.gz"))
    assert plain.identity == packed.identity


def test_without_a_known_name_the_metadata_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.json", date="2024-02-03 04:05:06.789", hostname="secret")
    night = read_pyperf(path, branch="3.13", flavor="pgo")
    assert night.when.replace(microsecond=0) == datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert (night.branch, night.flavor) == ("3.13", "pgo")
    assert "secret" not in repr(night)
    with pytest.raises(DataError, match="the date is neither"):
        read_pyperf(write(tmp_path / "dateless.json"))


def test_folders_are_searched_and_statistics_left_out(tmp_path: Path) -> None:
    there = write(tmp_path / "a" / f"{RUNNER}.json")
    write(tmp_path / "a" / f"{RUNNER}-pystats.json")
    assert list(files_below(tmp_path)) == [there]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError):
        list(files_below(tmp_path / "empty"))
    with pytest.raises(DataError):
        read_pyperf(tmp_path / "a" / f"{RUNNER}-pystats.json")
