"""Processes and disturbances of the study of real runs: pyperformance, kills and load."""

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

# pyperformance prints this line before the first benchmark, when its environment is complete.
_FIRST = re.compile(r"^\[ *1/\d+\] ")
_SECONDS = 4 * 3600.0
# Busy for two of six seconds, like somebody who works on the machine during a run.
_BUSY = """
import time
while True:
    until = time.monotonic() + 2
    while time.monotonic() < until:
        pass
    time.sleep(4)
"""


class Killed(BaseException):
    """Raised by KillingRunner; a BaseException, so that no session handles it."""


class KillingRunner:
    """A runner that starts `after` processes and raises Killed instead of the next one."""

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
    """Run a process with intermittent load on the measured core while the context is open."""
    pin = ("taskset", "--cpu-list", str(core)) if core is not None else ()
    busy = runner.start(
        Command(argv=(*pin, sys.executable, "-I", "-c", _BUSY), env=clean_environment())
    )
    try:
        yield
    finally:
        busy.kill()


def peer_command(
    python: Path, benchmarks: str, output: Path, place: Path, source: PackageSource
) -> Command:
    """`pyperformance run --fast` as a user runs it, except for the place of its environments. Pure.

    `benchmarks` are names separated by commas; `place` is the folder of the environments.
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
    """Run pyperformance; return the seconds from the start of its first benchmark.

    Making the environment is not counted. Raises MeasureError when pyperformance fails.
    """
    began: list[float] = []

    def on_line(line: str) -> None:
        if _FIRST.match(line) and not began:
            began.append(time.monotonic())

    completed = runner.run(command, log=log, timeout=_SECONDS, on_line=on_line)
    if not completed.ok or not began:
        raise MeasureError(
            f"pyperformance {completed.how()}.",
            where=last_lines(completed.output),
            hint=f"See its log {log}; choose the benchmarks that work with --benchmarks.",
        )
    return time.monotonic() - began[0]
