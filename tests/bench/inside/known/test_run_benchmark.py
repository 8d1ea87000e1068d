"""Our script of known work, as pyperf's worker runs it and by itself."""

from __future__ import annotations

import importlib.util
import time
from types import ModuleType

import pyperf
import pytest

from bench.jobs.calibrate import known_difference

SCRIPT = known_difference._SCRIPT


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("known_work", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["compute", "wait"])
@pytest.mark.parametrize("loops", [0, 1, 7, 50])
def test_as_many_pieces_as_loops_between_two_looks_at_the_clock(
    name: str, loops: int, script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    piece = script._piece

    def counted(*arguments: object) -> object:
        events.append("piece")
        return piece(*arguments)

    def clock() -> float:
        events.append("clock")
        return float(len(events))

    monkeypatch.setattr(script, "_piece", counted)
    monkeypatch.setattr(pyperf, "perf_counter", clock)
    monkeypatch.setattr(time, "sleep", lambda seconds: events.append("nap"))
    naps = 1 if name == "wait" else 0
    assert getattr(script, name)(loops) == len(events) - 1
    assert events == ["clock", *(["nap"] * naps + ["piece"]) * loops, "clock"]


def test_every_piece_is_the_same_work(script: ModuleType) -> None:
    words = ["a", "b", "a"]
    numbers = [3, 1, 2]
    first = script._piece(words, numbers)
    assert first == script._piece(words, numbers) == (4.5, [1, 2, 3], "A-B-A")
    assert (words, numbers) == (["a", "b", "a"], [3, 1, 2])
