"""The one place that starts processes.

A runner is passed to whatever needs one, so that tests can record instead of run. Children get
default signals, a process group of their own, and die with their parent: a build never outlives the
run that began it, even when that run is killed. Own code, since subprocess alone does none of this
and no library lets a child die with its parent and keep chosen descriptors open.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from builder.errors import ToolError

_TAIL_BYTES = 256 * 1024
_GRACE_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True)
class Command:
    """A process to start: everything about it that a reader of the plan should see.

    `env` is the whole environment, never an addition to ours. `keep_fds` stay open in the child.
    """

    argv: tuple[str, ...]
    cwd: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    keep_fds: tuple[int, ...] = ()
    stdin: bytes | None = None

    def shown(self) -> str:
        """The command as one would type it (without its environment)."""
        where = f"cd {shlex.quote(str(self.cwd))} && " if self.cwd else ""
        return where + shlex.join(self.argv)


@dataclass(frozen=True, kw_only=True)
class Completed:
    """How a process ended. `seconds` is wall time; `output` the last part of stdout and stderr.

    `returncode` is negative when a signal ended it, as in subprocess.
    """

    returncode: int
    seconds: float
    output: str
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with status 0."""
        return self.returncode == 0 and not self.timed_out

    def how(self) -> str:
        """How it ended, in words."""
        if self.timed_out:
            return f"was stopped after {self.seconds:.0f} s (time-out)"
        if self.returncode < 0:
            return f"was killed by {signal_name(-self.returncode)}"
        return f"exited with status {self.returncode}"


class Process(Protocol):
    """A process that was started and is alive beside others."""

    pid: int

    def wait(self, timeout: float | None = None) -> Completed:
        """Wait for its end; past `timeout` seconds it is killed, with all its children."""

    def kill(self) -> None:
        """Kill it and its children; no error when it has ended."""


