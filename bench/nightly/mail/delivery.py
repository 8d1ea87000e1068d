"""Deliver mails: to a server by SMTP, to sendmail, or into a file."""

from __future__ import annotations

import mailbox
import os
import stat
from collections.abc import Mapping
from copy import deepcopy
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from pathlib import Path

from bench.nightly.mail import smtp
from bench.nightly.mail.settings import MailSettings, mailbox_of
from bench.util import slug
from builder.errors import DeliveryError
from builder.files import write_atomically
from builder.process import Command, Runner, clean_environment, last_lines

_LONGEST_PASSWORD = 4096
# Mails are encoded as ASCII, which every server and file can carry.
_POLICY = SMTP.clone(cte_type="7bit")
_ON_DISK = _POLICY.clone(linesep="\n")


def deliver(
    message: EmailMessage,
    settings: MailSettings,
    *,
    runner: Runner,
    environment: Mapping[str, str],
) -> str:
    """Deliver a mail, and return a line that says where it went. `message` is not changed.

    Sender, recipients and the other headers are added to a copy. Of `environment` only the variable
    with the password is read. Raises DeliveryError, which never contains the password.
    """
    ready = addressed(message, settings)
    if settings.way == "file":
        return _write_file(ready, settings)
    sender, *to = (address.addr_spec for address in _addresses(settings))
    recipients = "1 address" if len(to) == 1 else f"{len(to)} addresses"
    if settings.way == "sendmail":
        _send_by_sendmail(ready, settings, sender, to, runner)
        return f"Mail to {recipients}, by {Path(settings.program).name}"
    password = _password(settings, environment) if settings.login else ""
    smtp.send(ready, settings, sender=sender, to=to, password=password)
    return f"Mail to {recipients}, by {settings.host}"


def addressed(message: EmailMessage, settings: MailSettings) -> EmailMessage:
    """Return a copy with sender, recipients, date and Message-ID, ready to be sent."""
    ready = deepcopy(message)
    ready.policy = _POLICY
    sender, *to = _addresses(settings)
    for name in ("From", "To", "Cc", "Bcc", "Sender"):
        del ready[name]
    ready["From"] = sender
    ready["To"] = to
    if "Date" not in ready:
        ready["Date"] = formatdate(localtime=False)
    if "Message-ID" not in ready:
        # The default would contain the name of this machine.
        ready["Message-ID"] = make_msgid(domain="patchbench.invalid")
    if "Auto-Submitted" not in ready:
        # So that automatic replies do not answer it (RFC 3834).
        ready["Auto-Submitted"] = "auto-generated"
    return ready


def _addresses(settings: MailSettings) -> tuple[Address, ...]:
    """The sender, and the recipients without duplicates."""
    return tuple(mailbox_of(text) for text in (settings.sender, *dict.fromkeys(settings.to)))


# -- the password --------------------------------------------------------------------------------


def _password(settings: MailSettings, environment: Mapping[str, str]) -> str:
    if settings.password_env:
        where = f"mail.password_env = {settings.password_env}"
        password = environment.get(settings.password_env, "")
    else:
        where = settings.password_file
        password = _from_file(Path(settings.password_file))
    if not password:
        raise DeliveryError(
            "There is no password for the mail server.",
            where=where,
            hint="Write the password into the file, or set the variable.",
        )
    if not password.isascii() or not password.isprintable():
        raise DeliveryError(
            "The password for the mail server has characters that an SMTP login cannot send.",
            where=where,
            hint="Choose a password of printable ASCII characters.",
        )
    return password


def _from_file(path: Path) -> str:
    """The first line of the file. Raises DeliveryError if all users can read it."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_LONGEST_PASSWORD)
    except OSError as error:
        raise DeliveryError(
            f"The password of the mail server cannot be read: {error.strerror}.",
            where=str(path),
            hint="mail.password_file names a file with the password on its first line.",
        ) from error
    if stat.S_ISREG(mode) and mode & 0o007:
        raise DeliveryError(
            "All users can read the password of the mail server.",
            where=str(path),
            hint="chmod 600 the file; change the password if others may have read it.",
        )
    return data.decode("utf-8", "replace").partition("\n")[0].removesuffix("\r")


# -- sendmail and files --------------------------------------------------------------------------


def _send_by_sendmail(
    message: EmailMessage, settings: MailSettings, sender: str, to: list[str], runner: Runner
) -> None:
    # -i: a line with a single dot is text. Recipients are arguments, so no header can add one.
    command = Command(
        argv=(settings.program, "-i", "-f", sender, "--", *to),
        env=clean_environment(),
        stdin=message.as_bytes(policy=_ON_DISK),
    )
    result = runner.run(command, timeout=settings.timeout)
    if not result.ok:
        raise DeliveryError(
            f"{Path(settings.program).name} {result.how()}: the mail may not have been sent.",
            where=last_lines(result.output) or settings.program,
            hint="Fix what its output says, or name another program in mail.program.",
        )


def _write_file(message: EmailMessage, settings: MailSettings) -> str:
    path = Path(settings.path)
    try:
        if settings.path.endswith("/") or path.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            path /= f"{slug(str(message['Message-ID']).strip('<>'))}.eml"
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".eml":
            write_atomically(path, message.as_bytes(policy=_ON_DISK).decode("ascii"))
        else:
            _append(message, path)
    except (OSError, mailbox.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DeliveryError(
            f"The mail cannot be written: {reason}.",
            where=str(path),
            hint="Fix that, or name another mail.path.",
        ) from error
    return f"Mail into {path}"


def _append(message: EmailMessage, path: Path) -> None:
    """Append to an mbox under its locks; lines that would start a new mail there are escaped."""
    message.policy = _ON_DISK
    box = mailbox.mbox(path)
    try:
        box.lock()
        box.add(message)
        box.flush()
    finally:
        box.close()
