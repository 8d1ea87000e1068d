"""Patch files that are given together."""

from __future__ import annotations

import pytest

from builder.errors import PatchError
from builder.patches.files import PatchFile, stack_files
from tests.builder.patches.tiny import edit

LETTER = (
    b"From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
    b"From: A B <a@example.org>\nSubject: [PATCH 0/3] Faster loops\n\n"
    b"Two changes\nof the loop.\n\nA B (3):\n  One\n\n Python/ceval.c | 2 +-\n"
    b" 1 file changed, 1 insertion(+), 1 deletion(-)\n\n-- \n2.39.5\n"
)


def given(path: str, number: int = 5, subject: str = "") -> PatchFile:
    """A file that changes one line, as a mail if it has a subject."""
    head = f"From: A B <a@example.org>\nSubject: {subject}\n\n---\n\n".encode() if subject else b""
    return PatchFile(path=path, data=head + edit(number))


def names(*files: PatchFile) -> list[str]:
    return [series.name for series in stack_files(files).series]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["/t/a/fix.diff", "/t/b/fix.diff"], ["fix", "fix-2"]),
        (["/t/fix.diff", "/t/fix.patch", "/t/c/fix.diff"], ["fix", "fix-2", "fix-3"]),
        (["a/fix.diff", "b/fix.diff", "fix-2.diff"], ["fix", "fix-3", "fix-2"]),
        (["fix-2.diff", "a/fix.diff", "b/fix.diff"], ["fix-2", "fix", "fix-3"]),
        (["-", "stdin.diff"], ["stdin", "stdin-2"]),
        (["one.diff", "two.diff"], ["one", "two"]),
    ],
)
def test_names_are_distinct_and_in_order(paths: list[str], expected: list[str]) -> None:
    files = [given(path, number) for number, path in enumerate(paths, 5)]
    assert names(*files) == expected


def test_errors_name_the_file_and_not_only_its_last_part() -> None:
    stack = stack_files([given("/t/a/fix.diff", 5), given("/t/b/fix.diff", 6)])
    assert [series.patches[0].place for series in stack.series] == ["a/fix.diff", "b/fix.diff"]
    bad = PatchFile(path="/t/b/fix.diff", data=edit(6)[:-1])
    with pytest.raises(PatchError) as caught:
        stack_files([given("/t/a/fix.diff", 5), bad])
    assert caught.value.where.startswith("b/fix.diff, line ")


@pytest.mark.parametrize(
    ("files", "pieces"),
    [
        ([given("a.diff"), given("a.diff")], ["a.diff is given twice", "Name each patch once"]),
        ([given("a/x.diff"), given("b/y.diff")], ["y.diff has the same content as a/x.diff"]),
        ([given("-"), given("-")], ["Standard input is given twice", "only once"]),
        (
            [PatchFile(path="fp/0000-cover-letter.patch", data=LETTER)],
            ["0000-cover-letter.patch is a cover letter", "--patch FOLDER/*.patch"],
        ),
        (
            [given("a.diff"), PatchFile(path="notes.txt", data=b"Dear all\n")],
            ["notes.txt has no diff in it"],
        ),
    ],
)
def test_what_is_refused(files: list[PatchFile], pieces: list[str]) -> None:
    with pytest.raises(PatchError) as caught:
        stack_files(files)
    for piece in pieces:
        assert piece in str(caught.value)


SERIES = [
    given("/t/fp/0001-one.patch", 5, "[PATCH 1/3] One"),
    given("/t/fp/0002-two.patch", 12, "[PATCH 2/3] Two"),
    given("/t/fp/0003-three.patch", 20, "[PATCH 3/3] Three"),
]


@pytest.mark.parametrize("at", [0, 3])
def test_a_cover_letter_describes_the_series(at: int) -> None:
    files = list(SERIES)
    files.insert(at, PatchFile(path="/t/fp/0000-cover-letter.patch", data=LETTER))
    stack = stack_files(files)
    (series,) = stack.series
    assert (series.name, series.title) == ("fp", "Faster loops")
    assert series.why.startswith("Two changes\nof the loop.\n")
    assert "2.39.5" not in series.why
    assert [patch.name for patch in series.patches] == [
        "0001-one.patch",
        "0002-two.patch",
        "0003-three.patch",
    ]
    assert stack.descriptions == ("fp: Faster loops (cover letter)",)
    assert stack.notes == ()


def test_a_letter_without_a_subject_leaves_that_of_the_first_patch() -> None:
    data = LETTER.replace(b"Faster loops", b"*** SUBJECT HERE ***")
    letter = PatchFile(path="/t/fp/0000-cover-letter.patch", data=data)
    assert stack_files([letter, *SERIES]).series[0].title == "One"


def test_a_mailbox_has_its_letter_inside() -> None:
    box = LETTER + b"From a@b Mon Sep 17 00:00:00 2001\n" + SERIES[0].data
    (series,) = stack_files([PatchFile(path="box.mbox", data=box)]).series
    assert (series.title, series.why[:11]) == ("Faster loops", "Two changes")


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ([0, 1, 2], []),
        ([1, 0, 2], ["numbered 2/3, 1/3, 3/3, and are applied in this order, as given"]),
        ([0, 2], ["of the series of 3 patches, 1 is not given: 2"]),
        ([2], ["of the series of 3 patches, 2 are not given: 1, 2"]),
    ],
)
def test_numbers_that_are_unusual_are_said(order: list[int], said: list[str]) -> None:
    notes = stack_files([SERIES[number] for number in order]).notes
    assert len(notes) == len(said)
    for note, piece in zip(notes, said, strict=True):
        assert piece in note


def test_two_series_of_one_length_are_told_apart() -> None:
    again = [
        given(f"/t/other/{n}.patch", line, f"[PATCH {n}/3] X")
        for n, line in ((1, 25), (2, 30), (3, 35))
    ]
    assert stack_files([*SERIES, *again]).notes == ()
