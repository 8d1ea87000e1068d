"""What the study of real runs does to a session from outside: the peer, the kill and the load."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.benchmarks import PackageSource
from builder.errors import MeasureError
from builder.process import Command, Completed, Process, Runner, clean_environment, last_lines

# The line that pyperformance prints before the first benchmark, its environment made.
_FIRST = re.compile(r"^\[ *1/\d+\] ")
_SECONDS = 4 * 3600.0
# Busy for two seconds in six, as somebody who tries things beside a run.
_BUSY = """
import time
while True:
    until = time.monotonic() + 2
    while time.monotonic() < until:
        pass
    time.sleep(4)
"""


class Killed(BaseException):
    """The session was killed on purpose."""


class Interruptible:
    """A runner that kills whoever uses it when it is to start the process after the first few."""

    def __init__(self, runner: Runner, *, after: int) -> None:
        self._runner = runner
        self._left = after

    def run(
        self,
        command: Command,
        *,
        log: Path | None = None,
        timeout: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """See Runner.run."""
        return self._runner.run(command, log=log, timeout=timeout, on_line=on_line)

    def start(self, command: Command, *, log: Path | None = None) -> Process:
        """See Runner.start. Raises Killed."""
        self._left -= 1
        if self._left < 0:
            raise Killed
        return self._runner.start(command, log=log)


@contextlib.contextmanager
def load_on(runner: Runner, core: int | None) -> Iterator[None]:
    """Another process that is busy every now and then, on the core that is measured on."""
    pin = ("taskset", "--cpu-list", str(core)) if core is not None else ()
    busy = runner.start(Command(argv=(*pin, sys.executable, "-c", _BUSY), env=clean_environment()))
    try:
        yield
    finally:
        busy.kill()


def peer_command(
    python: Path, benchmarks: str, output: Path, place: Path, source: PackageSource
) -> Command:
    """`pyperformance run --fast` as a user types it, but for where its environment is. Pure.

    `benchmarks`: names with commas; `place`: the folder that its environments are made in.
    """
    variables = source.variables()
    inherited = ",".join(name for name in variables if name.startswith("PIP_"))
    return Command(
        argv=(
            sys.executable,
            "-m",
            "pyperformance",
            "run",
            "--fast",
            f"--python={python}",
            f"--benchmarks={benchmarks}",
            f"--inherit-environ={inherited}",
            f"--output={output}",
        ),
        cwd=place,
        env={"HOME": str(place), **variables},
    )


def run_peer(runner: Runner, command: Command, log: Path) -> float:
    """Run pyperformance; the seconds from its first benchmark on, its environment made by then.

    Raises MeasureError where it fails.
    """
    began: list[float] = []

    def on_line(line: str) -> None:
        if _FIRST.match(line) and not began:
            began.append(time.monotonic())

    done = runner.run(command, log=log, timeout=_SECONDS, on_line=on_line)
    if not done.ok or not began:
        raise MeasureError(
            f"pyperformance {done.how()}.",
            where=last_lines(done.output),
            hint=f"Its log is {log}; leave out what fails with --benchmarks.",
        )
    return time.monotonic() - began[0]
