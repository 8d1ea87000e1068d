from __future__ import annotations

import errno
import itertools
import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bench import session as sessions
from bench.progress import Show
from bench.protocols import PROTOCOLS, Protocol
from bench.session import Measured, Session, Subject, Terms, slug
from bench.suites import Benchmark
from bench.tasks import Calibrated
from bench.trials import Arm, Block, Effort, Failure, Spent, Task, Trial
from bench.workers import Rig
from builder.errors import StoreError
from builder.process import SystemRunner
from tests.bench import surroundings

SECONDS = 10.0
NAMES = ("alpha", "beta", "gamma")
TERMS = Terms(protocol="pretend", blocks=4, budget=None, seed=42, effort=Effort())


@dataclass
class Pretend(Protocol):
    """A protocol and a calibration without processes: every block takes 10 s of its own clock.

    `failing` says which blocks fail and how: a function of the block and of how often it was tried.
    `stops_after` blocks it is interrupted.
    """

    name = "pretend"
    measured: list[Block] = field(default_factory=list)
    calibrated: list[str] = field(default_factory=list)
    failing: Callable[[Block, int], Failure | None] = lambda _block, _tried: None
    failed: dict[str, Failure] = field(default_factory=dict)
    tasks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    stops_after: float = float("inf")
    now: float = 0.0

    def clock(self) -> float:
        return self.now

    def measure(self, block: Block, rig: Rig) -> tuple[Trial, ...]:
        if len(self.measured) >= self.stops_after:
            raise KeyboardInterrupt
        tried = sum(
            (one.number, one.task.name) == (block.number, block.task.name) for one in self.measured
        )
        self.measured.append(block)
        self.now += SECONDS
        order = block.order(block.chance())
        failure = self.failing(block, tried)
        return tuple(
            Trial(
                arm=arm.name,
                replica=0,
                position=order.index(number),
                result=None if failure else _result(block, number),
                failure=failure,
                spent=Spent(start=1.0, values=2.0, end=0.5),
            )
            for number, arm in enumerate(block.arms)
        )

    def calibrate(
        self, benchmark: Benchmark, arm: Arm, rig: Rig, effort: Effort, *, hash_seed: int
    ) -> Calibrated:
        assert arm.name == "base"
        self.calibrated.append(benchmark.name)
        self.now += 1.0
        tasks = [
            Task(index=index, name=name, loops=3, warmups=1, values=2, seconds=0.1)
            for index, name in enumerate(self.tasks.get(benchmark.name, (benchmark.name,)))
        ]
        return Calibrated(
            benchmark=benchmark.name,
            kind=arm.kind,
            tasks=tuple(tasks),
            failure=self.failed.get(benchmark.name),
        )

    def sequence(self) -> list[tuple[int, str, int]]:
        """Number, task and seed of every block, as they were measured."""
        return [(block.number, block.task.name, block.seed) for block in self.measured]


def _result(block: Block, arm: int) -> dict[str, Any]:
    chance = random.Random(f"{block.seed} {arm}")
    values = [1.0 + arm / 20 + chance.random() / 100 for _ in range(block.task.values)]
    return {"benchmarks": [{"runs": [{"values": values}]}]}


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    protocol = Pretend()
    _use(protocol, monkeypatch)
    return protocol


def _use(protocol: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROTOCOLS, "pretend", protocol)
    monkeypatch.setattr(sessions, "calibrate", protocol.calibrate)


def _session(
    folder: Path, pretend: Pretend, terms: Terms = TERMS, names: Sequence[str] = NAMES
) -> Session:
    arms = tuple(
        Arm(name=name, kind="cpython-3.13", python=Path(name), pythonpath=(), scripts=Path())
        for name in ("base", "fast-add")
    )
    subjects = [
        Subject(
            benchmark=Benchmark(name=name, source=Path(), folder=name, script=f"{name}/x.py"),
            arms=arms,
        )
        for name in names
    ]
    return Session(
        subjects=subjects,
        terms=terms,
        rig=Rig(runner=SystemRunner(), scratch=folder / "scratch"),
        folder=folder / "raw",
        show=Show(quiet=True),
        clock=pretend.clock,
    )