class Runner(Protocol):
    """What starts processes: the real one, or a recording one in tests."""

    def run(
        self,
        command: Command,
        *,
        log: Path | None = None,
        timeout: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """Run to the end. Output is appended to `log` and, line by line, given to `on_line`."""

    def start(self, command: Command, *, log: Path | None = None) -> Process:
        """Start without waiting. Output is appended to `log`, or dropped."""


def signal_name(number: int) -> str:
    """SIGSEGV for 11; the number itself where it has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def reset_inherited_signals() -> None:
    """Let our children start with default signals, whatever we were started with.

    A background job of a script inherits an ignored SIGINT, nohup an ignored SIGHUP, and an
    ignored signal stays ignored through exec: CPython's PGO profile task then fails in
    test_generators. A handler does not survive exec, so a handler that does nothing keeps the
    signal ignored here and gives children the default. Call from the main thread, at start-up.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if signal.getsignal(number) == signal.SIG_IGN and number not in _PYTHONS_OWN:
            signal.signal(number, _ignore)


# CPython ignores these itself and subprocess restores them in children (restore_signals).
_PYTHONS_OWN = frozenset({signal.SIGPIPE, signal.SIGXFSZ})


def _ignore(_number: int, _frame: object) -> None:
    pass


class SystemRunner:
    """The runner that really starts processes."""

    def __init__(self, echo: Callable[[str], None] | None = None) -> None:
        self._echo = echo
        self._setpriv = shutil.which("setpriv")

    def run(
        self,
        command: Command,
        *,
        log: Path | None = None,
        timeout: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """See Runner.run."""
        tail = _Tail()
        with _log_file(log, command) as sink:
            process = self._popen(command, stdout=subprocess.PIPE)
            assert process.stdout is not None
            child = _Child(process, tail)
            reader = threading.Thread(
                target=_copy, args=(process.stdout, sink, tail, on_line), daemon=True
            )
            try:
                # Within: an interrupt while a busy machine starts the thread must find it as well.
                reader.start()
                _feed(process, command.stdin)
                done = child.wait(timeout)
            except BaseException:
                child.kill()
                raise
            finally:
                # A grandchild that kept the pipe open must not hang us: its parent is gone.
                if reader.ident is not None:
                    reader.join(_GRACE_SECONDS)
            return Completed(
                returncode=done.returncode,
                seconds=done.seconds,
                output=tail.text(),
                timed_out=done.timed_out,
            )

    def start(self, command: Command, *, log: Path | None = None) -> Process:
        """See Runner.start."""
        with _log_file(log, command) as sink:
            target = sink if sink is not None else subprocess.DEVNULL
            return _Child(self._popen(command, stdout=target), _LogTail(log))

    def _popen(self, command: Command, stdout: int | IO[bytes]) -> subprocess.Popen[bytes]:
        if self._echo is not None:
            self._echo(command.shown())
        argv = list(command.argv)
        if self._setpriv:
            argv = [self._setpriv, "--pdeathsig", "KILL", "--", *argv]
        try:
            # setpriv would start well and then fail, with an error of its own.
            if not _is_there(command):
                raise FileNotFoundError
            return subprocess.Popen(
                argv,
                cwd=command.cwd,
                env=dict(command.env),
                stdin=subprocess.DEVNULL if command.stdin is None else subprocess.PIPE,
                stdout=stdout,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=command.keep_fds,
            )
        except OSError as error:
            raise ToolError(
                f"{command.argv[0]} cannot be started: {error.strerror or 'not found'}.",
                where=command.shown(),
                hint="`patchbench doctor` lists what the machine lacks and how to install it.",
            ) from error


def _is_there(command: Command) -> bool:
    program = command.argv[0]
    if "/" in program:
        return os.access((command.cwd or Path()) / program, os.X_OK)
    return shutil.which(program, path=command.env.get("PATH")) is not None


class _Child:
    """A process in a group of its own, which is ended as a group."""

    def __init__(self, process: subprocess.Popen[bytes], tail: _Tail | _LogTail) -> None:
        self._process = process
        self._tail = tail
        self._began = time.monotonic()
        self.pid = process.pid

    def wait(self, timeout: float | None = None) -> Completed:
        timed_out = False
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            timed_out = True
            self.kill()
        except BaseException:
            self.kill()
            raise
        return Completed(
            returncode=self._process.returncode,
            seconds=time.monotonic() - self._began,
            output=self._tail.text(),
            timed_out=timed_out,
        )

    def kill(self) -> None:
        """Ask the group to end, then make it."""
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE_SECONDS)
        # Also after its leader has ended: whatever it left behind in the group.
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


class _Tail:
    """The last part of what a process printed."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._size += len(chunk)
        while self._size - len(self._chunks[0]) > _TAIL_BYTES:
            self._size -= len(self._chunks.pop(0))

    def text(self) -> str:
        return b"".join(self._chunks).decode("utf-8", "replace")


class _LogTail:
    """The last part of a log that the process writes itself."""

    def __init__(self, log: Path | None) -> None:
        self._log = log

    def text(self) -> str:
        if self._log is None or not self._log.exists():
            return ""
        with self._log.open("rb") as file:
            file.seek(max(0, self._log.stat().st_size - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace")


@contextlib.contextmanager
def _log_file(log: Path | None, command: Command) -> Iterator[IO[bytes] | None]:
    if log is None:
        yield None
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab", buffering=0) as file:
        file.write(f"$ {command.shown()}\n".encode())
        yield file


def _copy(
    stream: IO[bytes],
    sink: IO[bytes] | None,
    tail: _Tail,
    on_line: Callable[[str], None] | None,
) -> None:
    with stream, contextlib.suppress(ValueError):
        for line in stream:
            tail.add(line)
            if sink is not None:
                with contextlib.suppress(OSError):  # a full disk must not stop the reading
                    sink.write(line)
            if on_line is not None:
                on_line(line.decode("utf-8", "replace").rstrip("\n"))


def _feed(process: subprocess.Popen[bytes], data: bytes | None) -> None:
    if data is None or process.stdin is None:
        return
    with contextlib.suppress(BrokenPipeError), process.stdin:
        process.stdin.write(data)


def run_checked(
    runner: Runner, command: Command, *, timeout: float | None = None, hint: str = ""
) -> str:
    """Run and return what it printed; ToolError when it fails."""
    done = runner.run(command, timeout=timeout)
    if not done.ok:
        raise ToolError(
            f"{command.argv[0]} {done.how()}.",
            where=f"{command.shown()}\n{last_lines(done.output)}",
            hint=hint,
        )
    return done.output


def last_lines(text: str, count: int = 12) -> str:
    """The last `count` lines that are not blank."""
    return "\n".join([line for line in text.splitlines() if line.strip()][-count:])


def clean_environment(**more: str) -> dict[str, str]:
    """The environment that every child gets: nothing of the caller's, so that results repeat."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        **more,
    }
