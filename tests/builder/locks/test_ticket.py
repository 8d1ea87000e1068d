"""What a ticket shows to other users."""

from __future__ import annotations

import os

import pytest

from builder.locks import ticket


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--home", "/h", "run", "fix.toml"], "patchbench run fix.toml"),
        (["--home=/h", "run", "a b.toml"], "patchbench run 'a b.toml'"),
        (["run", "--home"], "patchbench run --home"),
        ([], "patchbench"),
        (
            ["run", "--source", "https://me:secret@example.org/x.git?token=secret"],
            "patchbench run --source https://example.org/x.git",
        ),
        (
            ["run", "--source=https://secret@example.org/x"],
            "patchbench run --source=https://example.org/x",
        ),
        (["run", "/home/me/fix.toml", "--out=/home/me/out"], "patchbench run fix.toml --out=out"),
        (["gate", "3.13/fast", "/"], "patchbench gate 3.13/fast /"),
        (["run", "a\nb\x1b"], "patchbench run 'a?b?'"),
        (["run", "x" * 100], "patchbench run " + "x" * 62 + "..."),
    ],
)
def test_a_command_is_short_and_has_no_passwords(words: list[str], shown: str) -> None:
    assert ticket.command_line(["/usr/bin/patchbench", *words]) == shown


def test_a_process_is_known_by_its_start() -> None:
    assert ticket.start_of(os.getpid()) > 0
    assert ticket.start_of(2**31 - 1) == 0
    assert ticket.start_of(-1) == 0


@pytest.mark.parametrize("shared", [True, False])
def test_names_of_tickets_are_read_as_they_are_written(shared: bool) -> None:
    own = ticket.own("1f-2", 12, shared=shared, doing="builds")
    match = ticket._NAME.fullmatch(own.name)
    assert match is not None
    assert (match["lock"], int(match["number"])) == ("1f-2", 12)
    assert (match["share"] == "shared") == shared
