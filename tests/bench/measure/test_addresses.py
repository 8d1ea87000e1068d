"""Addresses: really chosen by us, the same for processes that get the same, and drawn again."""

from __future__ import annotations

import random
import resource
import sys

import pytest

from bench.measure.addresses import PROBE, Addresses, draw
from builder.process import Command, SystemRunner, clean_environment

_TELL = "print(*[s for s in open('/proc/self/maps') if 'stack' in s or 'libc' in s])"


def _places(addresses: Addresses) -> str:
    environment = clean_environment(PATCHBENCH_PADDING=addresses.filling)
    argv = (*addresses.prefix, sys.executable, "-S", "-c", _TELL)
    done = SystemRunner().run(Command(argv=argv, env=environment))
    assert done.ok, done.output
    return done.output


def test_the_kernel_puts_processes_where_they_were_told_to_be() -> None:
    if not SystemRunner().run(Command(argv=PROBE, env=clean_environment())).ok:
        pytest.skip("addresses cannot be chosen here")
    first, second = (draw(random.Random(seed)) for seed in (1, 2))
    assert _places(first) == _places(first)
    assert _places(first) != _places(second)


def test_draws_are_those_of_the_chance_alone() -> None:
    one = draw(random.Random(7))
    assert one == draw(random.Random(7))
    assert len({draw(random.Random(seed)) for seed in range(50)}) == 50
    assert len(one.filling) == one.padding < 4096


def test_a_limit_that_may_not_be_raised_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (8 << 20, 64 << 20))
    one = draw(random.Random(7))
    assert one.stack is None
    assert one.prefix == ("setarch", "-R")
