"""A patch file, and the messages in it: mail, mailbox with several mails, git diff or diff -u."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from builder.errors import PatchError
from builder.patches import diff, mail
from builder.patches.diff import FileDiff
from builder.patches.paths import shown

# A whole CPython release differs from the next by less than this.
MAX_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Patch:
    """A patch file as it was given."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Of its bytes, in hex: results say by it what was measured."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Message:
    """One mail's diff, or a bare diff: what is applied at once.

    `data` goes to git, `where` names it in errors. `crlf`: its header lines end in CR LF.
    """

    where: str
    subject: str
    data: bytes
    files: tuple[FileDiff, ...]
    crlf: bool


def parse(patch: Patch, series: str = "") -> tuple[Message, ...]:
    """The messages of a patch that have a diff, in order, at least one.

    Raises PatchError on what is no patch, malformed, or would lose a part of its effect, and on
    paths or modes that are refused whatever the tree. `series` is named in errors.
    """
    where = f"{series}/{patch.name}" if series else patch.name
    if len(patch.data) > MAX_BYTES:
        raise PatchError(
            f"{shown(patch.name)} is too large: {len(patch.data):,} bytes.",
            where=where,
            hint=f"Up to {MAX_BYTES:,} bytes are read.",
        )
    mails = mail.split(patch.data)
    messages = []
    for number, one in enumerate(mails, 1):
        place = f"{where} (mail {number} of {len(mails)})" if len(mails) > 1 else where
        found = diff.read(one, place)
        if found.files:
            messages.append(
                Message(
                    where=place,
                    subject=one.subject,
                    data=one.text,
                    files=found.files,
                    crlf=found.crlf,
                )
            )
    if not messages:
        what, hint = mail.why_no_diff(patch.data)
        raise PatchError(f"{shown(patch.name)} {what}.", where=where, hint=hint)
    return tuple(messages)
