"""Mails on their way: to a server by SMTP, to sendmail, or into a file."""

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
# Whatever the text is, ASCII is what goes out: every server and every file can carry it.
_POLICY = SMTP.clone(cte_type="7bit")
_ON_DISK = _POLICY.clone(linesep="\n")


def deliver(
    message: EmailMessage,
    settings: MailSettings,
    *,
    runner: Runner,
    environment: Mapping[str, str],
) -> str:
    """Deliver a mail, and say in a line where it went. `message` stays as it is.

    Sender, recipients and what else a mail needs are added to a copy. `environment` is looked at
    for the variable with the password, and for nothing else. Raises DeliveryError; nothing that it
    says holds the password.
    """
    ready = addressed(message, settings)
    if settings.way == "file":
        return _into_file(ready, settings)
    sender, *to = (one.addr_spec for one in _addresses(settings))
    people = "1 address" if len(to) == 1 else f"{len(to)} addresses"
    if settings.way == "sendmail":
        _by_sendmail(ready, settings, sender, to, runner)
        return f"Mail to {people}, by {Path(settings.program).name}"
    password = _password(settings, environment) if settings.login else ""
    smtp.send(ready, settings, sender=sender, to=to, password=password)
    return f"Mail to {people}, by {settings.host}"


def addressed(message: EmailMessage, settings: MailSettings) -> EmailMessage:
    """A copy with sender, recipients, date and identity, as it may go into the world."""
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
        # Without the name of this machine.
        ready["Message-ID"] = make_msgid(domain="patchbench.invalid")
    if "Auto-Submitted" not in ready:
        # So that nobody's holiday answers it (RFC 3834).
        ready["Auto-Submitted"] = "auto-generated"
    return ready


def _addresses(settings: MailSettings) -> tuple[Address, ...]:
    """The sender and the recipients, each once."""
    return tuple(mailbox_of(one) for one in (settings.sender, *dict.fromkeys(settings.to)))


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
            hint="Write it into the file, or set the variable.",
        )
    if not password.isascii() or not password.isprintable():
        raise DeliveryError(
            "The password for the mail server has letters that SMTP's logins cannot carry.",
            where=where,
            hint="Choose one of printable ASCII.",
        )
    return password


def _from_file(path: Path) -> str:
    """The file's first line. Nobody else may be able to read it."""
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
            "Everybody can read the password of the mail server.",
            where=str(path),
            hint="chmod 600 the file, and change the password where others had it.",
        )
    return data.decode("utf-8", "replace").partition("\n")[0].removesuffix("\r")


# -- the other ways ------------------------------------------------------------------------------


def _by_sendmail(
    message: EmailMessage, settings: MailSettings, sender: str, to: list[str], runner: Runner
) -> None:
    # -i: a line with a dot alone is text. The recipients are named: nothing in a header adds one.
    command = Command(
        argv=(settings.program, "-i", "-f", sender, "--", *to),
        env=clean_environment(),
        stdin=message.as_bytes(policy=_ON_DISK),
    )
    done = runner.run(command, timeout=settings.timeout)
    if not done.ok:
        raise DeliveryError(
            f"{Path(settings.program).name} {done.how()}: the mail may not be on its way.",
            where=last_lines(done.output) or settings.program,
            hint="Mend what it says; mail.program names another one.",
        )


def _into_file(message: EmailMessage, settings: MailSettings) -> str:
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
            hint="Mend that, or name another mail.path.",
        ) from error
    return f"Mail into {path}"


def _append(message: EmailMessage, path: Path) -> None:
    """To an mbox, under its locks; lines that it would take for the next mail are marked."""
    message.policy = _ON_DISK
    box = mailbox.mbox(path)
    try:
        box.lock()
        box.add(message)
        box.flush()
    finally:
        box.close()
