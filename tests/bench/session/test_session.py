from __future__ import annotations

import collections
import contextlib
import errno
import functools
import io
import itertools
import json
import os
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bench.benchmarks.suites import Benchmark
from bench.compare.comparison import Comparisons
from bench.host.facts import HostState
from bench.measure import loops
from bench.measure.loops import ScriptLoops
from bench.measure.protocols import PROTOCOLS, Protocol
from bench.measure.trial import BlockPlan, Effort, Failure, RunnableArm, Task, Trial, TrialSeconds
from bench.measure.worker import Rig
from bench.session import engine
from bench.session.preparation import BenchmarkLineup
from bench.session.record import SessionRecord
from bench.session.session import Session, SessionTerms, read_folder
from bench.session.verdicts import conclude
from bench.util.console import Show
from bench.util.text import slug
from builder.errors import StoreError
from builder.process import SystemRunner
from tests.bench import surroundings

SECONDS = 10.0
NAMES = ("alpha", "beta", "gamma")
TERMS = SessionTerms(
    protocol=lambda task: "pretend",
    blocks=4,
    budget=None,
    seed=42,
    effort=Effort(process=1.0),
    margin=0.01,
    stop_when_decided=False,
    watched=("fast-add",),
)
QUIET = HostState(
    seconds=10.0,
    load=0.1,
    busy=1.0,
    steal=0.0,
    memory_available=2**30,
    memory_pressure=0.0,
    foreign_here=0.0,
)


@dataclass
class Pretend(Protocol):
    """A protocol and a calibration without processes: every block takes 10 s of its own clock.

    `failing` says which blocks fail and how: a function of the block and of how often it was tried.
    `stops_after` blocks it is interrupted.
    """

    name = "pretend"
    measured: list[BlockPlan] = field(default_factory=list)
    calibrated: list[str] = field(default_factory=list)
    failing: Callable[[BlockPlan, int], Failure | None] = lambda _block, _tried: None
    failed: dict[str, Failure] = field(default_factory=dict)
    tasks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    stops_after: float = float("inf")
    now: float = 0.0
    spreads: dict[str, float] = field(default_factory=dict)
    disturbed: Callable[[BlockPlan], bool] = lambda _block: False

    def read_clock(self) -> float:
        return self.now

    def measure(self, block: BlockPlan, rig: Rig) -> tuple[Trial, ...]:
        if len(self.measured) >= self.stops_after:
            raise KeyboardInterrupt
        tried = sum(
            (other.number, other.task.name) == (block.number, block.task.name)
            for other in self.measured
        )
        self.measured.append(block)
        self.now += SECONDS
        order = block.order(block.chance())
        failure = self.failing(block, tried)
        return tuple(
            Trial(
                arm=arm.name,
                replica=arm.replica,
                position=order.index(number),
                result=None if failure else self._result(block, number),
                failure=failure,
                spent=TrialSeconds(start=1.0, values=2.0, end=0.5),
            )
            for number, arm in enumerate(block.arms)
        )

    def sample(self) -> HostState:
        """A quiet host, but while the last block was measured where it is to be disturbed."""
        if not self.measured:
            return QUIET
        return replace(QUIET, foreign_here=0.3 if self.disturbed(self.measured[-1]) else 0.0)

    def _result(self, block: BlockPlan, arm: int) -> dict[str, Any]:
        chance = random.Random(f"{block.seed} {arm}")
        off = 1 + chance.uniform(-1, 1) * self.spreads.get(block.task.name, 0.0)
        return _result(block, arm, off)

    def calibrate(
        self, benchmark: Benchmark, arm: RunnableArm, rig: Rig, effort: Effort, *, hash_seed: int
    ) -> ScriptLoops:
        assert arm.name == "base"
        self.calibrated.append(benchmark.name)
        self.now += 1.0
        tasks = [
            Task(index=index, name=name, loops=3, warmups=1, values=2, seconds=0.1)
            for index, name in enumerate(self.tasks.get(benchmark.name, (benchmark.name,)))
        ]
        return ScriptLoops(
            benchmark=benchmark.name,
            kind=arm.kind,
            tasks=tuple(tasks),
            failure=self.failed.get(benchmark.name),
        )

    def sequence(self) -> list[tuple[int, str, int]]:
        """Number, task and seed of every block, as they were measured."""
        return [(block.number, block.task.name, block.seed) for block in self.measured]


