"""Processes of a block while they live: started, released value by value, read at the end.

One process that dies or hangs never hangs the harness: every wait has a limit, and watches the
process itself beside its pipe (a child that the benchmark forked may hold the pipe open).
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.suites import Benchmark
from bench.trials import Arm, Failure, Spent, Worker, worker_command
from builder.process import Completed, Process, Runner, last_lines
from builder.store import guard_writes

# What a worker says at its gate (see inside/gate.py).
VALUE = b"v"
END = b"e"
GONE = b""


@dataclass(frozen=True, kw_only=True)
class Rig:
    """What blocks are measured with.

    `scratch` is a folder of ours with a short path, `core` the CPU that all processes are pinned to
    (None: the kernel decides), `timeout` the seconds that a process may take for its start, for one
    value, and for its end. `host` and `places` are for results that may be published: see
    trials.described.
    """

    runner: Runner
    scratch: Path
    core: int | None = None
    timeout: float = 120.0
    host: str = "host"
    places: Mapping[Path, str] = field(default_factory=dict)


class StalledError(Exception):
    """A worker did not come to its next gate in time."""


class Live:
    """A worker process, with its gate."""

    def __init__(self, arm: Arm, worker: Worker, process: Process, fds: tuple[int, int]) -> None:
        self.arm = arm
        self.worker = worker
        self.asked = GONE
        self.timed = 0
        self.started = self.leaving = self.late = False
        self._process = process
        self._asks, self._grants = fds
        self._pidfd = _pidfd(process.pid)
        self._closed = False
        self._began = time.monotonic()
        self._start = self._values = self._end = 0.0

    def ask(self, timeout: float) -> bytes:
        """Wait until it stands at a gate (VALUE, END) or is gone (GONE). Raises StalledError."""
        ready = select.poll()
        ready.register(self._asks, select.POLLIN)
        if self._pidfd is not None:
            ready.register(self._pidfd, select.POLLIN)
        events = ready.poll(timeout * 1000)
        if not events:
            self.late = True
            raise StalledError
        if any(descriptor == self._asks for descriptor, _event in events):
            self.asked = os.read(self._asks, 1)
        else:
            self.asked = GONE
        return self.asked

    def starts(self, timeout: float) -> bytes:
        """Wait for its first gate: imports and the script's own set-up are done then."""
        asked = self.ask(timeout)
        self._start = time.monotonic() - self._began
        self.started = asked != GONE
        return asked

    def release(self, timeout: float) -> float:
        """Let it time one value, wait for its next gate; the wall seconds it took. See ask."""
        began = time.monotonic()
        self._grant()
        self.ask(timeout)
        seconds = time.monotonic() - began
        self._values += seconds
        self.timed += self.asked != GONE
        return seconds

    def finish(self) -> None:
        """Let it leave its last gate, without waiting for it."""
        self._began = time.monotonic()
        self.leaving = True
        self._grant()

    def ended(self, timeout: float) -> Completed:
        """Wait for the end of the process; past `timeout` it is killed. Nothing is left of it."""
        done = self._process.wait(timeout)
        if self.leaving:
            self._end = time.monotonic() - self._began
        self.close()
        return done

    def close(self) -> None:
        """Kill what is left of it, and free its descriptors. The second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._process.kill()
        for descriptor in (self._asks, self._grants, self._pidfd):
            if descriptor is not None:
                os.close(descriptor)

    def spent(self) -> Spent:
        """Where its time went, so far."""
        return Spent(start=self._start, values=self._values, end=self._end)

    def failure(self, how: str) -> Failure:
        """A failure of this worker: `how` says what it did."""
        if self.leaving:
            stage = "after its last value"
        elif self.started:
            stage = f"while timing value {self.timed + 1} of its process"
        else:
            stage = "before its first value"
        return Failure(
            reason=f"{self.arm.name} {how} {stage}", output=last_lines(_output(self.worker))
        )

    def _grant(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(self._grants, b"g")


@contextlib.contextmanager
def start(
    rig: Rig, benchmark: Benchmark, arm: Arm, options: tuple[str, ...], worker: Worker
) -> Iterator[Live]:
    """Start a worker at its gate. On the way out, however, it is gone."""
    with guard_writes(rig.scratch):
        _clear(worker.scratch)
        theirs_r, ours_w = os.pipe()
        ours_r, theirs_w = os.pipe()
    try:
        gated = Worker(
            scratch=worker.scratch,
            core=worker.core,
            gate=(theirs_r, theirs_w),
            hash_seed=worker.hash_seed,
        )
        command = worker_command(benchmark, arm, options, gated)
        process = rig.runner.start(command, log=_log(worker))
    except BaseException:
        os.close(ours_r)
        os.close(ours_w)
        raise
    finally:
        os.close(theirs_r)
        os.close(theirs_w)
    live = Live(arm, gated, process, (ours_r, ours_w))
    try:
        yield live
    finally:
        live.close()


@contextlib.contextmanager
def apart(core: int | None) -> Iterator[None]:
    """Keep this process, with all its threads, off `core` where it may run elsewhere."""
    allowed = os.sched_getaffinity(0)
    others = allowed - {core}
    if core is None or not others:
        yield
        return
    _run_on(others)
    try:
        yield
    finally:
        _run_on(allowed)


def _run_on(cores: set[int]) -> None:
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # one that has just ended
            os.sched_setaffinity(int(thread.name), cores)


def read_result(worker: Worker) -> dict[str, Any] | None:
    """The JSON that a worker wrote; None when it wrote none, or not all of it."""
    try:
        loaded = json.loads(worker.result.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return loaded if isinstance(loaded, dict) and loaded.get("benchmarks") else None


def _output(worker: Worker) -> str:
    try:
        lines = _log(worker).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[1:])  # without the command that the runner put on top


def _log(worker: Worker) -> Path:
    return worker.scratch / "output.log"


def _clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def _pidfd(pid: int) -> int | None:
    """A descriptor that tells when a process ends; None where the kernel has none."""
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):
        return None
