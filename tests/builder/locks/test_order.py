"""The order of locks, and that nobody takes one past the queue."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import pytest

from builder.errors import StoreError
from builder.locks.order import LockOrder, in_order

ROOT = Path(__file__).parents[3]
# Short work inside which nothing else is locked: the tally of A/A arms, `git init`.
WITHOUT_QUEUE = {"bench/measure/choice.py", "builder/files.py", "builder/git/repository.py"}

H, W, M, R = LockOrder.HOST, LockOrder.WORK, LockOrder.MADE, LockOrder.FOLDER


def take(*locks: tuple[LockOrder, str, bool]) -> None:
    with contextlib.ExitStack() as stack:
        for order, name, shared in locks:
            stack.enter_context(in_order(order, Path(name), shared=shared))


@pytest.mark.parametrize(
    "locks",
    [
        [(M, "build", False), (W, "work", False), (H, "host", True)],
        [(R, "out", False), (M, "a", True), (M, "b", True), (H, "host", False)],
        [(R, "out", False), (M, "a", True), (M, "b", False), (W, "work", False)],
        [(M, "a", True), (M, "a", True)],
    ],
)
def test_what_runs_do_is_in_order(locks: list[tuple[LockOrder, str, bool]]) -> None:
    take(*locks)
    take(*locks)  # nothing is left of the first time


@pytest.mark.parametrize(
    ("locks", "error"),
    [
        ([(H, "host", True), (W, "work", False)], RuntimeError),
        ([(H, "host", True), (H, "other", True), (W, "work", False)], RuntimeError),
        ([(H, "host", False), (M, "a", True)], RuntimeError),
        ([(W, "one", False), (W, "other", False)], RuntimeError),
        ([(M, "a", True), (M, "a", False)], StoreError),
        ([(H, "host", False), (H, "host", True)], StoreError),
    ],
)
def test_what_could_wait_for_itself_or_in_a_circle_is_refused(
    locks: list[tuple[LockOrder, str, bool]], error: type[Exception]
) -> None:
    with pytest.raises(error):
        take(*locks)
    take((R, "out", False))


def test_what_does_not_wait_needs_no_order() -> None:
    with (
        in_order(H, Path("host"), shared=False),
        in_order(M, Path("a"), shared=False, waits=False),
    ):
        pass


def test_every_thread_has_its_own() -> None:
    with in_order(H, Path("host"), shared=True):
        thread = threading.Thread(target=take, args=((W, "work", False),))
        thread.start()
        thread.join()


def test_no_long_lock_is_taken_past_the_queue() -> None:
    files = (path for top in ("bench", "builder") for path in (ROOT / top).rglob("*.py"))
    users = {
        str(path.relative_to(ROOT)) for path in files if "hold_lock(" in path.read_text("utf-8")
    }
    assert users == WITHOUT_QUEUE
