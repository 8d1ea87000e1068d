"""Watching make: what is known beforehand of its files, and who is told how far it is."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from builder.builds import make_progress
from builder.builds.make_progress import PLAIN, TASK, MakeState
from builder.builds.past_builds import PastBuild


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a build like this one compiled: `files` by stage, `seconds` by stage where known.

    `origin` names that build's version; empty without such a build: then nothing is known.
    """

    files: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    origin: str = ""

    @property
    def total(self) -> int | None:
        """The files of all stages; None where none are known."""
        return sum(self.files.values()) or None

    def left(self, state: MakeState, elapsed: float) -> float | None:
        """Seconds that remain, from the pace so far and the seconds of the stages; else None."""
        done = self._done(state)
        whole = sum(self.seconds.values())
        if done is None or whole <= 0 or done <= 0:
            return None
        return max(elapsed / done * (whole - done), 0.0)

    def _done(self, state: MakeState) -> float | None:
        """How many of that build's seconds correspond to what is done."""
        if state.stage not in self.seconds:
            return None
        order = make_progress.STAGES
        before = [name for name in self.seconds if order.index(name) < order.index(state.stage)]
        count = state.counts.get(state.stage)
        of = count.of if count and count.of else self.files.get(state.stage)
        share = min(count.files / of, 1.0) if count and of else 0.0
        return sum(self.seconds[name] for name in before) + share * self.seconds[state.stage]


def expected(build: PastBuild | None) -> Expected:
    """What to expect after a past build."""
    files = None if build is None else build.files()
    if build is None or files is None:
        return Expected()
    counted = {name: count.files for name, count in files.counts.items() if name != TASK}
    seconds = {name: build.made[name] for name in make_progress.STAGES if name in build.made}
    if not seconds and set(counted) == {PLAIN}:
        # A build of an older version: without PGO, make is a single stage.
        seconds = {PLAIN: build.seconds.get("make", 0.0)}
    return Expected(files=counted, seconds=seconds, origin=build.version)


class Watch(Protocol):
    """Shows how far make is. The context lasts as long as make; what it gives is called with each
    new state and the seconds since make began.
    """

    def __call__(
        self, title: str, expected: Expected
    ) -> contextlib.AbstractContextManager[Callable[[MakeState, float], None]]:
        """Begin to watch one make."""


@contextlib.contextmanager
def nobody(title: str, expected: Expected) -> Iterator[Callable[[MakeState, float], None]]:
    """A watch that shows nothing."""
    del title, expected
    yield lambda _state, _seconds: None


class Reader:
    """Follows the lines of one make, and measures its stages."""

    def __init__(
        self,
        report: Callable[[MakeState, float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._report = report
        self._clock = clock
        self._began = self._stage_began = clock()
        self._state = MakeState()
        self._seconds: dict[str, float] = {}

    def line(self, text: str) -> None:
        """Read one line."""
        state = make_progress.after(self._state, text)
        if state is self._state:
            return
        now = self._clock()
        if state.stage != self._state.stage:
            self._end_stage(state.stage, now)
        self._state = state
        # A terminal that went away must not end the reading: make would wait for its reader.
        with contextlib.suppress(OSError):
            self._report(state, now - self._began)

    def _end_stage(self, next_stage: str, now: float) -> None:
        stage = self._state.stage
        if stage == PLAIN and next_stage == make_progress.FIRST:
            return  # the same stage, whose first files show no flag
        self._seconds[stage] = self._seconds.get(stage, 0.0) + now - self._stage_began
        self._stage_began = now

    def seconds(self) -> dict[str, float]:
        """What each stage took so far."""
        spent = self._seconds.get(self._state.stage, 0.0) + self._clock() - self._stage_began
        return {**self._seconds, self._state.stage: spent}
