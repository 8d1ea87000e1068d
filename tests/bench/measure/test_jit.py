from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bench.benchmarks.environments import Environment, Interpreter
from bench.benchmarks.suites import Benchmark
from bench.measure.jit import NONE, OFF, ON, UNKNOWN, ask, configured, expected, needs_warmup, texts
from bench.measure.trial import Effort, Worker, arm_of, has_jit, worker_command
from builder.process import SystemRunner
from tests.recording import RecordingRunner, completed


@pytest.mark.parametrize(
    ("arguments", "mode"),
    [
        ("", ""),
        ("'--prefix=PREFIX' 'CC=gcc'", ""),
        ("'--enable-experimental-jit' 'CC=gcc'", "yes"),
        ("--enable-experimental-jit", "yes"),
        ("'--enable-experimental-jit=yes-off'", "yes-off"),
        ("'--enable-experimental-jit=interpreter'", "interpreter"),
        ("'--enable-experimental-jit=no'", ""),
        ("'--enable-experimental-jit' '--disable-experimental-jit'", ""),
        ("'--enable-experimental-jitter'", ""),
    ],
)
def test_the_mode_of_configure(arguments: str, mode: str) -> None:
    assert configured([arguments]) == mode


@pytest.mark.parametrize(
    ("mode", "variables", "state"),
    [
        ("", ("PYTHON_JIT=1",), NONE),
        ("yes", (), ON),
        ("yes", ("PYTHON_JIT=0",), OFF),
        ("yes", ("PYTHON_JIT=",), ON),
        ("yes-off", (), OFF),
        ("yes-off", ("PYTHON_JIT=1",), ON),
        ("interpreter", (), ON),
        ("interpreter-off", (), OFF),
        ("maybe", (), UNKNOWN),
    ],
)
def test_the_state_that_configure_and_environment_give(
    mode: str, variables: tuple[str, ...], state: str
) -> None:
    assert expected(mode, variables) == state


JIT = "'--enable-experimental-jit=yes-off'"


@pytest.mark.parametrize(
    ("answer", "variables", "state"),
    [
        (json.dumps([True, JIT]), (), ON),
        # Asked of the interpreter, which knows better than its configure arguments.
        (json.dumps([False, JIT]), ("PYTHON_JIT=1",), OFF),
        # 3.13 has no sys._jit.
        (json.dumps([None, JIT]), ("PYTHON_JIT=1",), ON),
        (json.dumps([None, JIT]), (), OFF),
        (json.dumps([None, "'CC=gcc'"]), ("PYTHON_JIT=1",), NONE),
        (json.dumps([False, ""]), (), NONE),
        (json.dumps([True, ""]), (), ON),
        ("Segmentation fault", (), UNKNOWN),
        ("", (), UNKNOWN),
    ],
)
def test_what_an_interpreter_says(answer: str, variables: tuple[str, ...], state: str) -> None:
    runner = RecordingRunner(completed(answer))
    assert ask(runner, Path("/x/python"), variables) == state
    (call,) = runner.calls
    assert set(variables) <= {f"{name}={value}" for name, value in call.command.env.items()}


def test_a_real_interpreter_answers() -> None:
    assert ask(SystemRunner(), Path(sys.executable), ()) == NONE


ENVIRONMENT = Environment(
    key="k",
    folder=Path("/envs/k"),
    interpreter=Interpreter(identity="k", python=Path("/p"), version="3.15.0"),
)
BENCHMARK = Benchmark(
    name="nbody", folder="bm_nbody", source=Path("/s"), script="bm_nbody/run_benchmark.py"
)


@pytest.mark.parametrize(
    ("state", "kind", "warmup"),
    [
        (NONE, "cpython-3.15", 0.05),
        (OFF, "cpython-3.15", 0.05),
        (ON, "cpython-3.15+jit", 3.0),
        (UNKNOWN, "cpython-3.15+jit", 3.0),
    ],
)
def test_a_jit_gets_the_warm_up_of_a_jit(state: str, kind: str, warmup: float) -> None:
    arm = arm_of(ENVIRONMENT, BENCHMARK, name="jit", jit=state)
    assert arm.kind == kind
    assert has_jit(arm.kind) is needs_warmup(state)
    assert has_jit(f"{arm.kind}+cython") is needs_warmup(state)
    assert Effort().for_kind(arm.kind).warmup == warmup


def test_the_environment_of_an_arm_reaches_its_processes_alone() -> None:
    on = arm_of(ENVIRONMENT, BENCHMARK, name="on", variables=("PYTHON_JIT=1",))
    off = arm_of(ENVIRONMENT, BENCHMARK, name="off")
    ours, theirs = (
        worker_command(BENCHMARK, arm, (), Worker(scratch=Path("/t"))).env for arm in (on, off)
    )
    assert dict(ours) == {**theirs, "PYTHON_JIT": "1"}


def test_states_in_words() -> None:
    assert texts({"the base": OFF, "this arm": ON}) == "the base off, this arm on"
    assert texts({"the base": NONE}) == "the base without one"
