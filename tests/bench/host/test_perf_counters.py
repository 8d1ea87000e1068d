"""Whether the kernel lets us count instructions: its answers, and those of machines unlike this."""

from __future__ import annotations

import ctypes
import errno
import os
import re
from types import SimpleNamespace

import pytest

from bench.host import perf_counters
from bench.host.perf_counters import probe_counters


def test_asking_the_kernel_for_a_counter_answers_with_an_errors_name_or_none() -> None:
    error = probe_counters()

    assert error is None or re.fullmatch("E[A-Z0-9]+", error)


def test_a_machine_whose_system_call_is_not_known_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine="sparc"))
    assert perf_counters.probe_counters() == "ENOSYS"


class Kernel:
    """Answers a system call with a descriptor, or fails with an error's number."""

    def __init__(self, answer: int, error: int = 0) -> None:
        self.arguments: tuple[object, ...] = ()
        self.answer = answer
        self.error = error

    def __call__(self, *arguments: object) -> int:
        self.arguments = arguments
        return self.answer


def ask(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> str | None:
    library = SimpleNamespace(syscall=kernel)
    monkeypatch.setattr(ctypes, "CDLL", lambda _name, use_errno: library)
    monkeypatch.setattr(ctypes, "get_errno", lambda: kernel.error)
    return perf_counters.probe_counters()


@pytest.mark.parametrize(
    ("number", "name"),
    [(errno.ENOENT, "ENOENT"), (errno.EACCES, "EACCES"), (9999, "9999")],
)
def test_a_refusal_is_the_name_of_its_error(
    number: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(Kernel(-1, number), monkeypatch) == name


def test_a_counter_that_works_is_closed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    try:
        assert ask(Kernel(writer), monkeypatch) is None
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(writer)
    finally:
        os.close(reader)
