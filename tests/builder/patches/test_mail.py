"""Mails and mailboxes taken apart, and what is no patch named."""

from __future__ import annotations

import pytest

from builder.patches.mail import split, why_no_diff

FROM = b"From 0123456789 Mon Sep 17 00:00:00 2001\n"
DIFF = b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"


def test_a_bare_diff_is_kept_byte_for_byte() -> None:
    (only,) = split(DIFF + b"\xff\0\r\n")
    assert (only.text, only.line, only.is_mail) == (DIFF + b"\xff\0\r\n", 1, False)


def test_each_mail_knows_its_first_line() -> None:
    mail = FROM + b"Subject: x\n\n" + DIFF
    mails = split(mail + mail + mail)
    assert [one.line for one in mails] == [1, 9, 17]
    assert all(one.is_mail for one in mails)


def test_text_before_the_first_mail_is_a_piece_of_its_own() -> None:
    first, second = split(DIFF + FROM + b"Subject: x\n\n" + DIFF)
    assert (first.is_mail, second.is_mail) == (False, True)
    assert first.text == DIFF
    assert len(split(b"\n\n" + FROM + b"Subject: x\n\n")) == 1


def test_a_sentence_that_begins_with_from_divides_no_mail() -> None:
    assert len(split(FROM + b"Subject: x\n\nFrom here on it is faster.\n" + DIFF)) == 1


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        (b"Subject: [PATCH 1/2] Make it fast", "Make it fast"),
        (b"Subject: =?utf-8?q?sch=C3=B6n?=", "schön"),
        (b"Subject: of two\n lines", "of two lines"),
        (b"Subject: =?no-such-code?q?x?=", ""),
        (b"Subject: a\x1b[31mb", "a[31mb"),
        (b"From: a@example.org", ""),
    ],
)
def test_the_subject_is_one_printable_line(header: bytes, subject: str) -> None:
    (only,) = split(header + b"\nDate: x\n\n" + DIFF)
    assert only.is_mail
    assert only.subject == subject


@pytest.mark.parametrize("head", [b"", b"Hello:\n", b"diff --git a/x b/x\n\n", b"Index: x\n\n"])
def test_what_has_no_headers_of_a_mail_is_none(head: bytes) -> None:
    (only,) = split(head + DIFF)
    assert not only.is_mail
    assert only.text == head + DIFF


def test_an_encoded_mail_is_decoded_and_a_damaged_part_left_out() -> None:
    (only,) = split(
        b"Subject: x\nContent-Transfer-Encoding: quoted-printable\n\n"
        b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+a =3D b\n"
    )
    assert b"+a = b\n" in only.text


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b" \n", "is empty"),
        (b"\xff\xfea\0", "is UTF-16 text"),
        (b"BZh91AY", "is compressed (bzip2)"),
        (b"\xfd7zXZ\0", "is compressed (xz)"),
        (b"PK\x03\x04", "is a zip archive"),
        (b"\n <!DOCTYPE html>", "is a web page"),
        (b"*** a/x\n--- b/x\n***************\n", "is a context diff"),
        (b"3,4c3\n< a\n", "is a plain diff"),
        (b"Only in a: x\n", "only lists names"),
        (b" a.c | 2 +-\n", "is a summary without the diff"),
        (b"\x1b[1mdiff --git\n", "contains terminal colours"),
        (b"\x7fELF\0", "is binary data"),
        (b"hello\n", "has no diff in it"),
    ],
)
def test_what_a_file_without_a_diff_is(data: bytes, what: str) -> None:
    found, hint = why_no_diff(data)
    assert found == what
    assert hint


@pytest.mark.parametrize(
    ("subject", "number", "text"),
    [
        ("[PATCH 2/3] Faster", ("2/3", ""), "Faster"),
        ("[RFC PATCH v2 02/10] Faster", ("2/10", "v2"), "Faster"),
        ("[PATCH 0/3] Faster", ("0/3", ""), "Faster"),
        ("[PATCH] Faster", None, "Faster"),
        ("Re: [PATCH 2/3] Faster", None, "Re: [PATCH 2/3] Faster"),
        ("Faster 2/3", None, "Faster 2/3"),
    ],
)
def test_the_number_in_a_series(subject: str, number: tuple[str, str] | None, text: str) -> None:
    (one,) = split(f"From: a@example.org\nSubject: {subject}\n\nx\n".encode())
    assert one.subject == text
    assert (one.number and (str(one.number), one.number.version)) == number
    assert one.is_cover_letter == ("0/3" in subject)


def test_the_body_ends_before_the_signature() -> None:
    (one,) = split(b"From: a@example.org\nSubject: x\n\nOne\x1b\n\ttwo\n-- \n2.39.5\n")
    assert one.body() == "One\n        two"
