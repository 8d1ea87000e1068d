"""What a session keeps on disk comes back, and what is damaged is named."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from bench.benchmarks import Missing
from bench.measure.loops import ScriptLoops
from bench.measure.ranking import Sample
from bench.measure.trial import Failure, Task, Trial, TrialSeconds
from bench.session.folder import LoopCounts, MissingEntry, MissingTracker, SessionFolder, load_list
from bench.session.stopping import Rules
from bench.util.console import Show
from builder.errors import StoreError
from tests.bench.made_up import record

RULES = Rules(blocks=5, margin=0.01, seed=1, watched=("fast",), budget=60.0)
LOOPS = ScriptLoops(
    benchmark="nbody",
    kind="cpython-3.13",
    tasks=(Task(index=0, name="nbody", loops=4, warmups=1, values=2, seconds=0.1),),
    failure=Failure(reason="late", output="x"),
)


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    made = SessionFolder(tmp_path / "raw")
    made.begin(RULES)
    return made


def keep(folder: SessionFolder, task: str, number: int, *, counts: bool = True) -> None:
    trials = [
        Trial(
            arm=arm, replica=0, position=place, result={"benchmarks": [arm]}, spent=TrialSeconds()
        )
        for place, arm in enumerate(("base", "fast"))
    ]
    folder.keep(record(task, number, seconds=3.0), trials, seed=9, counts=counts)


def test_a_folder_in_which_nothing_was_begun_is_empty(tmp_path: Path) -> None:
    empty = SessionFolder(tmp_path / "none")
    assert empty.rules() is None
    assert not empty.is_complete()
    assert empty.calibration() == LoopCounts(protocols={})
    assert empty.missing_tasks() == {}
    assert empty.missing_arms() == {}
    assert empty.block(0, "nbody") is None
    assert empty.read().blocks == ()


def test_what_is_written_is_read(folder: SessionFolder) -> None:
    assert folder.rules() == RULES
    loaded = LoopCounts(seconds=2.5, benchmarks=(LOOPS,), protocols={"nbody": "corun"})
    folder.keep_calibration(loaded)
    assert folder.calibration() == loaded
    folder.keep_protocol("nbody", "lockstep")
    assert folder.calibration().protocols == {"nbody": "lockstep"}
    folder.keep_missing_tasks({"go": MissingEntry(reason="crashes", seconds=1.0)})
    assert folder.missing_tasks() == {"go": MissingEntry(reason="crashes", seconds=1.0)}
    folder.keep_missing_arms({"go": {"pypy": MissingEntry(reason="hangs")}})
    assert folder.missing_arms() == {"go": {"pypy": MissingEntry(reason="hangs")}}


def test_a_block_lies_where_it_belongs_with_one_file_for_each_arm(folder: SessionFolder) -> None:
    keep(folder, "nbody", 7)
    keep(folder, "nbody", 8, counts=False)
    assert folder.block(7, "nbody") == record("nbody", 7, seconds=3.0)
    assert folder.block(8, "nbody") is None
    assert folder.disturbed(8, "nbody") == record("nbody", 8, seconds=3.0)
    names = {path.name for path in (folder.path / "blocks" / "0007-nbody").iterdir()}
    assert names == {"block.json", "base.json", "fast.json"}
    assert not list(folder.path.rglob(".half-*"))


def test_a_sum_of_all_that_was_spent_and_a_record_without_what_is_missing(
    folder: SessionFolder,
) -> None:
    for task in ("go", "nbody"):
        keep(folder, task, 0)
    keep(folder, "nbody", 1, counts=False)
    folder.keep_calibration(LoopCounts(seconds=10.0, protocols={}))
    folder.keep_missing_tasks({"go": MissingEntry(reason="crashes", seconds=100.0)})
    arms = {"nbody": {"fast": MissingEntry(reason="hangs", seconds=1000.0)}}
    folder.keep_missing_arms({**arms, "go": {"fast": MissingEntry(reason="said already")}})
    loaded = folder.read()
    assert [block.task for block in loaded.blocks] == ["nbody"]
    assert set(loaded.blocks[0].means) == {"base"}
    assert loaded.missing == (
        Missing(benchmark="go", reason="crashes"),
        Missing(benchmark="nbody", reason="hangs", arm="fast"),
    )
    assert loaded.seconds == 10.0 + 100.0 + 1000.0 + 3 * 3.0
    assert loaded.busy_seconds == 3 * 3.0
    assert loaded.disturbance["measured_again"] == 1


def test_to_begin_again_removes_halves_and_keeps_the_rest(folder: SessionFolder) -> None:
    keep(folder, "nbody", 0)
    (folder.path / "blocks" / ".half-x").mkdir()
    (folder.path / "blocks" / ".half-x" / "block.json").write_text("{")
    assert len(folder.read().blocks) == 1
    folder.begin(RULES)
    assert [path.name for path in (folder.path / "blocks").iterdir()] == ["0000-nbody"]


def test_the_rules_of_a_complete_session_stay(folder: SessionFolder) -> None:
    folder.conclude()
    assert folder.read().complete
    folder.begin(Rules(**{**asdict(RULES), "blocks": 99}))
    assert folder.rules() == RULES


def test_a_session_is_forgotten(folder: SessionFolder) -> None:
    folder.conclude()
    folder.remove()
    assert not folder.path.exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"seconds": "x"}', "[" * 100_000])
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("calibration.json", SessionFolder.calibration),
        ("rules.json", SessionFolder.rules),
        ("blocks/0000-nbody/block.json", lambda folder: folder.block(0, "nbody")),
    ],
)
def test_a_damaged_file_is_named(
    name: str, read: Callable[[SessionFolder], object], content: str, folder: SessionFolder
) -> None:
    path = folder.path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    with pytest.raises(StoreError, match="is damaged") as caught:
        read(folder)
    assert caught.value.where.startswith(str(path))


def test_a_loss_is_said_and_kept_once(folder: SessionFolder) -> None:
    stream = io.StringIO()
    missing = MissingTracker(folder, Show(stream=stream).say)
    for reason in ("crashes", "crashes again"):
        missing.add_task("go", reason, 2.0)
        missing.add_arm("nbody", "pypy", reason, 3.0)
    assert stream.getvalue().splitlines() == [
        "go is missing: crashes",
        "nbody is missing for pypy: crashes",
    ]
    again = MissingTracker(folder, print)
    assert again.of("go") == MissingEntry(reason="crashes", seconds=2.0)
    assert again.of("nbody") is None
    assert again.arms("nbody") == ("pypy",)
    assert again.arm_seconds() == 3.0


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[" * 100_000, b"{}", b"[1]", b'[{"protocol": "corun"}]']
)
def test_kept_samples_that_are_damaged_are_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged") as caught:
        load_list(Sample, path)
    assert caught.value.where.startswith(f"{path}: ")
    assert caught.value.hint


def test_kept_samples_are_read(tmp_path: Path) -> None:
    sample = Sample(
        protocol="corun", task="a", known=False, number=0, base=1.0, other=1.1, seconds=2.0
    )
    (tmp_path / "x.json").write_text(json.dumps([asdict(sample)]))
    assert load_list(Sample, tmp_path / "x.json") == (sample,)
