"""Patch files and the messages in them: mail, mailbox with several mails, git diff or diff -u."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from builder.errors import PatchError
from builder.patches import diff, mail
from builder.patches.diff import FileDiff
from builder.patches.mail import MailNumber
from builder.patches.paths import shown

# The difference between two CPython releases is smaller than this.
MAX_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Patch:
    """The name and unchanged content of a patch file; `place` names it in errors, if not `name`."""

    name: str
    data: bytes
    place: str = ""

    @property
    def sha256(self) -> str:
        """The SHA-256 of its content, in hex; results identify the patch by it."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Message:
    """One mail's diff, or a bare diff: the unit that is applied.

    `data` is passed to git, `where` names it in errors. `crlf`: its header lines end in CR LF.
    `number` is that of its mail in a series, `stated` the number of files by its mail's summary.
    """

    where: str
    subject: str
    data: bytes
    files: tuple[FileDiff, ...]
    crlf: bool
    number: MailNumber | None = None
    stated: int | None = None


def parse(patch: Patch, series: str = "") -> tuple[Message, ...]:
    """The messages of a patch that have a diff, in order, at least one.

    Raises PatchError if the file is not a patch, is malformed, would lose a part of its effect, or
    has paths or modes that are refused for any tree. `series` is named in errors.
    """
    name = patch.place or patch.name
    where = f"{series}/{name}" if series else name
    if len(patch.data) > MAX_BYTES:
        raise PatchError(
            f"{shown(patch.name)} is too large: {len(patch.data):,} bytes.",
            where=where,
            hint=f"Up to {MAX_BYTES:,} bytes are read.",
        )
    mails = mail.split(patch.data)
    messages = []
    for number, message in enumerate(mails, 1):
        place = f"{where} (mail {number} of {len(mails)})" if len(mails) > 1 else where
        content = diff.read(message, place)
        if content.files:
            messages.append(
                Message(
                    where=place,
                    subject=message.subject,
                    data=message.text,
                    files=content.files,
                    crlf=content.crlf,
                    number=message.number,
                    stated=content.stated,
                )
            )
        elif len(mails) > 1 and message.number and not message.is_cover_letter:
            raise PatchError(
                f"The mail {message.number} has no diff: {shown(message.subject)}.",
                where=f"{place}, line {message.line}",
                hint="Its patch was an attachment or a link, perhaps: get the mail as it was sent.",
            )
    if not messages and any(message.is_cover_letter for message in mails):
        raise PatchError(
            f"{shown(name)} is a cover letter: it describes patches and has no diff.",
            where=where,
            hint="Give the patches with it: --patch FOLDER/*.patch.",
        )
    if not messages:
        what, hint = mail.why_no_diff(patch.data)
        raise PatchError(f"{shown(patch.name)} {what}.", where=where, hint=hint)
    return tuple(messages)
