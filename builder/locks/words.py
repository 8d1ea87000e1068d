"""What a run says while it waits."""

from __future__ import annotations

import time
from pathlib import Path

from builder.locks.ticket import Ticket, is_process


def waiting_for(first: Ticket, more: int, *, now: float) -> str:
    """The sentence of a run before which is `first`, and then `more` others."""
    command = f"`{first.command}`" if first.command else "a run"
    process = f" (process {first.pid})" if is_process(first) else ""
    verb = first.doing or "holds the lock"
    if not first.holding:
        verb = "is to be next and waits"
    who = f"{command} of {first.user}{process}, which {verb}{_since(first.since, now)}"
    others = "" if not more else f"; {more} more {'is' if more == 1 else 'are'} before us"
    return f"Waiting for {who}{others}."


def without_ticket(path: Path) -> str:
    """The sentence where the lock `path` is held, and nobody has a ticket."""
    return (
        f"Waiting for a process that holds {path} and is in no queue: what a killed run has left "
        "behind, or a run of an older patchbench."
    )


def _since(began: float, now: float) -> str:
    if not 0 < began <= now:
        return ""
    clock, today = time.localtime(began), time.localtime(now)
    day = "" if clock[:3] == today[:3] else time.strftime("%Y-%m-%d ", clock)
    return f" since {day}{time.strftime('%H:%M', clock)} ({_duration(now - began)})"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
