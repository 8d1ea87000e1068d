from __future__ import annotations

from dataclasses import dataclass, field

from bench.session.progress import ProgressReport
from bench.session.schedule import Schedule
from bench.session.stopping import Rules
from tests.bench.made_up import Judge, record

RULES = Rules(blocks=10, margin=0.01, seed=1, watched=("fast",))


@dataclass
class Bar:
    """What was shown."""

    notes: list[str] = field(default_factory=list)
    left: list[float | None] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def advance(self, steps: float = 1, note: str = "", left: float | None = None) -> None:
        self.notes.append(note)
        self.left.append(left)

    def report(self, text: str) -> None:
        self.lines.append(text)


def progress_of(rules: Rules = RULES, known: int = 0) -> Bar:
    """All that is shown of a session whose first blocks are `known`: `b` takes until 7 blocks."""
    bar = Bar()
    judge = Judge(lambda task, count: "slower" if task != "b" or count >= 7 else "undecided")
    schedule = Schedule(("a", "b"), rules, judge)
    report = ProgressReport(bar, schedule)  # type: ignore[arg-type]
    for number, turn in enumerate(schedule.turns()):
        report.begin()
        schedule.add(record(turn.task, turn.number, 0.001 * (turn.number % 2)))
        report.end(turn, is_new=number >= known)
    report.begin()
    return bar


def test_what_is_decided_is_told_at_each_look() -> None:
    bar = progress_of()
    assert bar.lines == ["1 of 2 decided; undecided: b", "2 of 2 decided"]
    assert bar.notes[0].startswith("0 of 2 decided; ")
    assert bar.notes[-1] == "1 of 2 decided; b: block 7"
    assert bar.left == [19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 1, 0]


def test_what_was_told_in_an_earlier_sitting_is_not_told_again() -> None:
    assert progress_of(known=10).lines == ["2 of 2 decided"]
    assert progress_of(known=12).lines == []


def test_where_nobody_looks_the_block_alone_is_told() -> None:
    bar = progress_of(Rules(blocks=2, margin=0.01, seed=1, sequential=False))
    assert bar.lines == []
    assert sorted(bar.notes) == ["a: block 1", "a: block 2", "b: block 1", "b: block 2"]