def _files(folder: Path) -> dict[str, bytes]:
    """All that is kept, but for what a host's state and a clock put into it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.name == "block.json":
            data = json.loads(path.read_text()) | {"state": None}
            found[str(path.relative_to(folder))] = json.dumps(data).encode()
        elif path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def test_every_block_is_on_disk_with_its_seed_and_order(tmp_path: Path, pretend: Pretend) -> None:
    done = _session(tmp_path, pretend).run()

    assert done.complete
    assert len(done.blocks) == 4 * 3
    assert done.missing == ()
    assert done.seconds == 3 * 1.0 + 12 * SECONDS
    assert done.busy_seconds == 12 * 2 * 3.5
    for block in pretend.measured:
        folder = tmp_path / "raw" / "blocks" / f"{block.number:04d}-{block.task.name}"
        record = json.loads((folder / "block.json").read_text())
        assert (record["seed"], record["protocol"]) == (block.seed, "pretend")
        assert sorted(record["positions"].values()) == [0, 1]
        assert record["values"] == {"base": 10, "fast-add": 10}
        for number, arm in enumerate(("base", "fast-add")):
            kept = json.loads((folder / f"{arm}.json").read_text())
            assert kept == _result(block, number)
            values = kept["benchmarks"][0]["runs"][0]["values"]
            assert record["means"][arm] == sum(values) / 10
    assert done.blocks == tuple(sorted(done.blocks, key=lambda one: (one.number, one.task)))


def test_tasks_are_interleaved_over_the_session(tmp_path: Path, pretend: Pretend) -> None:
    _session(tmp_path, pretend, replace(TERMS, blocks=12)).run()

    rounds = [list(group) for _, group in itertools.groupby(pretend.measured, lambda b: b.number)]
    assert [one[0].number for one in rounds] == list(range(12))
    orders = [tuple(block.task.name for block in one) for one in rounds]
    assert all(sorted(order) == sorted(NAMES) for order in orders)
    assert len(set(orders)) > 2


def test_a_seed_decides_everything_that_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []
    for name, seed in (("a", 42), ("b", 42), ("c", 43)):
        protocol = Pretend()
        _use(protocol, monkeypatch)
        _session(tmp_path / name, protocol, replace(TERMS, seed=seed)).run()
        runs.append(protocol.sequence())

    assert runs[0] == runs[1]
    assert len({seed for _, _, seed in runs[0]}) == 12
    assert {seed for _, _, seed in runs[0]}.isdisjoint(seed for _, _, seed in runs[2])


@pytest.mark.parametrize("stop", [0, 1, 5, 11])
def test_a_session_that_was_stopped_goes_on_as_it_would_have(
    stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, first, second = Pretend(), Pretend(stops_after=stop), Pretend()
    _use(whole, monkeypatch)
    undisturbed = _session(tmp_path / "whole", whole).run()
    _use(first, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        _session(tmp_path / "part", first).run()
    kept = _files(tmp_path / "part")
    _use(second, monkeypatch)
    resumed = _session(tmp_path / "part", second).run()

    assert len(list((tmp_path / "part" / "raw" / "blocks").iterdir())) == 12
    assert second.calibrated == []
    assert first.sequence() + second.sequence() == whole.sequence()
    assert _files(tmp_path / "part").items() >= kept.items()
    assert _files(tmp_path / "part") == _files(tmp_path / "whole")
    assert (resumed.seconds, resumed.complete) == (undisturbed.seconds, True)


def test_a_calibration_that_was_stopped_goes_on(tmp_path: Path, pretend: Pretend) -> None:
    calibrate = pretend.calibrate

    def interrupted(benchmark: Benchmark, *rest: Any, **more: Any) -> Calibrated:
        if benchmark.name == "beta" and "beta" not in pretend.calibrated:
            pretend.calibrated.append("beta")
            raise KeyboardInterrupt
        return calibrate(benchmark, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions, "calibrate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            _session(tmp_path, pretend).run()
    _session(tmp_path, pretend).run()

    assert pretend.calibrated == ["alpha", "beta", "beta", "gamma"]


def test_what_a_killed_run_left_half_made_is_removed(tmp_path: Path, pretend: Pretend) -> None:
    half = tmp_path / "raw" / "blocks" / ".half-abc"
    half.mkdir(parents=True)
    (half / "base.json").write_text('{"benchm')

    done = _session(tmp_path, pretend).run()

    assert not half.exists()
    assert len(done.blocks) == 12


def test_a_complete_session_measures_nothing_again(tmp_path: Path, pretend: Pretend) -> None:
    first = _session(tmp_path, pretend).run()
    before = len(pretend.measured)

    assert _session(tmp_path, pretend).run() == first
    assert len(pretend.measured) == before
    assert pretend.calibrated == list(NAMES)


# -- the budget ----------------------------------------------------------------------------------


def test_a_budget_ends_the_session(tmp_path: Path, pretend: Pretend) -> None:
    # Calibration 3 s; blocks of 10 s; after eight of them 83 s are spent.
    done = _session(tmp_path, pretend, replace(TERMS, budget=80.0)).run()

    assert done.complete
    assert len(done.blocks) == 8


def test_two_blocks_of_each_task_are_measured_whatever_the_budget(
    tmp_path: Path, pretend: Pretend
) -> None:
    done = _session(tmp_path, pretend, replace(TERMS, budget=1.0)).run()

    assert sorted(one.task for one in done.blocks) == sorted(NAMES * 2)


def test_the_budget_is_that_of_all_sittings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = replace(TERMS, budget=80.0)
    for stop in (3, 3, float("inf")):
        pretend = Pretend(stops_after=stop)
        _use(pretend, monkeypatch)
        if stop == 3:
            with pytest.raises(KeyboardInterrupt):
                _session(tmp_path, pretend, terms).run()
    done = _session(tmp_path, pretend, terms).run()

    assert len(done.blocks) == 8
    assert len(pretend.measured) == 2


# -- what cannot be measured ---------------------------------------------------------------------


def test_a_block_that_fails_once_is_tried_again_with_another_seed(
    tmp_path: Path, pretend: Pretend
) -> None:
    def flaky(block: Block, tried: int) -> Failure | None:
        return Failure(reason="died") if (block.number, tried) == (1, 0) else None

    pretend.failing = flaky
    done = _session(tmp_path, pretend).run()

    assert done.missing == ()
    assert len(done.blocks) == 12
    tried = [block.seed for block in pretend.measured if block.number == 1]
    assert len(tried) == len(set(tried)) == 6


def test_a_benchmark_that_fails_twice_is_missing_and_the_rest_goes_on(
    tmp_path: Path, pretend: Pretend
) -> None:
    def crashing(block: Block, _tried: int) -> Failure | None:
        if (block.task.name, block.number) != ("beta", 2):
            return None
        return Failure(reason="fast-add was killed by SIGSEGV", output="one\nthe last line\n")

    pretend.failing = crashing
    done = _session(tmp_path, pretend).run()

    (missing,) = done.missing
    assert (missing.benchmark, missing.reason) == (
        "beta",
        "fast-add was killed by SIGSEGV (the last line)",
    )
    assert {one.task for one in done.blocks} == {"alpha", "gamma"}
    assert len(done.blocks) == 8
    assert all(block.number < 3 for block in pretend.measured if block.task.name == "beta")
    # What was measured of it before is still there for whoever wants to look.
    assert (tmp_path / "raw" / "blocks" / "0001-beta" / "block.json").exists()


def test_what_is_missing_stays_missing_in_the_next_sitting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(block: Block, _tried: int) -> Failure | None:
        return Failure(reason="died") if block.task.name == "beta" else None

    first, second = Pretend(failing=failing, stops_after=6), Pretend()
    _use(first, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        _session(tmp_path, first).run()
    _use(second, monkeypatch)
    done = _session(tmp_path, second).run()

    assert [one.benchmark for one in done.missing] == ["beta"]
    assert "beta" not in [block.task.name for block in second.measured]


def test_a_script_that_fails_in_calibration_is_missing_but_for_what_it_did_before(
    tmp_path: Path, pretend: Pretend
) -> None:
    pretend.tasks = {"alpha": (), "beta": ("beta_one", "beta_two")}
    pretend.failed = {
        "alpha": Failure(reason="base exited with status 1 before its first value", output="boom"),
        "beta": Failure(reason="base was stopped (time-out)"),
    }
    done = _session(tmp_path, pretend).run()

    assert {one.benchmark: one.reason for one in done.missing} == {
        "alpha": "base exited with status 1 before its first value (boom)",
        "beta": "base was stopped (time-out)",
    }
    assert {one.task for one in done.blocks} == {"beta_one", "beta_two", "gamma"}


def test_when_nothing_was_measured_the_next_run_tries_all_again(
    tmp_path: Path, pretend: Pretend
) -> None:
    pretend.failing = lambda _block, _tried: Failure(reason="died")
    done = _session(tmp_path, pretend).run()

    assert (len(done.missing), done.blocks) == (3, ())
    assert not (tmp_path / "raw").exists()
    pretend.failing = lambda _block, _tried: None
    assert len(_session(tmp_path, pretend).run().blocks) == 12


def test_two_scripts_that_make_benchmarks_of_one_name_are_one(
    tmp_path: Path, pretend: Pretend
) -> None:
    pretend.tasks = {"alpha": ("shared",), "beta": ("shared", "own")}
    done = _session(tmp_path, pretend, names=("alpha", "beta")).run()

    assert sorted(one.task for one in done.blocks) == ["own"] * 4 + ["shared"] * 4
    assert {one.benchmark for one in done.blocks if one.task == "shared"} == {"alpha"}


def test_names_of_any_kind_get_folders_of_their_own(tmp_path: Path, pretend: Pretend) -> None:
    names = ("a/b", "a_b", "../../x", ".half-x", "a b", "é" * 200, "é" * 201)
    pretend.tasks = {"alpha": names}
    done = _session(tmp_path, pretend, names=("alpha",)).run()

    assert {one.task for one in done.blocks} == set(names)
    assert len(done.blocks) == 4 * len(names)
    assert len({slug(name) for name in names}) == len(names)
    assert {path.parent for path in tmp_path.rglob("block.json")} == set(
        (tmp_path / "raw" / "blocks").iterdir()
    )


# -- the disk ------------------------------------------------------------------------------------


def test_a_full_disk_loses_nothing_and_the_next_run_goes_on(
    tmp_path: Path, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_text

    def full(path: Path, *rest: Any, **more: Any) -> int:
        if len(pretend.measured) > 4:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(StoreError, match="No space left on device"):
            _session(tmp_path, pretend).run()
    kept = _files(tmp_path)

    assert len(_session(tmp_path, pretend).run().blocks) == 12
    assert _files(tmp_path).items() >= {k: v for k, v in kept.items() if "half" not in k}.items()
    assert not list((tmp_path / "raw" / "blocks").glob(".*"))


@pytest.mark.parametrize("content", ['{"seconds": ', "[]", "7"])
@pytest.mark.parametrize(
    "name", ["calibration.json", "missing.json", "blocks/0001-beta/block.json"]
)
def test_a_damaged_file_is_named(name: str, content: str, tmp_path: Path, pretend: Pretend) -> None:
    pretend.failing = lambda block, _tried: (
        Failure(reason="died") if block.task.name == "gamma" else None
    )
    _session(tmp_path, pretend).run()
    (tmp_path / "raw" / name).write_text(content)

    with pytest.raises(StoreError, match="damaged") as caught:
        _session(tmp_path, pretend).run()
    assert name in caught.value.where
    assert "Remove it" in caught.value.hint


# -- real processes ------------------------------------------------------------------------------


def _measured(tmp_path: Path, what: str, after: int, protocol: str) -> Measured:
    """A session over the tests' own suite, in which the candidate does `what` after some values."""
    arms = (
        surroundings.arm(tmp_path, "base"),
        surroundings.arm(tmp_path, "odd", what, after),
    )
    return Session(
        subjects=[
            Subject(benchmark=surroundings.benchmark(name), arms=arms)
            for name in ("tiny", "patient")
        ],
        terms=replace(TERMS, blocks=2, protocol=protocol, effort=surroundings.HASTE),
        rig=surroundings.rig(tmp_path, timeout=5.0),
        folder=tmp_path / "raw",
        show=Show(quiet=True),
    ).run()


@pytest.mark.parametrize(
    ("protocol", "what", "reason"),
    [
        ("lockstep", "crash", r"odd was killed by SIGSEGV while timing value \d of its process$"),
        ("sequential", "exit", r"odd exited with status 4 while .*process \(patient: giving up\)$"),
        ("lockstep", "hang", r"odd was stopped: nothing came for 5 s \(time-out\) while timing"),
    ],
)
def test_a_candidate_that_fails_in_a_benchmark_loses_that_benchmark_only(
    protocol: str, what: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_TRIES", 1)
    done = _measured(tmp_path, what, 2, protocol)

    (missing,) = done.missing
    assert missing.benchmark == "patient"
    assert re.match(reason, missing.reason)
    assert [(one.number, one.task) for one in done.blocks] == [(0, "tiny"), (1, "tiny")]
    for block in done.blocks:
        assert block.means["base"] > 0
        assert block.means["odd"] > 0
    assert done.busy_seconds > 0