def _result(block: BlockPlan, arm: int, off: float = 1.0) -> dict[str, Any]:
    chance = random.Random(f"{block.seed} {arm}")
    values = [off * (1.0 + arm / 20 + chance.random() / 100) for _ in range(block.task.values)]
    return {"benchmarks": [{"runs": [{"values": values}]}]}


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    protocol = Pretend()
    _use(protocol, monkeypatch)
    return protocol


def _use(protocol: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROTOCOLS, "pretend", protocol)
    monkeypatch.setattr(loops, "calibrate", protocol.calibrate)


def _session(
    folder: Path,
    pretend: Pretend,
    terms: SessionTerms = TERMS,
    names: Sequence[str] = NAMES,
    *,
    replicas: int = 1,
    stream: io.StringIO | None = None,
) -> Session:
    lineups = tuple(
        tuple(
            RunnableArm(
                name=name,
                kind="cpython-3.13",
                python=Path(name),
                pythonpath=(),
                scripts=Path(),
                replica=replica,
            )
            for name in ("base", "fast-add")
        )
        for replica in range(replicas)
    )
    subjects = [
        BenchmarkLineup(
            benchmark=Benchmark(name=name, source=Path(), folder=name, script=f"{name}/x.py"),
            lineups=lineups,
        )
        for name in names
    ]
    return Session(
        subjects=subjects,
        terms=terms,
        rig=Rig(runner=SystemRunner(), scratch=folder / "scratch"),
        folder=folder / "raw",
        show=Show(quiet=stream is None, stream=stream),
        clock=pretend.read_clock,
        sample=pretend.sample,
    )


def _files(folder: Path) -> dict[str, bytes]:
    """All that is kept."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


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
    assert [of_round[0].number for of_round in rounds] == list(range(12))
    orders = [tuple(block.task.name for block in of_round) for of_round in rounds]
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

    def interrupted(benchmark: Benchmark, *rest: Any, **more: Any) -> ScriptLoops:
        if benchmark.name == "beta" and "beta" not in pretend.calibrated:
            pretend.calibrated.append("beta")
            raise KeyboardInterrupt
        return calibrate(benchmark, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loops, "calibrate", interrupted)
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

    assert sorted(block.task for block in done.blocks) == sorted(NAMES * 2)


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


# -- until it is decided -------------------------------------------------------------------------

SEQUENTIAL = replace(TERMS, blocks=14, stop_when_decided=True)
NOISY = {"gamma": 0.05}


def _counts(measured: SessionRecord) -> dict[str, int]:
    return dict(collections.Counter(block.task for block in measured.blocks))


def test_a_benchmark_that_is_decided_is_left(tmp_path: Path, pretend: Pretend) -> None:
    pretend.spreads = NOISY
    done = _session(tmp_path, pretend, SEQUENTIAL).run()

    assert _counts(done) == {"alpha": 5, "beta": 5, "gamma": 10}
    gamma = (5 / 14, 7 / 14, 10 / 14)
    assert done.looks == {"alpha": (5 / 14,), "beta": (5 / 14,), "gamma": gamma}
    assert done.suite_looks == (5 / 14,)
    verdicts = {row.benchmark: row.verdict for row in _concluded(done).comparisons}
    assert verdicts == {"alpha": "slower", "beta": "slower", "gamma": "slower"}


def _concluded(done: SessionRecord) -> Comparisons:
    return conclude(done, "fast-add", margin=0.01)


def test_who_cannot_be_decided_is_measured_to_the_end(tmp_path: Path, pretend: Pretend) -> None:
    pretend.spreads = {"gamma": 0.5}
    done = _session(tmp_path, pretend, SEQUENTIAL).run()

    assert _counts(done)["gamma"] == 14
    # The plan's last look spends what is left, also where the benchmark is not decided.
    assert done.looks["gamma"] == (5 / 14, 7 / 14, 10 / 14, 1.0)
    assert _concluded(done).comparisons[2].verdict == "undecided"


@pytest.mark.parametrize("stop", [0, 2, 7, 14, 16, 17])
def test_a_sequential_session_that_was_stopped_goes_on_as_it_would_have(
    stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all that can happen: disturbed blocks, a failing benchmark, a budget."""

    def failing(block: BlockPlan, _tried: int) -> Failure | None:
        return Failure(reason="died") if (block.number, block.task.name) == (3, "beta") else None

    runs = []
    for stops in ((float("inf"),), (stop, float("inf"))):
        sequence = []
        for after in stops:
            pretend = Pretend(
                stops_after=after,
                spreads=NOISY,
                failing=failing,
                disturbed=lambda block: block.seed % 4 == 0,
            )
            _use(pretend, monkeypatch)
            session = _session(
                tmp_path / str(len(stops)), pretend, replace(SEQUENTIAL, budget=190.0)
            )
            with contextlib.suppress(KeyboardInterrupt):
                done = session.run()
            sequence += pretend.sequence()
        runs.append((sequence, done, _files(tmp_path / str(len(stops)))))

    assert runs[0] == runs[1]
    assert runs[0][1].disturbance["measured_again"] > 0
    assert 17 < len(runs[0][0]) < 3 * 14


