"""The family of errors: what each says, and its exit code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from builder import errors
from builder.errors import PatchbenchError, SourceError, UnreachableError


def family(of: type[PatchbenchError] = PatchbenchError) -> Iterator[type[PatchbenchError]]:
    for error in of.__subclasses__():
        if error.__module__ == errors.__name__:
            yield error
            yield from family(error)


@pytest.mark.parametrize(
    ("where", "hint", "text"),
    [
        ("", "", "It fails."),
        ("a.toml, key", "", "It fails.\n  where: a.toml, key"),
        ("", "Try again.", "It fails.\n  to do: Try again."),
        ("one\ntwo", "a\nb", "It fails.\n  where: one\n         two\n  to do: a\n         b"),
    ],
)
def test_the_text_has_only_the_parts_that_there_are(where: str, hint: str, text: str) -> None:
    assert str(PatchbenchError("It fails.", where=where, hint=hint)) == text


def test_no_two_kinds_of_error_have_one_exit_code() -> None:
    codes = [error.exit_code for error in family() if error is not UnreachableError]
    assert len(codes) == len(set(codes))
    special = {errors.EXIT_VERDICT, errors.EXIT_BUG, errors.EXIT_SKIP, errors.EXIT_STOP}
    special |= {errors.EXIT_INTERRUPTED, errors.EXIT_TERMINATED, PatchbenchError.exit_code, 0}
    assert not special & set(codes)


def test_a_source_that_does_not_answer_ends_as_any_failing_source() -> None:
    assert UnreachableError.exit_code == SourceError.exit_code
