"""A process that takes locks when told to: the other side of workers.py.

    python -S -m tests.builder.locks.worker FOLDER UID UMASK

A line on stdin is a list of locks, [path, order, shared, doing], which are taken one inside the
other; the next line lets go of them. Every event is a line on stdout. SIGINT ends the waiting.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from builder.errors import StoreError
from builder.locks import LockOrder, Queue


def emit(event: str) -> None:
    print(event, flush=True)


def serve(queue: Queue) -> None:
    for line in sys.stdin:
        try:
            with contextlib.ExitStack() as stack:
                for number, (path, order, shared, doing) in enumerate(json.loads(line)):
                    held = queue.hold(
                        Path(path),
                        order=LockOrder[order],
                        doing=doing,
                        shared=shared,
                        say=lambda text: emit(f"says {text}"),
                    )
                    stack.enter_context(held)
                    emit(f"holds {number}")
                sys.stdin.readline()
            emit("released")
        except KeyboardInterrupt:
            emit("interrupted")
        except StoreError as error:
            emit("refused " + " ".join(str(error).split()))


if __name__ == "__main__":
    named, number, mask = sys.argv[1:]
    sys.argv = ["patchbench", "--home", named, "run", "fix.toml"]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.geteuid() == 0 and int(number):
        os.setgroups([])
        os.setgid(int(number))
        os.setuid(int(number))
    os.umask(int(mask, 8))
    serve(Queue(folder=Path(named) / "host.queue"))
