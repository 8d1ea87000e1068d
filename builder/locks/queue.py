"""A queue beside flock(2): first come, first served, and everyone sees who is there.

The lock itself stays an flock on one file, so that older versions of patchbench are excluded as
well, and children that inherit the descriptor keep the lock while they live (only where no process
namespace ends them with their parent; inside one, the descriptor need not be passed).

Who wants the lock draws a number first and waits until no ticket with a lower number is in the way:
any for an exclusive lock, exclusive ones for a shared lock, waiting or holding. So one who waits to
time is overtaken by no build that comes later. Then it takes the flock.

Numbers are drawn, and tickets renewed, under a short flock on the folder. Whatever a process is
doing when it is killed, the kernel gives up all its locks, and others see its tickets as dead.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from builder.errors import StoreError
from builder.files import open_lock
from builder.locks import ticket, words
from builder.locks.order import LockOrder, in_order
from builder.locks.place import open_shared
from builder.locks.ticket import OpenTicket, Ticket

Say = Callable[[str], None]
Refuse = Callable[[str], Exception]
# A lock may be taken for a moment by one who only asks whether it is held, and one who is admitted
# needs a moment to say so: nothing is said of either.
_MOMENT = 0.02
_MOMENTS = 10
# How long to wait for the folder, which nobody holds for more than a moment unless he means harm.
_PATIENCE = 10.0


@dataclass(frozen=True, kw_only=True)
class Queue:
    """The queues of all locks whose tickets are in `folder`, which all users of the host share."""

    folder: Path

    @contextlib.contextmanager
    def hold(
        self,
        path: Path,
        *,
        order: LockOrder,
        doing: str,
        say: Say,
        shared: bool = False,
        refuse: Refuse | None = None,
    ) -> Iterator[int]:
        """Hold the lock file `path`; yields its descriptor, to be passed to children.

        `doing` is a verb, what this process does with the lock: others read it. While it waits, it
        says for whom, again when another one holds the lock. With `refuse`, it does not wait: the
        exception that `refuse` makes of that sentence is raised. Raises StoreError if the lock
        cannot be opened.
        """
        with in_order(order, path, shared=shared, waits=refuse is None):
            descriptor = open_lock(path)
            place = None
            try:
                place = self._drawn(descriptor, shared=shared, doing=doing, say=say)
                if place is not None:
                    place.wait(say, refuse)
                _lock(descriptor, path, shared=shared, say=say, refuse=refuse)
                if place is not None:
                    place.admit()
                yield descriptor
            finally:
                os.close(descriptor)
                if place is not None:
                    place.leave()

    def _drawn(self, descriptor: int, *, shared: bool, doing: str, say: Say) -> _Place | None:
        """A new place in the queue of a lock, None where there can be no queue: said, since then
        it is chance who is next.
        """
        lock = ticket.lock_name(descriptor)
        folder = None
        try:
            folder = open_shared(self.folder)
            with _locked(folder):
                ticket.sweep(folder)
                number = ticket.last_number(folder, lock) + 1
                own = ticket.own(lock, number, shared=shared, doing=doing)
                return _Place(folder, own, ticket.publish(folder, own))
        except (OSError, StoreError) as error:
            if folder is not None:
                os.close(folder)
            say(f"There is no queue, the order is left to chance: {_reason(error, self.folder)}")
            return None


class _Place:
    """This process's place in the queue of one lock."""

    def __init__(self, folder: int, own: Ticket, descriptor: int) -> None:
        self._folder = folder
        self._own = own
        self._descriptor = descriptor

    def wait(self, say: Say, refuse: Refuse | None) -> None:
        """Return when nobody before us is in the way."""
        named: tuple[int, bool] | None = None
        while True:
            with self._before() as before:
                barrier = self._barrier(before)
                if barrier is None:
                    return
                first = before[0].ticket
                if (first.number, first.holding) != named:
                    named = first.number, first.holding
                    more = len({one.ticket.number for one in before}) - 1
                    sentence = words.waiting_for(first, more, now=time.time())
                    if refuse is not None:
                        raise refuse(sentence)
                    say(sentence)
                barrier.wait()

    @contextlib.contextmanager
    def _before(self) -> Iterator[list[OpenTicket]]:
        """Those before us, seen when the first one had a moment to be admitted."""
        for moment in range(_MOMENTS + 1):
            with ticket.living(self._folder, self._own.lock, self._own.number) as before:
                is_settled = not before or before[0].ticket.holding or moment == _MOMENTS
                if is_settled or self._barrier(before) is None:
                    yield before
                    return
            time.sleep(_MOMENT)

    def _barrier(self, before: list[OpenTicket]) -> OpenTicket | None:
        """The first of those whom we must let go first."""
        return next((one for one in before if not (one.ticket.shared and self._own.shared)), None)

    def admit(self) -> None:
        """Exchange the ticket for that of a holder. Without a gap: both exist for a moment."""
        holding = replace(self._own, holding=True, since=time.time())
        try:
            with _locked(self._folder):
                descriptor = ticket.publish(self._folder, holding)
        except OSError:  # the folder is gone or full: the ticket that we have will do
            return
        ticket.withdraw(self._folder, self._own, self._descriptor)
        self._own, self._descriptor = holding, descriptor

    def leave(self) -> None:
        """Give the place up."""
        ticket.withdraw(self._folder, self._own, self._descriptor)
        os.close(self._folder)


@contextlib.contextmanager
def _locked(folder: int) -> Iterator[None]:
    """Lock the folder of tickets for a moment. Raises TimeoutError if somebody does not let go."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError(0, "another process keeps its folder locked") from None
            time.sleep(0.002)
    try:
        yield
    finally:
        fcntl.flock(folder, fcntl.LOCK_UN)


def _lock(descriptor: int, path: Path, *, shared: bool, say: Say, refuse: Refuse | None) -> None:
    """Take the flock when it is our turn. It may still be held: by what a killed run has left, or
    by an older patchbench, which draws no number.
    """
    mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    for _moment in range(_MOMENTS):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
            return
        time.sleep(_MOMENT)
    sentence = words.without_ticket(path)
    if refuse is not None:
        raise refuse(sentence)
    say(sentence)
    fcntl.flock(descriptor, mode)


def _reason(error: OSError | StoreError, folder: Path) -> str:
    if isinstance(error, StoreError):
        return " ".join((error.what, error.where, error.hint))
    return f"{folder}: {error.strerror or error}."
