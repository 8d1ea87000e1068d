"""Which builds and raw data may go."""

from __future__ import annotations

from datetime import date

from bench.nightly.config import Keep
from bench.nightly.retention import Ledger, to_drop, to_pack
from bench.nightly.state import LineState, NightState
from bench.util import documents


def night(day: int, **builds: tuple[str, ...]) -> NightState:
    tasks = tuple(
        LineState(branch="main", flavor=name, builds=keys) for name, keys in builds.items()
    )
    return NightState(date=date(2026, 11, day), tasks=tasks)


def ledger(*nights: NightState) -> Ledger:
    found = Ledger()
    for one in nights:
        found = found.after(one)
    return found


def test_builds_of_old_nights_go() -> None:
    found = ledger(
        night(1, plain=("release", "a")),
        night(2, plain=("release", "a", "b")),
        night(3, plain=("release", "b", "c")),
        night(4, plain=("release", "c", "d")),
    )
    days = [date(2026, 11, n) for n in range(1, 5)]
    assert found.unneeded(days, 1) == ("a", "b")
    assert found.unneeded(days, 2) == ("a",)
    assert found.unneeded(days, 3) == ()


def test_a_lines_next_base_stays_however_old_it_is() -> None:
    found = ledger(night(1, plain=("x", "y"), pgo=("p",)), night(2, plain=("y", "z")), night(3))
    days = [date(2026, 11, n) for n in range(1, 4)]
    assert found.unneeded(days, 1) == ("x",)
    assert found.without(("x",)).unneeded(days, 1) == ()


def test_a_ledger_is_kept_as_json() -> None:
    found = ledger(night(1, plain=("x",)))
    assert documents.load(Ledger, documents.dump(found)) == found


def test_raw_data_are_packed_and_then_dropped() -> None:
    days = [date(2026, 10, 1), date(2026, 10, 20), date(2026, 10, 21), date(2026, 10, 31)]
    keep = Keep(compact=11, raw=30)
    today = date(2026, 10, 31)
    assert to_drop(days, today, keep) == (date(2026, 10, 1),)
    assert to_pack(days, today, keep) == (date(2026, 10, 20),)
