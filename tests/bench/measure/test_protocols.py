"""Blocks of real processes of the host's interpreter, healthy and not."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pyperf
import pytest

from bench.measure import protocols, worker
from bench.measure.trial import Task, Trial, Worker
from builder.errors import UsageError
from builder.process import Command, SystemRunner
from tests.bench.surroundings import arm, benchmark, block, rig, task
from tests.recording import RecordingRunner

ALL = pytest.mark.parametrize("protocol", list(protocols.PROTOCOLS))


@ALL
def test_each_arm_gets_pyperfs_json_with_our_keys(tmp_path: Path, protocol: str) -> None:
    arms = (arm(tmp_path, "base"), arm(tmp_path, "cand"))
    trials = protocols.measure(protocol, block(benchmark("tiny"), *arms), rig(tmp_path))
    assert [trial.arm for trial in trials] == ["base", "cand"]
    assert sorted(trial.position for trial in trials) == [0, 1]
    for trial in trials:
        assert trial.failure is None
        # Who is ahead in corun times some more.
        assert len(trial.values()) >= 4 if protocol == "corun" else len(trial.values()) == 4
        assert all(value > 0 for value in trial.values())
        saved = tmp_path / f"{trial.arm}.json"
        saved.write_text(json.dumps(trial.result))
        loaded = pyperf.Benchmark.load(str(saved))
        assert loaded.get_values() == trial.values()
        metadata = loaded.get_metadata()
        assert metadata["patchbench_block"] == 3
        assert metadata["patchbench_protocol"] == protocol
        assert metadata["patchbench_clock"] == ("cpu" if protocol == "corun" else "wall")
        assert ("CPUTIME" in metadata["timer"]) == (protocol == "corun")
        assert metadata["patchbench_variant"] == trial.arm
        assert metadata["patchbench_seed"] == 7
        assert metadata["patchbench_position"] == trial.position
        assert metadata["patchbench_replica"] == 0
        assert metadata["loops"] == 2
        assert metadata["hostname"] == "host"
        assert str(tmp_path) not in saved.read_text()


@ALL
def test_spent_time_is_accounted_for(tmp_path: Path, protocol: str) -> None:
    trials = protocols.measure(
        protocol, block(benchmark("tiny"), arm(tmp_path, "base")), rig(tmp_path)
    )
    spent = trials[0].spent
    assert spent.start > 0
    assert spent.values > 0
    assert spent.end > 0


@pytest.mark.parametrize("count", [2, 8])
def test_lockstep_alternates_in_random_order_warm_ups_too(tmp_path: Path, count: int) -> None:
    names = [f"arm{number}" for number in range(count)]
    released: list[str] = []

    def watch(live: worker.Live, timeout: float) -> float:
        released.append(live.arm.name)
        return release(live, timeout)

    release = worker.Live.release
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker.Live, "release", watch)
        protocols.measure(
            "lockstep",
            block(
                benchmark("tiny"),
                *(arm(tmp_path, name) for name in names),
                what=task(values=5, warmups=2),
            ),
            rig(tmp_path),
        )
    rounds = [released[start : start + count] for start in range(0, len(released), count)]
    assert len(rounds) == 7
    assert all(sorted(of_round) == names for of_round in rounds)
    assert len({tuple(of_round) for of_round in rounds}) > 1


@pytest.mark.parametrize(
    ("protocol", "what", "after", "said"),
    [
        ("lockstep", "crash", 0, "cand was killed by SIGSEGV while timing value 1"),
        ("lockstep", "crash", 6, "cand was killed by SIGSEGV while timing value 4"),
        ("sequential", "exit", 3, "cand exited with status 4 while timing value 2"),
        ("corun", "crash", 0, "cand was killed by SIGSEGV while timing value 1"),
        ("corun", "crash", 6, "cand was killed by SIGSEGV while timing value 4"),
        ("lockstep", "fork and crash", 3, "cand was killed by SIGKILL while timing value 2"),
    ],
)
def test_an_arm_that_dies_is_told_and_spares_the_others(
    tmp_path: Path, protocol: str, what: str, after: int, said: str
) -> None:
    arms = (arm(tmp_path, "base"), arm(tmp_path, "cand", what, after), arm(tmp_path, "third"))
    base, cand, third = protocols.measure(
        protocol, block(benchmark("patient"), *arms), rig(tmp_path, timeout=20)
    )
    assert cand.failure is not None
    assert cand.failure.reason.startswith(said)
    assert cand.values() == ()
    assert all(len(trial.values()) >= 4 for trial in (base, third))
    if what == "exit":
        assert "patient: giving up" in cand.failure.output


@pytest.mark.parametrize(("protocol", "timeout"), [("lockstep", 2.0), ("corun", 1.0)])
def test_a_hanging_arm_ends_the_block_for_all(
    tmp_path: Path, protocol: str, timeout: float
) -> None:
    # In corun the other one goes on timing values, and is heard all the while; a value may take
    # longer by as many times as there are arms.
    arms = (arm(tmp_path, "base"), arm(tmp_path, "cand", "hang", 4))
    base, cand = protocols.measure(
        protocol, block(benchmark("patient"), *arms), rig(tmp_path, timeout=timeout)
    )
    assert cand.failure is not None
    assert cand.failure.reason == (
        "cand was stopped: no response for 2 s (time-out) while timing value 3 of its process"
    )
    assert "patient: going to sleep" in cand.failure.output
    assert base.failure is not None
    assert base.failure.reason == "base was stopped because cand hung"
    assert (base.failure.own, cand.failure.own) == (False, True)


def test_a_hanging_arm_spares_the_others_one_after_the_other(tmp_path: Path) -> None:
    arms = (arm(tmp_path, "base"), arm(tmp_path, "cand", "hang"))
    base, cand = protocols.measure(
        "sequential", block(benchmark("patient"), *arms), rig(tmp_path, timeout=2)
    )
    assert base.failure is None
    assert cand.failure is not None
    assert "time-out" in cand.failure.reason


@ALL
def test_an_arm_that_never_starts(tmp_path: Path, protocol: str) -> None:
    one = block(benchmark("patient"), arm(tmp_path, "base", "never starts"))
    trials = protocols.measure(protocol, one, rig(tmp_path, timeout=1))
    assert trials[0].failure is not None
    assert trials[0].failure.reason.endswith("(time-out) before its first value")


@pytest.mark.parametrize("protocol", ["lockstep", "corun"])
@pytest.mark.parametrize(
    ("name", "index"),
    [("several", 0), ("several", 1), ("several", 2), ("command", 0), ("asynchronous", 0)],
)
def test_every_way_to_make_a_benchmark(
    tmp_path: Path, name: str, index: int, protocol: str
) -> None:
    arms = (arm(tmp_path, "base"), arm(tmp_path, "cand"))
    what = replace(task(index=index, values=3), name=name, children=name == "command")
    one = block(benchmark(name), *arms, what=what)
    for trial in protocols.measure(protocol, one, rig(tmp_path)):
        if name == "command" and protocol == "corun":
            assert trial.failure is not None
            assert trial.failure.reason.startswith("corun cannot measure command: it starts proc")
        else:
            assert trial.failure is None, trial.failure
            assert len(trial.values()) >= 3


def test_a_task_that_the_script_does_not_have(tmp_path: Path) -> None:
    one = block(benchmark("tiny"), arm(tmp_path, "base"), what=task(index=5))
    trials = protocols.measure("lockstep", one, rig(tmp_path))
    assert trials[0].failure is not None
    assert trials[0].failure.reason == "base wrote no result before its first value"


def test_arms_see_the_same_surroundings(tmp_path: Path) -> None:
    arms = (arm(tmp_path, "base"), arm(tmp_path, "cand"))
    trials = protocols.measure("lockstep", block(benchmark("facts"), *arms), rig(tmp_path))
    base, cand = (_metadata(trial) for trial in trials)
    script = benchmark("facts").script
    assert "PATCHBENCH_GATE" not in base["facts_environment"].split()
    for key in ("facts_environment", "facts_size", "facts_hash", "facts_argv0"):
        assert base[key] == cand[key], key
    assert base["facts_argv0"] == base["facts_main"] == f"ROOT/suite/{script}"
    assert base["facts_path0"] == str(Path(f"ROOT/suite/{script}").parent)
    assert base["facts_home"] != cand["facts_home"]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one core only")
def test_arms_are_pinned_to_one_core_and_the_harness_is_not_there(tmp_path: Path) -> None:
    allowed = os.sched_getaffinity(0)
    core = max(allowed)
    seen: set[int] = set()

    def watch(live: worker.Live, timeout: float) -> float:
        seen.update(os.sched_getaffinity(0))
        return release(live, timeout)

    release = worker.Live.release
    arms = (arm(tmp_path, "base"), arm(tmp_path, "cand"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker.Live, "release", watch)
        one = block(benchmark("tiny"), *arms)
        trials = protocols.measure("lockstep", one, replace(rig(tmp_path), core=core))
    assert {str(_metadata(trial)["cpu_affinity"]) for trial in trials} == {str(core)}
    assert seen == allowed - {core}
    assert os.sched_getaffinity(0) == allowed


def test_hash_seeds_differ_between_blocks(tmp_path: Path) -> None:
    def seen(seed: int) -> int:
        one = block(benchmark("facts"), arm(tmp_path, "base"), seed=seed)
        return int(_metadata(protocols.measure("sequential", one, rig(tmp_path))[0])["facts_hash"])

    assert seen(1) == seen(1)
    assert seen(1) != seen(2)


@ALL
def test_an_interruption_leaves_no_process_behind(tmp_path: Path, protocol: str) -> None:
    runner = RecordingRunner(through=SystemRunner())
    interrupted = worker.Rig(runner=runner, scratch=tmp_path / "scratch", timeout=20)
    arms = (arm(tmp_path, "base"), arm(tmp_path, "cand"))

    def interrupt(live: worker.Live, word: bytes) -> None:
        raise KeyboardInterrupt

    one = block(benchmark("tiny"), *arms)
    before = list(Path("/proc/self/fd").iterdir())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker.Live, "answer", interrupt)
        with pytest.raises(KeyboardInterrupt):
            protocols.measure(protocol, one, interrupted)
    assert runner.processes
    for process in runner.processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process.pid, 0)
    assert len(list(Path("/proc/self/fd").iterdir())) == len(before)


@pytest.mark.parametrize(
    ("protocol", "names", "said"),
    [
        ("lockstep", [], "1 to 12 arms"),
        ("lockstep", ["a", "a"], "different names"),
        ("lockstep", [f"a{number}" for number in range(13)], "1 to 12 arms"),
        ("sideways", ["a"], "no protocol 'sideways'"),
    ],
)
def test_impossible_blocks_are_refused(
    tmp_path: Path, protocol: str, names: list[str], said: str
) -> None:
    arms = [arm(tmp_path, name) for name in names]
    with pytest.raises(UsageError, match=said):
        protocols.measure(protocol, block(benchmark("tiny"), *arms), rig(tmp_path))


def test_a_worker_whose_harness_is_gone_ends(tmp_path: Path) -> None:
    one = arm(tmp_path, "base")
    options = ("--worker-task=0", "--loops=1", "--warmups=0", "--values=3")
    with worker.start(
        rig(tmp_path), benchmark("tiny"), one, options, Worker(scratch=tmp_path / "s")
    ) as live:
        assert live.wait_for_start(20) == worker.VALUE
        os.close(live._answers)
        live._answers = os.open(os.devnull, os.O_WRONLY)
        assert live.wait_for_end(20).returncode == 3


@pytest.mark.parametrize(
    "way", ["attribute", "imported", "pyperf", "pyperf imported", "nanoseconds"]
)
def test_corun_counts_cpu_time_whatever_the_benchmark_calls_its_clock(
    tmp_path: Path, way: str
) -> None:
    one = block(benchmark("clocks"), arm(tmp_path, "base", way), what=task(values=2))
    (trial,) = protocols.measure("corun", one, rig(tmp_path))
    assert trial.failure is None
    # Each loop sleeps for as long.
    assert all(0 < value < 0.002 for value in trial.values())


def test_corun_leaves_out_what_the_benchmark_does_not_time(tmp_path: Path) -> None:
    # A set-up of 200,000 additions, for 2 loops of 100 each.
    one = block(benchmark("clocks"), arm(tmp_path, "base", "prepared"))
    (trial,) = protocols.measure("corun", one, rig(tmp_path))
    tiny = block(benchmark("tiny"), arm(tmp_path, "base"))  # 2,000 additions
    (other,) = protocols.measure("corun", tiny, rig(tmp_path))
    assert min(trial.values()) < 10 * min(other.values())


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("wall", "base reads another clock than time.perf_counter or pyperf's"),
        ("monotonic", "base reads another clock than time.perf_counter or pyperf's"),
        ("muddled", "base gave 0.00"),
        ("hasty", "base reads its clock 400 times in a value of"),
    ],
)
def test_corun_refuses_what_is_not_timed_by_cpu_time(tmp_path: Path, way: str, said: str) -> None:
    one = block(benchmark("clocks"), arm(tmp_path, "base", way))
    (trial,) = protocols.measure("corun", one, rig(tmp_path))
    assert trial.failure is not None
    assert trial.failure.reason.startswith(said)
    assert trial.failure.own


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (task(), ""),
        (replace(task(), cpu_share=0.9), ""),
        (
            replace(task(), cpu_share=1.8),
            "it has 2 threads, 0% of its CPU time not in the main one, 1.8 cores",
        ),
        (replace(task(), threads=2, thread_share=0.04), ""),
        (
            replace(task(), threads=3, thread_share=0.5),
            "it has 3 threads, 50% of its CPU time not in",
        ),
        (replace(task(), cpu_share=0.89), "it waits for 11% of its time"),
        (replace(task(), children=True), "it starts processes"),
    ],
)
def test_what_corun_refuses_and_nobody_else(tmp_path: Path, what: Task, said: str) -> None:
    assert protocols.refuses("corun", what).startswith(said)
    assert bool(protocols.refuses("corun", what)) is bool(said)
    assert protocols.refuses("lockstep", what) == protocols.refuses("sequential", what) == ""
    with pytest.raises(UsageError, match="no protocol 'sideways'"):
        protocols.refuses("sideways", what)
    if said:
        one = block(benchmark("tiny"), arm(tmp_path, "base"), arm(tmp_path, "cand"), what=what)
        for trial in protocols.measure("corun", one, rig(tmp_path)):
            assert trial.failure is not None
            assert trial.failure.reason.startswith(f"corun cannot measure tiny: {said}")


def test_a_faster_arm_times_more_values_in_the_same_window(tmp_path: Path) -> None:
    fast = replace(arm(tmp_path, "base"), loops_factor=0.25)
    slow = arm(tmp_path, "cand")
    what = replace(task(values=5), loops=400)
    quick, steady = protocols.measure("corun", block(benchmark("tiny"), fast, slow, what=what),
                                      rig(tmp_path))  # fmt: skip
    assert len(steady.values()) == 5
    assert len(quick.values()) > 5
    assert (_metadata(quick)["loops"], _metadata(steady)["loops"]) == (100, 400)


def test_many_arms_share_one_core_whatever_the_rig_says(tmp_path: Path) -> None:
    arms = [arm(tmp_path, f"arm{number}") for number in range(4)]
    trials = protocols.measure("corun", block(benchmark("tiny"), *arms), rig(tmp_path))
    assert all(len(trial.values()) >= 4 for trial in trials)
    cores = {str(_metadata(trial)["cpu_affinity"]) for trial in trials}
    assert cores == {str(max(os.sched_getaffinity(0)))}
    assert {trial.position for trial in trials} == set(range(4))


def _metadata(trial: Trial) -> dict[str, str]:
    assert trial.result is not None, trial.failure
    run = trial.result["benchmarks"][0]["runs"][0]
    metadata: dict[str, str] = {**trial.result.get("metadata", {}), **run["metadata"]}
    return metadata


# -- the commands of a block ---------------------------------------------------------------------


def _commands(
    root: Path, protocol: str, arms: int, *, core: int | None, drawn: bool
) -> tuple[Command, ...]:
    some = tuple(arm(root, f"arm{number}") for number in range(arms))
    of = replace(rig(root), core=core, draws_addresses=drawn)
    return protocols.commands(protocol, block(benchmark("tiny"), *some), of)


def test_a_block_draws_one_place_in_memory_for_all_its_arms(tmp_path: Path) -> None:
    commands = _commands(tmp_path, "lockstep", 3, core=1, drawn=True)
    assert {command.argv[3:7] for command in commands} == {commands[0].argv[3:7]}
    assert "setarch" in commands[0].argv
    assert len({command.env["PATCHBENCH_PADDING"] for command in commands}) == 1
    undrawn = _commands(tmp_path, "lockstep", 3, core=1, drawn=False)
    assert not any("setarch" in command.argv for command in undrawn)


def test_the_commands_of_a_block_have_one_length(tmp_path: Path) -> None:
    commands = _commands(tmp_path, "sequential", 8, core=None, drawn=False)
    assert len({len(command.shown()) for command in commands}) == 1
    assert len({command.env["PYTHONHASHSEED"] for command in commands}) == 1
    assert commands[0].argv[0] == sys.executable


def test_corun_is_pinned_where_nobody_chose_a_core(tmp_path: Path) -> None:
    commands = _commands(tmp_path, "corun", 2, core=None, drawn=False)
    core = str(max(os.sched_getaffinity(0)))
    assert {command.argv[:3] for command in commands} == {("taskset", "--cpu-list", core)}


@ALL
def test_the_commands_are_those_that_a_block_starts(protocol: str, tmp_path: Path) -> None:
    recording = RecordingRunner(through=SystemRunner())
    two = block(benchmark("tiny"), arm(tmp_path, "base"), arm(tmp_path, "fast"))
    of = replace(rig(tmp_path), runner=recording, core=max(os.sched_getaffinity(0)))
    assert all(trial.failure is None for trial in protocols.measure(protocol, two, of))
    commands = protocols.commands(protocol, two, of)
    assert sorted(command.shown() for command in commands) == sorted(
        command.shown() for command in recording.commands
    )
    for command in commands:
        started = next(other for other in recording.commands if other.shown() == command.shown())
        assert {**started.env, "PATCHBENCH_GATE": ""} == {**command.env, "PATCHBENCH_GATE": ""}
