"""Splitting mails and mailboxes with patches, and recognising files that are not patches."""

from __future__ import annotations

import binascii
import email.parser
import re
from dataclasses import dataclass

# The first line of a mail in a mailbox, as far as git format-patch and git mailsplit agree.
_FROM_LINE = re.compile(rb"^From \S+ .*\d\d:\d\d.*\d{4}\r?$", re.MULTILINE)
_HEADER = re.compile(rb"[A-Za-z][A-Za-z0-9-]*:")
_MAIL_HEADERS = (b"from:", b"subject:", b"date:", b"message-id:", b"content-type:")
_MAX_HEADER_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class MailNumber:
    """[PATCH v2 3/5]: 3 of 5, version "v2"."""

    at: int
    of: int
    version: str = ""

    def __str__(self) -> str:
        return f"{self.at}/{self.of}"


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail of a mailbox, or a whole bare diff.

    `text` is the mail with transfer encodings decoded; a bare diff is left unchanged. `line` is the
    line of the file at which `text` begins, from 1. `is_mail`: it has mail headers. `number` is its
    place in a series by its subject: [PATCH 2/3]; `number.at` is 0 for a cover letter.
    """

    text: bytes
    line: int
    subject: str = ""
    is_mail: bool = False
    number: MailNumber | None = None

    @property
    def is_cover_letter(self) -> bool:
        """Whether its subject says that it describes a series."""
        return self.number is not None and self.number.at == 0

    def body(self) -> str:
        """The text below the headers, up to the signature, without characters of control."""
        text = re.split(rb"\r?\n\r?\n", self.text, maxsplit=1)[-1] if self._has_head else self.text
        text = re.split(rb"^-- $", text, maxsplit=1, flags=re.MULTILINE)[0]
        decoded = text[:_MAX_HEADER_BYTES].decode("utf-8", "backslashreplace").expandtabs(8)
        return "".join(char for char in decoded if char.isprintable() or char == "\n").strip()

    @property
    def _has_head(self) -> bool:
        return _head(self.text) is not None


def split(data: bytes) -> tuple[Mail, ...]:
    """The mails of a mailbox, in order; a bare diff is returned as one mail."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    starts = [match.start() for match in _FROM_LINE.finditer(data)]
    if not starts or data[: starts[0]].strip():
        starts.insert(0, 0)
    mails, line, counted = [], 1, 0
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        line += data.count(b"\n", counted, start)
        counted = start
        mails.append(_read(data[start:end], line))
    return tuple(mails)


def _read(piece: bytes, line: int) -> Mail:
    head = _head(piece)
    if head is None:
        return Mail(text=piece, line=line)
    headers = email.parser.BytesHeaderParser().parsebytes(head)
    encoding = str(headers.get("Content-Transfer-Encoding", "")).strip().lower()
    encoded = encoding in ("base64", "quoted-printable")
    if encoded or headers.get_content_maintype() == "multipart":
        piece = _decoded(piece)
    subject, number = _subject(headers)
    return Mail(text=piece, line=line, subject=subject, is_mail=True, number=number)


def _head(piece: bytes) -> bytes | None:
    """The header block without its `From ` line; None if there are no mail headers."""
    if _FROM_LINE.match(piece):
        piece = piece.partition(b"\n")[2]
    match = re.search(rb"\r?\n\r?\n", piece[:_MAX_HEADER_BYTES])
    head = piece[: match.start()] if match else b""
    if not _HEADER.match(head) or not any(
        line.lower().startswith(_MAIL_HEADERS) for line in head.split(b"\n")
    ):
        return None
    return head + b"\n\n"


def _decoded(piece: bytes) -> bytes:
    if _FROM_LINE.match(piece):
        piece = piece.partition(b"\n")[2]
    texts = []
    for part in email.message_from_bytes(piece).walk():
        if part.is_multipart():
            continue
        try:
            payload = part.get_payload(decode=True)
        except (binascii.Error, LookupError, ValueError):
            continue
        if isinstance(payload, bytes):
            texts.append(payload if payload.endswith(b"\n") else payload + b"\n")
    return b"\n".join(texts)


_TAG = re.compile(r"^\s*\[([^\]]*)\]\s*")


def _subject(headers: email.message.Message) -> tuple[str, MailNumber | None]:
    """The subject without its first [tag], and the number in that."""
    try:
        text = str(email.header.make_header(email.header.decode_header(headers.get("Subject", ""))))
    except (email.errors.MessageError, LookupError, ValueError, binascii.Error):
        return "", None
    text = re.sub(r"\s+", " ", text)
    tag = _TAG.match(text)
    number = re.search(r"(?<!\S)(\d{1,4})/(\d{1,4})$", tag[1].strip()) if tag else None
    version = re.search(r"(?<!\S)v\d+(?!\S)", tag[1]) if tag else None
    text = _TAG.sub("", text)
    return "".join(char for char in text if char.isprintable()).strip(), number and MailNumber(
        at=int(number[1]), of=int(number[2]), version=version[0] if version else ""
    )


_NOT_TEXT = (
    (b"\xff\xfe", "is UTF-16 text", "Save it as UTF-8; PowerShell's `>` writes UTF-16."),
    (b"\xfe\xff", "is UTF-16 text", "Save it as UTF-8."),
    (b"\x1f\x8b", "is compressed (gzip)", "Unpack it first: gunzip."),
    (b"\xfd7zXZ", "is compressed (xz)", "Unpack it first: unxz."),
    (b"BZh", "is compressed (bzip2)", "Unpack it first: bunzip2."),
    (b"\x28\xb5\x2f\xfd", "is compressed (zstd)", "Unpack it first: unzstd."),
    (b"PK\x03\x04", "is a zip archive", "Unpack it first: unzip."),
)
_NOT_UNIFIED = (
    (
        rb"^\x1b\[[0-9;]*m(diff |--- |@@ )",
        "contains terminal colours",
        "Use `git diff --no-color`.",
    ),
    (rb"^\*\*\* .+\r?\n--- .+\r?\n\*{15}", "is a context diff", "Make it with `diff -u`."),
    (rb"^\d+(,\d+)?[acd]\d+(,\d+)?\r?\n[<>] ", "is a plain diff", "Make it with `diff -u`."),
    (rb"^\d+(,\d+)?[acd]\r?\n", "is an ed script", "Make it with `diff -u`."),
    (rb"^Only in \S+: ", "only lists names", "Make it with `diff -ruN`, which shows new files."),
    (rb"^ \S.* +\| +\d+ [+-]*\r?$", "is a summary without the diff", "Use `git diff`, not --stat."),
)
_UNIFIED = "A patch is the output of `git format-patch`, `git diff` or `diff -u`."


def why_no_diff(data: bytes) -> tuple[str, str]:
    """The kind of a file that has no unified diff, and a hint; both for an error message."""
    if not data.strip():
        return "is empty", _UNIFIED
    for magic, what, hint in _NOT_TEXT:
        if data.startswith(magic):
            return what, hint
    if re.match(rb"\s*<(!doctype|html|\?xml)", data[:256], re.IGNORECASE):
        return "is a web page", "Download the patch itself (often the address with .patch added)."
    for pattern, what, hint in _NOT_UNIFIED:
        if re.search(pattern, data, re.MULTILINE):
            return what, hint
    if b"\0" in data:
        return "is binary data", _UNIFIED
    return "has no diff in it", _UNIFIED
