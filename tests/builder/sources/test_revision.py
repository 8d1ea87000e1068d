"""What names mean: builder.sources.revision, without any repository."""

from __future__ import annotations

import pytest

from builder.git.repository import Refs
from builder.sources.revision import choose, unknown

REFS = Refs(
    branches={"3.13": "b313", "2.7": "b27", "main": "bmain", "topic/x": "btopic"},
    tags={
        "2.7": "t27",
        "3.8": "t38",
        "v2.7.9": "t279",
        "v2.7.18": "t2718",
        "v3.12.1": "t3121",
        "v3.12.10": "t31210",
        "v3.12.10rc1": "t31210rc1",
        "v3.14.0a7": "t3140a7",
        "v3.14.0rc2": "t3140rc2",
        "v3.11": "t311",
    },
)


@pytest.mark.parametrize(
    ("name", "ref"),
    [
        ("3.13", "refs/heads/3.13"),
        ("2.7", "refs/heads/2.7"),  # a tag has the same name
        ("3.8", "refs/tags/3.8"),  # where a branch ended
        ("3.12", "refs/tags/v3.12.10"),  # not the one that sorts last as text, nor its candidate
        ("3.14", "refs/tags/v3.14.0rc2"),
        ("3.11", "refs/tags/v3.11"),
        ("2.7.18", "refs/tags/v2.7.18"),
        ("v2.7.9", "refs/tags/v2.7.9"),
        ("main", "refs/heads/main"),
        ("topic/x", "refs/heads/topic/x"),
        ("refs/tags/2.7", "refs/tags/2.7"),
        ("refs/heads/2.7", "refs/heads/2.7"),
        ("3.1", None),
        ("2.7.1", None),
        ("nosuch", None),
        ("", None),
    ],
)
def test_choose(name: str, ref: str | None) -> None:
    chosen = choose(name, REFS)
    assert (chosen[0] if chosen else None) == ref


@pytest.mark.parametrize(
    ("name", "known", "shown"),
    [
        ("2.7.99", ["v2.7.17", "v2.7.18", "v3.9.2"], "There: v2.7.17, v2.7.18."),
        ("3.15", ["3.13", "main", "v3.13.5", "v3.13.0rc1"], "There: main, 3.13, v3.13.5."),
        ("maste", ["master", "2.7"], "There: master."),
        ("x", [], "There is nothing."),
    ],
)
def test_unknown_names_say_what_is_there(name: str, known: list[str], shown: str) -> None:
    error = unknown(name, "git x", known)
    assert error.what == f"{name} is not a revision of this source."
    assert error.hint.startswith(shown)
