"""Two users, three homes; builds and timings that come, end, give up and are killed at random.

Real processes take real locks, one event after the other; a model that is a list says who holds
what. It is a queue, so: everyone gets their turn, and nobody is overtaken.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.builder.locks.workers import USERS, Worker, shared_folder

HOMES = ("a", "b", "c")
HOST = "host.lock"
WORKERS = 6
EVENTS = 9


@dataclass(eq=False)
class Request:
    """A build (the home's working path, then the host) or a timing (the host alone)."""

    number: int
    worker: int
    locks: tuple[tuple[str, bool], ...]
    held: int = 0
    before: frozenset[int] = frozenset()
    overtaken_by: set[int] = field(default_factory=set)

    @property
    def is_timing(self) -> bool:
        return len(self.locks) == 1

    @property
    def waits(self) -> bool:
        return self.held < len(self.locks)


class Case:
    """One sequence of events, held against the model."""

    def __init__(self, folder: Path, workers: list[Worker], seed: int) -> None:
        self.folder = folder
        self.workers = workers
        self.chance = random.Random(seed)
        self.queues: dict[str, list[Request]] = {}
        self.active: list[Request] = []
        self.log: list[str] = []
        self.count = 0

    def run(self) -> None:
        for _event in range(EVENTS):
            self._event()
        while self.active:
            # Whoever holds all that he wants goes on and ends: in the end, everyone had his turn.
            done = [request for request in self.active if not request.waits]
            assert done, f"nobody can go on: {self.log}"
            self._end(self.chance.choice(done), "release")
        assert not any(self.queues.values())

    def _event(self) -> None:
        idle = [n for n in range(WORKERS) if all(one.worker != n for one in self.active)]
        if idle and (not self.active or self.chance.random() < 0.6):
            self._ask(self.chance.choice(idle))
            return
        request = self.chance.choice(self.active)
        if request.waits:
            self._end(request, "kill" if self.chance.random() < 0.05 else "interrupt")
        else:
            self._end(request, "kill" if self.chance.random() < 0.05 else "release")

    def _ask(self, worker: int) -> None:
        is_timing = self.chance.random() < 0.4
        home = self.chance.choice(HOMES)
        locks = ((HOST, False),) if is_timing else ((home, False), (HOST, True))
        self.count += 1
        request = Request(number=self.count, worker=worker, locks=locks)
        self.active.append(request)
        self.log.append(f"{request.number} on {worker}: {'time' if is_timing else home}")
        self.workers[worker].ask(
            *(
                (str(self.folder / name), "HOST" if name == HOST else "WORK", shared, "builds")
                for name, shared in locks
            )
        )
        self._draw(request)

    def _draw(self, request: Request) -> None:
        """Let it join the queue of its next lock, and hold that if nobody is in the way."""
        name, _ = request.locks[request.held]
        queue = self.queues.setdefault(name, [])
        if name == HOST:
            request.before = frozenset(one.number for one in queue)
        queue.append(request)
        if not self._admitted(name):
            self.workers[request.worker].waits()

    def _admitted(self, name: str) -> bool:
        """Let everyone hold the lock who can now; whether the last one in its queue could."""
        queue = self.queues[name]
        last = queue[-1] if queue else None
        for place, request in enumerate(queue):
            if self._holds(request, name) or not self._is_free(queue[:place], request, name):
                continue
            self.workers[request.worker].comes_to(f"holds {request.held}")
            request.held += 1
            if name == HOST and not request.is_timing:
                for other in self.active:
                    if other.is_timing and other.waits:
                        other.overtaken_by.add(request.number)
            if request.waits:
                self._draw(request)
        return last is not None and self._holds(last, name)

    @staticmethod
    def _holds(request: Request, name: str) -> bool:
        return name in [lock for lock, _ in request.locks[: request.held]]

    @staticmethod
    def _is_free(before: list[Request], request: Request, name: str) -> bool:
        shared = dict(request.locks)[name]
        return all(shared and dict(one.locks)[name] for one in before)

    def _end(self, request: Request, how: str) -> None:
        self.log.append(f"{request.number} {how}")
        if not request.waits and request.is_timing:
            assert request.overtaken_by <= request.before, self.log
        worker = self.workers[request.worker]
        if how == "kill":
            worker.close()
            self.workers[request.worker] = Worker(self.folder, worker.user)
        else:
            worker.release() if how == "release" else worker.interrupt()
        self.active.remove(request)
        for name in (HOST, *HOMES):
            queue = self.queues.get(name, [])
            if request in queue:
                queue.remove(request)
                self._admitted(name)


@contextlib.contextmanager
def some_workers(folder: Path) -> Iterator[list[Worker]]:
    workers = [Worker(folder, USERS[n % 2]) for n in range(WORKERS)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.close()


@pytest.mark.random
@pytest.mark.slow
def test_everyone_gets_their_turn_and_nobody_is_overtaken(cases: int) -> None:
    with shared_folder() as folder, some_workers(folder) as workers:
        for seed in range(cases):
            case = Case(folder, workers, seed)
            try:
                case.run()
            except BaseException:
                print(f"seed {seed}: {case.log}")
                raise
