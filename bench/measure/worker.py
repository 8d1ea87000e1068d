"""Worker processes of a block: start them, release each value, read the result at the end.

A process that dies or hangs cannot block the harness: every wait has a time-out, and watches the
process itself as well as its pipe (a child that the benchmark forked may hold the pipe open).
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

# The messages of a worker at its gate (see inside/gate.py).
VALUE = b"v"
TIMED = b"t"
MORE = b"m"
END = b"e"
GONE = b""
_REFUSED = b"c"
# The answers to a worker.
GO = b"g"
NO_MORE = b"n"


@dataclass(frozen=True, kw_only=True)
class Rig:
    """The resources for measuring blocks.

    `scratch` is a folder with a short path, `core` the CPU that all processes are pinned to (None:
    the kernel decides), `timeout` the seconds that a process may take for its start, for one value,
    and for its end. `draws_addresses`: blocks draw memory addresses (bench/measure/addresses.py),
    else the kernel draws them for each process. `host` and `places` are the replacements in results
    that may be published: see `bench.measure.trial.published_result`.

    With enough cores, several rigs may measure at once, each with its own scratch folder and core,
    from a thread that lives as long as its block (children die with the thread that started them).
    """

    runner: Runner
    scratch: Path
    core: int | None = None
    timeout: float = 120.0
    draws_addresses: bool = False
    host: str = "host"
    places: Mapping[Path, str] = field(default_factory=dict)


class StalledError(Exception):
    """A worker did not reach its next gate in time."""


class Live:
    """A worker process and its gate.

    `message` is the last message; `refusal`: why the worker cannot be timed by CPU time.
    """

    def __init__(
        self, arm: RunnableArm, worker: Worker, process: Process, fds: tuple[int, int]
    ) -> None:
        self.arm = arm
        self.worker = worker
        self.message = GONE
        self.refusal = ""
        self.timed = 0
        self.started = self.leaving = self.late = False
        self.contact_at = time.monotonic()
        self._process = process
        self._messages, self._answers = fds
        self._pidfd = _pidfd(process.pid)
        self._closed = False
        self._began = time.monotonic()
        self._start = self._values = self._end = 0.0

    def wait_for_message(self, timeout: float) -> bytes:
        """Wait for its next message or its end, and return `message`. Raises StalledError."""
        if first_message([self], timeout) is None:
            self.late = True
            raise StalledError
        return self.message

    def descriptors(self) -> tuple[int, ...]:
        """The descriptors that are readable when it has sent a message or has ended."""
        return (self._messages,) if self._pidfd is None else (self._messages, self._pidfd)

    def receive(self, ready: Collection[int]) -> bool:
        """Read its message if one of the `ready` descriptors is its own; whether one was."""
        if self._messages in ready:
            self.message = os.read(self._messages, 1)
        elif self._pidfd in ready:
            self.message = GONE
        else:
            return False
        if self.message == _REFUSED:
            self.refusal = os.read(self._messages, 1000).decode("ascii", "replace")
            self.message = GONE
        self.contact_at = time.monotonic()
        return True

    def wait_for_start(self, timeout: float) -> bytes:
        """Wait for its first gate, after imports and the script's own set-up."""
        message = self.wait_for_message(timeout)
        self._start = time.monotonic() - self._began
        self.started = message != GONE
        return message

    def release(self, timeout: float) -> float:
        """Let it time one value and wait for its next gate; the wall seconds of the value.

        Raises StalledError.
        """
        began = time.monotonic()
        self.answer(GO)
        self.wait_for_message(timeout)
        seconds = time.monotonic() - began
        self.worked(seconds)
        self.timed += self.message != GONE
        return seconds

    def answer(self, word: bytes) -> None:
        """Let it leave a gate, without waiting for it."""
        self.contact_at = time.monotonic()
        with contextlib.suppress(BrokenPipeError):
            os.write(self._answers, word)

    def worked(self, seconds: float) -> None:
        """Add to the time spent on its values."""
        self._values += seconds

    def finish(self) -> None:
        """Let it leave its last gate, without waiting for it."""
        self._began = time.monotonic()
        self.leaving = True
        self.answer(GO)

    def wait_for_end(self, timeout: float) -> Completed:
        """Wait for the end of the process, kill it after `timeout`, and free its descriptors."""
        completed = self._process.wait(timeout)
        if self.leaving:
            self._end = time.monotonic() - self._began
        self.close()
        return completed

    def close(self) -> None:
        """Kill the process if it is alive, and free its descriptors. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._process.kill()
        for descriptor in (self._messages, self._answers, self._pidfd):
            if descriptor is not None:
                os.close(descriptor)

    def spent(self) -> TrialSeconds:
        """The time of each stage so far."""
        return TrialSeconds(start=self._start, values=self._values, end=self._end)

    def failure(self, how: str) -> Failure:
        """A failure of this worker; `how` is the verb phrase, such as "was killed"."""
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


def first_message(lives: Collection[Live], timeout: float) -> Live | None:
    """The first worker with a message or an ended process; None after the time-out."""
    ready = select.poll()
    for live in lives:
        for descriptor in live.descriptors():
            ready.register(descriptor, select.POLLIN)
    events = {descriptor for descriptor, _event in ready.poll(timeout * 1000)}
    return next((live for live in lives if live.receive(events)), None)


def next_message(lives: Collection[Live], timeout: float) -> Live:
    """The next worker with a message or an ended process, of some that run at once.

    Raises StalledError when one sends nothing for `timeout` seconds, even if the others do.
    """
    silent = min(lives, key=lambda live: live.contact_at)
    left = silent.contact_at + timeout - time.monotonic()
    live = first_message(lives, left) if left > 0 else first_message([silent], 0)
    if live is None:
        silent.late = True
        raise StalledError
    return live


@contextlib.contextmanager
def start(
    rig: Rig, benchmark: Benchmark, arm: RunnableArm, options: tuple[str, ...], worker: Worker
) -> Iterator[Live]:
    """Start a worker with a gate. It is killed when the context is left, whatever the reason."""
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
    """The cores that this process avoids, since blocks are measured on them at this moment."""

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
        # Without another core, it stays.
        _run_on(self._allowed - set(self._taken) or self._allowed)


_CORES = _Cores()


@contextlib.contextmanager
def apart(core: int | None) -> Iterator[None]:
    """Keep this process, with all its threads, off `core` if it may use another one.

    Several cores may be avoided at once, from several threads: see Rig.
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
        with contextlib.suppress(OSError):  # the thread may just have ended
            os.sched_setaffinity(int(thread.name), cores)


def read_result(worker: Worker) -> dict[str, Any] | None:
    """The JSON that a worker wrote; None where it is missing or incomplete."""
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
    return "\n".join(lines[1:])  # without the first line, the command


def _log(worker: Worker) -> Path:
    return worker.scratch / "output.log"


def _clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


def _pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends; None on kernels without pidfd."""
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):
        return None
