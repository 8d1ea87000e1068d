"""Commands, shapes and metadata: nothing here starts a process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.benchmarks.suites import Benchmark
from bench.measure import trial
from bench.measure.trial import (
    BlockPlan,
    Effort,
    RunnableArm,
    Task,
    Trial,
    Worker,
    calibrating_options,
    published_result,
    timing_options,
    with_effort,
    worker_command,
)

BENCHMARK = Benchmark(
    name="pickle_list",
    source=Path("/suite/bm_pickle"),
    folder="1/bm_pickle",
    script="1/bm_pickle/run_benchmark.py",
    options=("pickle_list",),
)
TASK = Task(index=1, name="pickle_list", loops=8, warmups=2, values=9, seconds=0.02)


def _arm(name: str, key: str = "0123") -> RunnableArm:
    env = Path("/home/envs") / key
    return RunnableArm(
        name=name,
        kind="cpython-3.13",
        python=env / "bin/python",
        pythonpath=(env / "layers/abc", env / "base"),
        scripts=env / "suite",
    )


def _block(seed: int = 5, arms: int = 2) -> BlockPlan:
    return BlockPlan(
        number=4,
        benchmark=BENCHMARK,
        task=TASK,
        arms=tuple(_arm(f"arm{number}", f"{number:04d}") for number in range(arms)),
        seed=seed,
    )


def test_the_command_of_a_worker_can_be_typed() -> None:
    command = worker_command(
        BENCHMARK,
        _arm("base"),
        timing_options(TASK, _arm("base")),
        Worker(scratch=Path("/s"), core=1, hash_seed=77),
    )
    gate = command.argv[4]
    assert command.argv == (
        "taskset",
        "--cpu-list",
        "1",
        "/home/envs/0123/bin/python",
        gate,
        "/home/envs/0123/suite/1/bm_pickle/run_benchmark.py",
        "pickle_list",
        "--worker",
        "--worker-task=1",
        "--loops=8",
        "--warmups=2",
        "--values=9",
        "--output=/s/result.json",
    )
    assert gate.endswith("bench/inside/gate.py")
    assert command.env["PYTHONPATH"] == "/home/envs/0123/layers/abc:/home/envs/0123/base"
    assert command.env["PYTHONHASHSEED"] == "77"
    assert command.env["HOME"] == command.env["TMPDIR"] == "/s"
    assert command.keep_fds == ()
    assert "PATCHBENCH_GATE" not in command.env


def test_the_gates_descriptors_do_not_change_the_size_of_the_environment() -> None:
    def size(gate: tuple[int, int]) -> int:
        worker = Worker(scratch=Path("/s"), gate=gate)
        command = worker_command(BENCHMARK, _arm("base"), (), worker)
        assert command.keep_fds == gate
        return sum(len(name) + len(value) for name, value in command.env.items())

    assert size((3, 4)) == size((9, 10)) == size((1234, 99))


def test_a_blocks_chances_come_from_its_seed() -> None:
    def order(seed: int) -> tuple[int, ...]:
        one = _block(seed=seed, arms=4)
        return tuple(one.order(one.chance()))

    assert order(1) == order(1)
    assert len({order(seed) for seed in range(20)}) > 5
    assert _block(seed=1).hash_seed == _block(seed=1).hash_seed
    assert len({_block(seed=seed).hash_seed for seed in range(20)}) == 20


def test_each_arm_is_first_in_half_of_the_blocks() -> None:
    first = [_block(seed=seed).order(_block(seed=seed).chance())[0] for seed in range(2000)]
    assert 900 < sum(first) < 1100


@pytest.mark.parametrize(
    ("seconds", "warmups", "values"),
    [(0.01, 10, 100), (0.1, 1, 10), (0.6, 1, 2), (30.0, 1, 2), (1e-9, 500, 500), (0.0, 500, 500)],
)
def test_the_shape_of_a_process(seconds: float, warmups: int, values: int) -> None:
    assert Effort(process=1.0, warmup=0.1).shape(seconds) == (warmups, values)


@given(
    st.floats(min_value=0, max_value=1e6),
    st.floats(min_value=0.01, max_value=100),
    st.integers(min_value=1, max_value=10),
)
def test_shapes_stay_in_their_bounds(seconds: float, process: float, least: int) -> None:
    warmups, values = Effort(process=process, min_values=least, max_values=50).shape(seconds)
    assert 1 <= warmups <= 50
    assert least <= values <= 50


def test_a_task_is_shaped_again_for_another_effort() -> None:
    shaped = with_effort(TASK, Effort(process=2.0, warmup=0.2))
    assert shaped == replace(TASK, warmups=10, values=100)
    assert shaped.process_seconds == pytest.approx(2.2)


@pytest.mark.parametrize(
    ("factor", "loops"), [(1.0, 50), (1.02, 51), (1.05, 52), (0.5, 25), (0.001, 1)]
)
def test_a_known_difference_is_a_matter_of_loops(factor: float, loops: int) -> None:
    one = replace(_arm("cand"), loops_factor=factor)
    what = replace(TASK, loops=50)
    assert trial.loops_of(what, one) == loops
    assert f"--loops={loops}" in timing_options(what, one)


def test_runtimes_that_compile_while_they_run_need_more_warm_ups() -> None:
    effort = Effort()
    assert effort.for_kind("cpython-2.7") == effort
    warm = effort.for_kind("pypy-3.11")
    assert warm.shape(0.01) == (300, 60)
    assert "--values=29" in calibrating_options(warm)
    assert replace(effort, warmup=9.0, calls=99).for_kind("pypy-2.7").warmup == 9.0


def test_results_are_fit_to_be_published() -> None:
    result = {
        "version": "1.0",
        "metadata": {"hostname": "secret", "python_executable": "/home/envs/0123/bin/python"},
        "benchmarks": [
            {
                "runs": [
                    {
                        "metadata": {"hostname": "secret", "command": "/home/b/x -c 1"},
                        "values": [1.0],
                    }
                ]
            }
        ],
    }
    one = _block()
    published = published_result(
        result,
        one,
        one.arms[1],
        protocol="lockstep",
        clock="wall",
        position=0,
        drawn=True,
        host="abc",
        places={Path("/home"): "HOME", Path("/home/envs"): "ENVS"},
    )
    assert published["metadata"] == {"hostname": "abc", "python_executable": "ENVS/0123/bin/python"}
    assert published["benchmarks"][0]["runs"][0] == {
        "values": [1.0],
        "metadata": {
            "hostname": "abc",
            "command": "HOME/b/x -c 1",
            "patchbench_addresses": "block",
            "patchbench_block": 4,
            "patchbench_protocol": "lockstep",
            "patchbench_clock": "wall",
            "patchbench_position": 0,
            "patchbench_replica": 0,
            "patchbench_variant": "arm1",
            "patchbench_seed": 5,
        },
    }


def test_the_mean_of_a_trial_is_of_its_values_alone() -> None:
    run = {"warmups": [[1, 9.0]], "values": [1.0, 2.0, 6.0]}
    trial = Trial(arm="base", replica=0, position=0, result={"benchmarks": [{"runs": [run]}]})
    assert trial.mean() == 3.0
