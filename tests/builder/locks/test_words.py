"""The sentences of a run that waits."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from builder.locks import words
from builder.locks.ticket import Ticket, own

NOW = time.mktime((2026, 11, 28, 21, 16, 0, 0, 0, -1))
ALICE = Ticket(
    lock="1-2",
    number=3,
    shared=True,
    holding=True,
    user="alice",
    command="patchbench run fix.toml",
    doing="builds",
    since=NOW - 720,
)


@pytest.mark.parametrize(
    ("ticket", "more", "sentence"),
    [
        (
            ALICE,
            2,
            "Waiting for `patchbench run fix.toml` of alice, which builds since 21:04 (12 min); "
            "2 more are before us.",
        ),
        (
            replace(ALICE, since=NOW - 30),
            1,
            "Waiting for `patchbench run fix.toml` of alice, which builds since 21:15 (30 s); "
            "1 more is before us.",
        ),
        (
            replace(ALICE, since=NOW - 86400, doing="measures"),
            0,
            "Waiting for `patchbench run fix.toml` of alice, which measures since 2026-11-27 21:16 "
            "(24.0 h).",
        ),
        (
            replace(ALICE, holding=False),
            0,
            "Waiting for `patchbench run fix.toml` of alice, which is to be next and waits since "
            "21:04 (12 min).",
        ),
        (
            replace(ALICE, command="", doing="", since=0.0),
            0,
            "Waiting for a run of alice, which holds the lock.",
        ),
        (
            replace(ALICE, since=NOW + 3600),  # by a clock that was set back
            0,
            "Waiting for `patchbench run fix.toml` of alice, which builds.",
        ),
    ],
)
def test_who_is_waited_for(ticket: Ticket, more: int, sentence: str) -> None:
    assert words.waiting_for(ticket, more, now=NOW) == sentence


def test_a_process_is_named_where_its_number_means_something() -> None:
    ours = replace(own("1-2", 1, shared=True, doing="builds"), user="bob")
    assert f"of bob (process {ours.pid})," in words.waiting_for(ours, 0, now=NOW)
    for other in (replace(ours, start=ours.start + 1), replace(ours, namespace=1)):
        assert "process" not in words.waiting_for(other, 0, now=NOW)


def test_what_has_no_ticket_is_described() -> None:
    assert "/run/lock/x" in words.without_ticket(Path("/run/lock/x"))
