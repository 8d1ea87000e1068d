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
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.benchmarks import Benchmark
from bench.measure.trial import Failure, RunnableArm, TrialSeconds, Worker, worker_command
from builder.files import guard_writes
from builder.process import Completed, Process, Runner, last_lines

# What a worker says at its gate (see inside/gate.py).
VALUE = b"v"
TIMED = b"t"
MORE = b"m"
END = b"e"
GONE = b""
_REFUSED = b"c"
# What it may be answered.
GO = b"g"
NO_MORE = b"n"


@dataclass(frozen=True, kw_only=True)
class Rig:
    """What blocks are measured with.

    `scratch` is a folder of ours with a short path, `core` the CPU that all processes are pinned to
    (None: the kernel decides), `timeout` the seconds that a process may take for its start, for one
    value, and for its end. `draws_addresses`: blocks draw where memory lies
    (bench/measure/addresses.py), else the kernel does, for each process. `host` and `places` are
    for results that may be published: see trials.described.

    Where there are cores to spare, several rigs may measure at once, each with a scratch and a core
    of its own, from a thread that lives as long as its block (children die with the thread that
    started them).
    """

    runner: Runner
    scratch: Path
    core: int | None = None
    timeout: float = 120.0
    draws_addresses: bool = False
    host: str = "host"
    places: Mapping[Path, str] = field(default_factory=dict)


class StalledError(Exception):
    """A worker did not come to its next gate in time."""


class Live:
    """A worker process, with its gate. `refusal` says why it cannot be timed by CPU time."""

    def __init__(
        self, arm: RunnableArm, worker: Worker, process: Process, fds: tuple[int, int]
    ) -> None:
        self.arm = arm
        self.worker = worker
        self.asked = GONE
        self.refusal = ""
        self.timed = 0
        self.started = self.leaving = self.late = False
        self.heard_at = time.monotonic()
        self._process = process
        self._asks, self._grants = fds
        self._pidfd = _pidfd(process.pid)
        self._closed = False
        self._began = time.monotonic()
        self._start = self._values = self._end = 0.0

    def ask(self, timeout: float) -> bytes:
        """Wait until it says something or is gone: `asked`. Raises StalledError."""
        if heard([self], timeout) is None:
            self.late = True
            raise StalledError
        return self.asked

    def descriptors(self) -> tuple[int, ...]:
        """What can be read when it has something to say, or is gone."""
        return (self._asks,) if self._pidfd is None else (self._asks, self._pidfd)

    def hear(self, ready: Collection[int]) -> bool:
        """Take what it says, if one of `ready` is its; whether it was."""
        if self._asks in ready:
            self.asked = os.read(self._asks, 1)
        elif self._pidfd in ready:
            self.asked = GONE
        else:
            return False
        if self.asked == _REFUSED:
            self.refusal = os.read(self._asks, 1000).decode("ascii", "replace")
            self.asked = GONE
        self.heard_at = time.monotonic()
        return True

    def starts(self, timeout: float) -> bytes:
        """Wait for its first gate: imports and the script's own set-up are done then."""
        asked = self.ask(timeout)
        self._start = time.monotonic() - self._began
        self.started = asked != GONE
        return asked

    def release(self, timeout: float) -> float:
        """Let it time one value, wait for its next gate; the wall seconds it took. See ask."""
        began = time.monotonic()
        self.answer(GO)
        self.ask(timeout)
        seconds = time.monotonic() - began
        self.worked(seconds)
        self.timed += self.asked != GONE
        return seconds

    def answer(self, word: bytes) -> None:
        """Let it leave a gate, without waiting for it."""
        self.heard_at = time.monotonic()
        with contextlib.suppress(BrokenPipeError):
            os.write(self._grants, word)

    def worked(self, seconds: float) -> None:
        """Add to the time that its values took."""
        self._values += seconds

    def finish(self) -> None:
        """Let it leave its last gate, without waiting for it."""
        self._began = time.monotonic()
        self.leaving = True
        self.answer(GO)

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

    def spent(self) -> TrialSeconds:
        """Where its time went, so far."""
        return TrialSeconds(start=self._start, values=self._values, end=self._end)

    def failure(self, how: str) -> Failure:
        """A failure of this worker: `how` says what it did."""
        if self.refusal:
            return Failure(reason=f"{self.arm.name} {self.refusal}")
        if self.leaving:
            stage = "after its last value"
        elif self.started:
            stage = f"while timing value {self.timed + 1} of its process"
        else:
            stage = "before its first value"
        return Failure(
            reason=f"{self.arm.name} {how} {stage}", output=last_lines(_output(self.worker))
        )


def heard(lives: Collection[Live], timeout: float) -> Live | None:
    """The first of them that says something or is gone; None when nothing comes in time."""
    ready = select.poll()
    for one in lives:
        for descriptor in one.descriptors():
            ready.register(descriptor, select.POLLIN)
    events = {descriptor for descriptor, _event in ready.poll(timeout * 1000)}
    return next((one for one in lives if one.hear(events)), None)


def next_heard(lives: Collection[Live], timeout: float) -> Live:
    """The next that says something or is gone, of some that run at once.

    Raises StalledError when one was silent for `timeout` seconds, however much the others say.
    """
    silent = min(lives, key=lambda one: one.heard_at)
    left = silent.heard_at + timeout - time.monotonic()
    one = heard(lives, left) if left > 0 else heard([silent], 0)
    if one is None:
        silent.late = True
        raise StalledError
    return one


@contextlib.contextmanager
def start(
    rig: Rig, benchmark: Benchmark, arm: RunnableArm, options: tuple[str, ...], worker: Worker
) -> Iterator[Live]:
    """Start a worker at its gate. On the way out, however, it is gone."""
    with guard_writes(rig.scratch):
        _clear(worker.scratch)
        theirs_r, ours_w = os.pipe()
        ours_r, theirs_w = os.pipe()
    try:
        gated = replace(worker, gate=(theirs_r, theirs_w))
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


class _Cores:
    """The cores that this process keeps off, by those who measure on them at this moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._allowed: set[int] = set()
        self._taken: list[int] = []

    def take(self, core: int) -> None:
        with self._lock:
            if not self._taken:
                self._allowed = os.sched_getaffinity(0)
            self._taken.append(core)
            self._move()

    def give_back(self, core: int) -> None:
        with self._lock:
            self._taken.remove(core)
            self._move()

    def _move(self) -> None:
        # Where it may run nowhere else, it stays.
        _run_on(self._allowed - set(self._taken) or self._allowed)


_CORES = _Cores()


@contextlib.contextmanager
def apart(core: int | None) -> Iterator[None]:
    """Keep this process, with all its threads, off `core` where it may run elsewhere.

    Several may be kept off at once, from several threads: see Rig.
    """
    if core is None:
        yield
        return
    _CORES.take(core)
    try:
        yield
    finally:
        _CORES.give_back(core)


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
