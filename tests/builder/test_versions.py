"""Versions: their order, which are releases, and which is the newest."""

from __future__ import annotations

import pytest

from builder.versions import (
    is_branch_version,
    is_final,
    is_hash,
    is_release,
    newest,
    numbers,
    version_key,
    version_of,
)


def test_versions_are_ordered_by_age() -> None:
    ordered = ["3.9.2", "3.13.0a1", "3.13.0b1", "v3.13.0rc1", "v3.13.0rc2", "3.13.0", "3.13.10"]
    mixed = sorted(ordered)
    assert mixed != ordered
    assert sorted(mixed, key=version_key) == ordered


def test_newest_puts_what_is_finished_first() -> None:
    assert newest("3.13", ["3.13.0", "3.13.5rc1", "3.13.4", "3.1.9", "main"]) == [
        "3.13.4",
        "3.13.0",
        "3.13.5rc1",
    ]


@pytest.mark.parametrize("name", ["2.7.18", "v2.7.18", "3.14.0rc1", "v3.0", "2.7.18.4"])
def test_releases(name: str) -> None:
    assert is_release(name)


@pytest.mark.parametrize("name", ["2.7", "main", "v2.7.18x", "3", "2c992a0788", ""])
def test_what_is_no_release(name: str) -> None:
    assert not is_release(name)
    assert not is_final(name)


def test_the_version_is_read_from_the_header() -> None:
    assert version_of(b'/* x */\n#define PY_VERSION      \t"2.7.10+"\n#define X\n') == "2.7.10+"
    assert version_of(b"#define PY_MAJOR_VERSION 2\n") is None


@pytest.mark.parametrize(
    ("name", "is_branch"),
    [("3.13", True), ("2.7", True), ("3", False), ("3.13.0", False), ("v3.13", False)],
)
def test_versions_of_the_language(name: str, is_branch: bool) -> None:
    assert is_branch_version(name) is is_branch


@pytest.mark.parametrize(
    ("name", "hash_"), [("2c99", True), ("A" * 40, True), ("2c9", False), ("a" * 41, False)]
)
def test_what_can_be_a_hash(name: str, hash_: bool) -> None:
    assert is_hash(name) is hash_


@pytest.mark.parametrize(
    ("version", "three"),
    [("2.7.10+", "2.7.10"), ("3.14.0a1", "3.14.0"), ("3.13", "3.13"), ("odd", "odd")],
)
def test_the_numbers_of_a_version(version: str, three: str) -> None:
    assert numbers(version) == three
