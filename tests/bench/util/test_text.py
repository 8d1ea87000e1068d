"""Text of unknown origin made harmless, and lines of a terminal or a mail."""

from __future__ import annotations

import shlex

import pytest

from bench.util.text import COLUMNS, command, cut, harmless, paragraph, plain, safe, slug


def test_control_characters_do_no_harm() -> None:
    assert harmless("a\x1b[31mb\x07\nc\td\x9b") == "a?[31mb?\nc\td?"


LONG = "x" * 200


@pytest.mark.parametrize(
    "typed",
    [
        "patchbench run x.toml --seed 7",
        f"patchbench run {' '.join(['--series 3.13/one'] * 20)}",
        f"patchbench run {LONG}{LONG} --seed 7",
        f"patchbench run {shlex.quote(LONG + ' ' + LONG)}",
        "patchbench run " + shlex.quote("it's " * 60),
        "patchbench run " + shlex.quote("'" * 90) + " --seed 7",
        "patchbench run 'two  blanks' --seed 7",
    ],
)
def test_a_command_can_be_pasted_however_long_its_words(typed: str) -> None:
    lines = command(typed)

    assert max(map(len, lines)) <= COLUMNS
    assert shlex.split("\n".join(lines).replace("\\\n", "")) == shlex.split(typed)


def test_what_is_no_command_is_text() -> None:
    assert command("patchbench run 'never ended") == ["  patchbench run 'never ended"]


def test_letters_beyond_ascii_are_shown_as_escapes() -> None:
    assert plain(" a\u00e9\n\t\x1b[31m ") == "a\\xe9 ?[31m"


@pytest.mark.parametrize("char", ["\u202e", "\u200f", "\u2066", "\ufeff", "\x9b", "\r", "\x7f"])
def test_what_reorders_or_hides_text_is_replaced(char: str) -> None:
    assert harmless(f"a{char}b") == "a?b"


def test_slugs_are_paths_and_no_two_names_share_one() -> None:
    assert slug("json_dumps-1.2") == "json_dumps-1.2"
    names = ["a/b", "a_b", "a b", "..", ".", ".hidden", "é", "x" * 300, "x" * 301]
    slugs = [slug(name) for name in names]
    assert len(set(slugs)) == len(names)
    assert not any("/" in slug or slug in (".", "..") or len(slug) > 110 for slug in slugs)


@pytest.mark.parametrize(
    ("line", "safe_line"),
    [("From here", " From here"), (".", " ."), ("--", " --"), ("from", "from"), ("..", "..")],
)
def test_no_line_ends_a_mail_or_begins_the_next(line: str, safe_line: str) -> None:
    assert safe(line) == safe_line


def test_a_paragraph_leaves_room_for_one_column() -> None:
    lines = list(paragraph("word " * 60, "    ", "- "))
    assert lines[0].startswith("- word")
    assert all(line.startswith("    word") for line in lines[1:])
    assert max(map(len, lines)) < COLUMNS
    assert list(paragraph(" \n")) == []


@pytest.mark.parametrize(("width", "shown"), [(5, "abcde"), (4, "a..."), (3, "...")])
def test_what_is_too_long_is_cut(width: int, shown: str) -> None:
    assert cut("abcde", width) == shown
