"""The command line with announcements of stages on stderr, and with a slow or full disk.

    python -m tests.announcing [--full-in STAGE N] ARGUMENTS...

A line "@ STAGE DETAIL" begins each stage. Files are written in two halves with a pause between, and
renamed after a pause: what a kill can interrupt takes long enough to be met. With --full-in, the
Nth file that is made in patchbench's home or results since the stage began, and every one after it,
finds no space.
"""

from __future__ import annotations

import errno
import functools
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.benchmarks.environments import Environments
from bench.cli import main as cli
from bench.host import interference
from bench.results.folder import Folder
from bench.run import run
from bench.session.engine import BlockEngine
from bench.session.session import Session
from builder.builds import compile as compiling
from builder.builds.gate import Gate

PAUSE = 0.02
_WRITING = os.O_WRONLY | os.O_RDWR
_begun: set[str] = set()


def announce(owner: Any, name: str, stage: str, detail: Callable[..., str] | None = None) -> None:
    """Make a function announce its stage."""
    function = getattr(owner, name)

    @functools.wraps(function)
    def announced(*arguments: Any, **named: Any) -> Any:
        text = detail(*arguments) if detail else ""
        begin = stage or text.partition(" ")[0]
        rest = text if stage else text.partition(" ")[2]
        print(f"@ {begin} {rest}", file=sys.stderr, flush=True)
        _begun.add(begin)
        return function(*arguments, **named)

    setattr(owner, name, announced)


def _title(compilation: Any, *_rest: Any) -> str:
    return str(compilation._recipe.title)


def announce_all() -> None:
    """Every stage of a run."""
    announce(run, "resolve", "resolve")
    announce(Folder, "open", "plan")
    announce(compiling._Compilation, "_export", "export", _title)
    announce(
        compiling._Compilation, "_run", "", lambda one, step: f"{step.name} {one._recipe.title}"
    )
    announce(compiling._Compilation, "_result", "stamp", _title)
    announce(Gate, "_test", "gate", lambda _gate, build, *_rest: build.title)
    announce(Environments, "_make", "environment")
    announce(Environments, "_copy", "scripts")
    announce(Environments, "_install_layer", "requirements")
    announce(Session, "_calibrate", "calibration")
    announce(BlockEngine, "_block", "block")
    announce(BlockEngine, "_keep", "keep")
    announce(run._Run, "_document", "result")


def slow_down() -> None:
    """Add pauses between the steps of every write."""

    def later(function: Callable[..., Any]) -> Callable[..., Any]:
        def paused(*arguments: Any, **named: Any) -> Any:
            time.sleep(PAUSE)
            return function(*arguments, **named)

        return paused

    def write_text(path: Path, data: str, encoding: str | None = None) -> None:
        with path.open("w", encoding=encoding) as file:
            file.write(data[: len(data) // 2])
            file.flush()
            time.sleep(PAUSE)
            file.write(data[len(data) // 2 :])

    def write_bytes(path: Path, data: bytes) -> None:
        with path.open("wb") as file:
            file.write(data[: len(data) // 2])
            file.flush()
            time.sleep(PAUSE)
            file.write(data[len(data) // 2 :])

    Path.write_text = write_text  # type: ignore[assignment,method-assign]
    Path.write_bytes = write_bytes  # type: ignore[assignment,method-assign]
    for owner, name in ((Path, "rename"), (Path, "replace"), (os, "fsync"), (os, "utime")):
        setattr(owner, name, later(getattr(owner, name)))


def fill_disk(stage: str, after: int, places: list[str]) -> None:
    """From the Nth new file of a stage on, none can be made in `places`, as on a full disk."""
    made = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal made
        if event == "open":
            path, _mode, flags = arguments
            is_new = bool(flags & _WRITING)
        elif event == "os.mkdir":
            path, is_new = arguments[0], True
        else:
            return
        if stage in _begun and is_new and isinstance(path, str | bytes | os.PathLike):
            name = os.fsdecode(path)
            if any(name.startswith(place) for place in places):
                made += 1
                if made >= after:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)

    sys.addaudithook(hook)


def main() -> int:
    """Run the command line."""
    # A test that was itself started in the background has them ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments = sys.argv[1:]
    if arguments[0] == "--full-in":
        places = [arguments[arguments.index(name) + 1] for name in ("--home", "--out")]
        fill_disk(arguments[1], int(arguments[2]), places)
        arguments = arguments[3:]
    announce_all()
    slow_down()
    # What is measured again because of the host is drawn anew: outcomes could not be compared.
    interference.LEAST_SECONDS = float("inf")
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
