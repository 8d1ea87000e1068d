"""Real processes of real users that take locks when told to, one event after the other."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[3]
# Long enough for any machine; nothing is asserted of how long anything takes.
PATIENCE = 120.0
IS_ROOT = os.geteuid() == 0
USERS = (65534, 12345) if IS_ROOT else (os.geteuid(), os.geteuid())
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root can become two other users")


class Worker:
    """A process that takes locks as one user."""

    def __init__(self, folder: Path, user: int, umask: int = 0o077) -> None:
        self.user = user
        self.says: list[str] = []
        self._buffer = b""
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-S",
                "-m",
                "tests.builder.locks.worker",
                str(folder),
                str(user),
                oct(umask),
            ],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ask(self, *locks: Sequence[Any]) -> None:
        """Let it take locks, one inside the other."""
        self._write(json.dumps(locks))

    def release(self) -> None:
        """Let it give back all that it holds."""
        self._write("release")
        self.comes_to("released")

    def interrupt(self) -> None:
        """Press Ctrl-C while it waits."""
        self._process.send_signal(signal.SIGINT)
        self.comes_to("interrupted")

    def kill(self) -> None:
        """End it without a chance to clean up."""
        self._process.kill()
        self._process.wait()

    def comes_to(self, event: str) -> None:
        """Read events up to this one; nothing but waiting may come before it."""
        line = self._event()
        while line.startswith("says "):
            self.says.append(line.removeprefix("says "))
            line = self._event()
        assert line == event

    def waits(self) -> str:
        """Read until it says that it waits; return what it says."""
        line = self._event()
        assert line.startswith("says "), line
        self.says.append(line.removeprefix("says "))
        return self.says[-1]

    def event(self) -> str:
        """The next event, whatever it is."""
        return self._event()

    def _event(self) -> str:
        assert self._process.stdout is not None
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
            assert ready, f"nothing came from a worker; it said {self.says}"
            data = os.read(self._process.stdout.fileno(), 65536)
            assert data, "a worker has ended"
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode()

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def close(self) -> None:
        """End it at the end of a test."""
        self.kill()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()


@contextlib.contextmanager
def shared_folder() -> Iterator[Path]:
    """A folder like /tmp; skips the test where other users cannot come to it."""
    with tempfile.TemporaryDirectory(prefix="patchbench-locks-") as name:
        folder = Path(name)
        folder.chmod(0o1777)
        for parent in folder.parents:
            if IS_ROOT and parent.stat().st_mode & 0o005 != 0o005:
                pytest.skip(f"{parent} is closed to others")
        yield folder
