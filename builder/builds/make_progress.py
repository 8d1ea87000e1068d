"""How far make is, read from the lines that it prints. Pure.

A step counts compiled files, one for each command that compiles one. With PGO the same files are
compiled twice, and the profile task runs between, so there are three stages; the flags of the
compiler show which one it is, whatever a branch's makefile is called.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

PLAIN = "compiling"
FIRST = "first build"
TASK = "profile task"
SECOND = "second build"
STAGES = (PLAIN, FIRST, TASK, SECOND)
"""The names of stages, in the order in which they come."""

_COMPILES = re.compile(
    r"\s-c\s.*?\S\.(?:c|cc|cpp|cxx|m|S|s)(?=[\s'\"]|$)|\S\.(?:c|cc|cpp)\s(?:.*\s)?-c\s"
)
_GENERATES = re.compile(r"\s-fprofile(?:-instr)?-generate\b")
_USES = re.compile(r"\s-fprofile(?:-instr)?-use\b")
_BEGINS_TASK = re.compile(r"to generate profile data|\s-m test(?:\.regrtest)? .*--pgo\b")
# "0:00:12 [ 3/43] test_base64" of 3.x, "[ 3/43] test_base64" of 2.7, with failures as "[3/43/1]".
_TEST = re.compile(r"^(?:\d+:\d+:\d+ (?:load avg: \S+ )?)?\[ *(\d+)/ *(\d+)(?:/\d+)?\]")


@dataclass(frozen=True, kw_only=True)
class StageCount:
    """What one stage did so far: `files` compiled, or `files` of `of` tests of the profile task."""

    files: int = 0
    of: int | None = None


@dataclass(frozen=True, kw_only=True)
class MakeState:
    """How far make is: its stage, and the counts of this stage and those before."""

    stage: str = PLAIN
    counts: Mapping[str, StageCount] = field(default_factory=dict)

    @property
    def files(self) -> int:
        """The files compiled so far, in all stages."""
        return sum(count.files for name, count in self.counts.items() if name != TASK)


def after(state: MakeState, line: str) -> MakeState:
    """The state after one more line of output; the same object where the line says nothing."""
    if _COMPILES.search(line):
        return _counted(state, _stage_of(line, state.stage))
    if state.stage == FIRST and _BEGINS_TASK.search(line):
        return MakeState(stage=TASK, counts={**state.counts, TASK: StageCount()})
    test = _TEST.match(line) if state.stage == TASK else None
    if test is not None:
        count = StageCount(files=int(test[1]), of=int(test[2]))
        return MakeState(stage=TASK, counts={**state.counts, TASK: count})
    return state


def _stage_of(line: str, stage: str) -> str:
    """The stage of a command that compiles; one without a flag of PGO belongs to the one before."""
    if _GENERATES.search(line):
        return FIRST
    if _USES.search(line):
        return SECOND
    return stage


def _counted(state: MakeState, stage: str) -> MakeState:
    counts = dict(state.counts)
    if stage == FIRST and PLAIN in counts:
        # Files that the makefile compiles before its first one with the flag are of the same stage.
        counts[FIRST] = counts.pop(PLAIN)
    before = counts.get(stage, StageCount())
    counts[stage] = StageCount(files=before.files + 1)
    return MakeState(stage=stage, counts=counts)


def of_log(text: str) -> MakeState:
    """The state at the end of a whole log."""
    state = MakeState()
    for line in text.splitlines():
        state = after(state, line)
    return state