def test_what_is_on_disk_tells_all_that_a_verdict_needs(tmp_path: Path, pretend: Pretend) -> None:
    pretend.spreads = NOISY
    done = _session(tmp_path, pretend, SEQUENTIAL).run()

    assert read_folder(tmp_path / "raw") == done


def test_lines_tell_what_is_decided_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reported = []
    for stop in (18, float("inf")):
        pretend, stream = Pretend(stops_after=stop, spreads=NOISY), io.StringIO()
        _use(pretend, monkeypatch)
        with contextlib.suppress(KeyboardInterrupt):
            _session(tmp_path, pretend, SEQUENTIAL, stream=stream).run()
        reported.append([line for line in stream.getvalue().splitlines() if "decided" in line])

    lines = [[line.partition(", about")[0] for line in lines] for lines in reported]
    assert lines[0] == ["measuring: 2 of 3 decided; undecided: gamma"] * 2
    assert lines[1] == ["measuring: 3 of 3 decided"]


# -- builds and protocols ------------------------------------------------------------------------


def test_blocks_rotate_over_the_replicas(tmp_path: Path, pretend: Pretend) -> None:
    done = _session(tmp_path, pretend, replace(TERMS, blocks=6), replicas=3).run()

    assert {block.number: block.replica for block in done.blocks} == {n: n % 3 for n in range(6)}
    assert all(
        {arm.replica for arm in block.arms} == {block.number % 3} for block in pretend.measured
    )


def _named(names: Mapping[str, str], task: Task) -> str:
    return names[task.name]


def test_a_task_keeps_the_protocol_that_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = {"alpha": "pretend", "beta": "also", "gamma": "pretend"}
    for stop, names in ((5, chosen), (float("inf"), dict.fromkeys(chosen, "another"))):
        pretend = Pretend(stops_after=stop)
        _use(pretend, monkeypatch)
        monkeypatch.setitem(PROTOCOLS, "also", pretend)
        terms = replace(TERMS, protocol=functools.partial(_named, names))
        with contextlib.suppress(KeyboardInterrupt):
            done = _session(tmp_path, pretend, terms).run()

    assert {block.task: block.protocol for block in done.blocks} == chosen


def test_a_task_that_its_protocol_cannot_measure_falls_back_and_stays_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unfit(block: BlockPlan, _tried: int) -> Failure | None:
        return Failure(reason="reads another clock") if block.task.name == "beta" else None

    first, second = Pretend(failing=unfit), Pretend()
    monkeypatch.setitem(PROTOCOLS, "also", second)
    _use(first, monkeypatch)
    stopped = Pretend(failing=unfit, stops_after=4)
    _use(stopped, monkeypatch)
    terms = replace(TERMS, fallback="also")
    with pytest.raises(KeyboardInterrupt):
        _session(tmp_path, stopped, terms).run()
    _use(first, monkeypatch)
    done = _session(tmp_path, first, terms).run()

    assert done.missing == ()
    used = {(block.task, block.protocol) for block in done.blocks}
    assert used == {("alpha", "pretend"), ("beta", "also"), ("gamma", "pretend")}
    assert "beta" not in {block.task.name for block in first.measured}


def test_a_task_that_fails_later_or_everywhere_is_missing(
    tmp_path: Path, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(block: BlockPlan, _tried: int) -> Failure | None:
        wrong = (block.task.name, block.number) in {("beta", 1), ("gamma", 0)}
        return Failure(reason="died") if wrong else None

    pretend.failing = failing
    monkeypatch.setitem(PROTOCOLS, "also", pretend)
    done = _session(tmp_path, pretend, replace(TERMS, fallback="also")).run()
    assert {entry.benchmark for entry in done.missing} == {"beta", "gamma"}


# -- the host ------------------------------------------------------------------------------------


def _drawn(folder: Path, pretend: Pretend) -> list[BlockPlan]:
    """The blocks of a session that nothing disturbs."""
    _session(folder, pretend).run()
    blocks, pretend.measured = pretend.measured, []
    pretend.now = 0.0
    return blocks


def test_a_disturbed_block_is_kept_apart_and_measured_again(
    tmp_path: Path, pretend: Pretend
) -> None:
    beta = [block for block in _drawn(tmp_path / "before", pretend) if block.task.name == "beta"]
    pretend.disturbed = lambda block: block.seed == beta[1].seed
    done = _session(tmp_path, pretend).run()

    again = [block for block in pretend.measured if (block.number, block.task.name) == (1, "beta")]
    assert len(again) == 2
    assert again[0].seed != again[1].seed
    # In the same round, when the others have had their turn.
    assert [block.number for block in pretend.measured[3:7]] == [1] * 4
    assert pretend.measured[6] is again[1]
    apart = json.loads((tmp_path / "raw" / "disturbed" / "0001-beta" / "block.json").read_text())
    assert apart["disturbed"] == "others worked on the measured CPU"
    assert [block.disturbed for block in done.blocks] == [""] * 12
    reported = {key: done.disturbance[key] for key in ("disturbed", "measured_again", "kept")}
    assert reported == {"disturbed": 1, "measured_again": 1, "kept": 0}
    assert done.seconds == 3 * 1.0 + 13 * SECONDS


def test_at_most_a_fifth_is_measured_again_and_the_rest_kept_and_told(
    tmp_path: Path, pretend: Pretend
) -> None:
    pretend.disturbed = lambda _block: True
    done = _session(tmp_path, pretend).run()

    assert len(pretend.measured) == 12 + 2
    assert len(done.blocks) == 12
    assert all(block.disturbed for block in done.blocks)
    assert (done.disturbance["measured_again"], done.disturbance["kept"]) == (2, 12)


def test_a_disturbed_block_is_measured_again_though_the_budget_has_ended(
    tmp_path: Path, pretend: Pretend
) -> None:
    last = _drawn(tmp_path / "before", pretend)[7]
    pretend.disturbed = lambda block: block.seed == last.seed
    done = _session(tmp_path, pretend, replace(TERMS, budget=80.0)).run()

    assert len(pretend.measured) == 9
    numbers = {(block.task, block.number) for block in done.blocks}
    assert len(numbers) == 8
    assert all((task, number - 1) in numbers for task, number in numbers if number)


def test_a_busy_host_is_told_before_the_first_block(tmp_path: Path, pretend: Pretend) -> None:
    stream = io.StringIO()
    session = _session(tmp_path, pretend, stream=stream)
    session._sample = lambda: replace(QUIET, foreign=os.cpu_count())
    session.run()

    assert "This host is busy" in stream.getvalue()


# -- what cannot be measured ---------------------------------------------------------------------


def test_a_block_that_fails_once_is_tried_again_with_another_seed(
    tmp_path: Path, pretend: Pretend
) -> None:
    def flaky(block: BlockPlan, tried: int) -> Failure | None:
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
    def crashing(block: BlockPlan, _tried: int) -> Failure | None:
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
    assert {block.task for block in done.blocks} == {"alpha", "gamma"}
    assert len(done.blocks) == 8
    assert all(block.number < 3 for block in pretend.measured if block.task.name == "beta")
    # What was measured of it before is still there for whoever wants to look.
    assert (tmp_path / "raw" / "blocks" / "0001-beta" / "block.json").exists()


def test_what_is_missing_stays_missing_in_the_next_sitting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(block: BlockPlan, _tried: int) -> Failure | None:
        return Failure(reason="died") if block.task.name == "beta" else None

    first, second = Pretend(failing=failing, stops_after=6), Pretend()
    _use(first, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        _session(tmp_path, first).run()
    _use(second, monkeypatch)
    done = _session(tmp_path, second).run()

    assert [entry.benchmark for entry in done.missing] == ["beta"]
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

    assert {entry.benchmark: entry.reason for entry in done.missing} == {
        "alpha": "base exited with status 1 before its first value (boom)",
        "beta": "base was stopped (time-out)",
    }
    assert {block.task for block in done.blocks} == {"beta_one", "beta_two", "gamma"}


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

    assert sorted(block.task for block in done.blocks) == ["own"] * 4 + ["shared"] * 4
    assert {block.benchmark for block in done.blocks if block.task == "shared"} == {"alpha"}


def test_names_of_any_kind_get_folders_of_their_own(tmp_path: Path, pretend: Pretend) -> None:
    names = ("a/b", "a_b", "../../x", ".half-x", "a b", "é" * 200, "é" * 201)
    pretend.tasks = {"alpha": names}
    done = _session(tmp_path, pretend, names=("alpha",)).run()

    assert {block.task for block in done.blocks} == set(names)
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
    "name",
    ["calibration.json", "missing.json", "rules.json", "blocks/0001-beta/block.json"],
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


def _measured(tmp_path: Path, what: str, after: int, protocol: str) -> SessionRecord:
    """A session over the tests' own suite, in which the candidate does `what` after some values."""
    arms = (
        surroundings.arm(tmp_path, "base"),
        surroundings.arm(tmp_path, "odd", what, after),
    )
    return Session(
        subjects=[
            BenchmarkLineup(benchmark=surroundings.benchmark(name), lineups=(arms,))
            for name in ("tiny", "patient")
        ],
        terms=replace(TERMS, blocks=2, protocol=lambda _task: protocol, effort=surroundings.HASTE),
        rig=surroundings.rig(tmp_path, timeout=5.0),
        folder=tmp_path / "raw",
        show=Show(quiet=True),
    ).run()


@pytest.mark.parametrize(
    ("protocol", "what", "reason"),
    [
        ("lockstep", "crash", r"odd was killed by SIGSEGV while timing value \d of its process$"),
        ("sequential", "exit", r"odd exited with status 4 while .*process \(patient: giving up\)$"),
        ("lockstep", "hang", r"odd was stopped: no response for 5 s \(time-out\) while timing"),
    ],
)
def test_a_candidate_that_fails_in_a_benchmark_loses_that_benchmark_only(
    protocol: str, what: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_TRIES", 1)
    done = _measured(tmp_path, what, 2, protocol)

    (missing,) = done.missing
    assert missing.benchmark == "patient"
    assert re.match(reason, missing.reason)
    assert [(block.number, block.task) for block in done.blocks] == [(0, "tiny"), (1, "tiny")]
    for block in done.blocks:
        assert block.means["base"] > 0
        assert block.means["odd"] > 0
    assert done.busy_seconds > 0
