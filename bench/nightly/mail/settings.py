"""How mails are delivered: the settings, and reading them from [mail] of a nightly file.

    [mail]
    to = ["us@example.org"]                # one or more; "Name <us@example.org>" is allowed
    sender = "patchbench@example.org"
    way = "smtp"                           # or "sendmail", "file"
    host = "smtp.example.org"
    tls = "starttls"                       # or "implicit", "none"; certificates are always checked
    port = 587                             # the default: 587, 465, 25
    ca_file = "ca.pem"                     # certificates of an authority that the machine lacks
    login = "patchbench"
    password_file = "mail.password"        # or password_env = "NAME": a variable that holds it
    timeout = "30s"
    path = "nights.mbox"                   # way = "file": an mbox, an .eml, or a folder of those

The settings never contain the password, only where it can be read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from bench.util import Keys, kind_of

WAYS = ("smtp", "sendmail", "file")
TLS = ("starttls", "implicit", "none")
SENDMAIL = "/usr/sbin/sendmail"
_PORTS = {"starttls": 587, "implicit": 465, "none": 25}
# Addresses that need no SMTPUTF8, which few servers support.
_MAILBOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class MailSettings:
    """Where mails go, and how. `timeout` is in seconds, for each answer of the server.

    `password_file` or `password_env` is the file or variable with the password of `login`.
    `program` is called for `way` "sendmail", `path` is the file for `way` "file".
    """

    to: tuple[str, ...]
    sender: str
    way: str = "smtp"
    host: str = "localhost"
    port: int = _PORTS["starttls"]
    tls: str = "starttls"
    ca_file: str = ""
    login: str = ""
    password_file: str = ""
    password_env: str = ""
    timeout: float = _SECONDS
    program: str = SENDMAIL
    path: str = ""


def mailbox_of(text: str) -> Address:
    """Parse an address, either bare or as "Name <address>". Raises ValueError for anything else."""
    name, mailbox = parseaddr(text)
    if not text.isprintable() or not _MAILBOX.fullmatch(mailbox) or mailbox.startswith("-"):
        raise ValueError(text)
    # parseaddr also accepts a list of addresses, a comment, or text after an address.
    if text.strip() != mailbox and not text.strip().endswith(f"<{mailbox}>"):
        raise ValueError(text)
    return Address(display_name=name, addr_spec=mailbox)


def read_mail(keys: Keys, value: Any) -> MailSettings:
    """Read the table [mail]. Raises ExperimentError, which names the key."""
    key = "mail"
    if not isinstance(value, dict):
        keys.fail(key, f"is {kind_of(value)}", "a table")
    if "password" in value:
        expected = "password_file, or password_env with the name of a variable"
        keys.fail(f"{key}.password", "must not be in a file that others may read", expected)
    keys.reject_unknown(value, key, tuple(MailSettings.__dataclass_fields__))
    tls = keys.choice(value, key, "tls", TLS, "starttls")
    settings = MailSettings(
        to=tuple(_address(keys, f"{key}.to", text) for text in keys.strings(value, key, "to")),
        sender=_address(keys, f"{key}.sender", keys.string(value, key, "sender", "")),
        way=keys.choice(value, key, "way", WAYS, "smtp"),
        host=keys.string(value, key, "host", "localhost"),
        port=keys.integer(value, key, "port", _PORTS[tls], low=1, high=65535),
        tls=tls,
        ca_file=_file(keys, value, "ca_file"),
        login=keys.string(value, key, "login", ""),
        password_file=_file(keys, value, "password_file"),
        password_env=keys.string(value, key, "password_env", ""),
        timeout=keys.duration(value, key, "timeout") or _SECONDS,
        program=keys.string(value, key, "program", SENDMAIL),
        path=_file(keys, value, "path"),
    )
    _check(keys, settings)
    return settings


def _address(keys: Keys, key: str, text: str) -> str:
    try:
        mailbox_of(text)
    except ValueError:
        keys.fail(key, f"is {text!r}", 'an address such as "us@example.org", in ASCII')
    return text


def _file(keys: Keys, table: Mapping[str, Any], name: str) -> str:
    """A path, relative to the folder of the nightly file; "" without the key."""
    text = keys.string(table, "mail", name, "")
    if not text:
        return ""
    try:
        path = str(keys.folder.absolute() / Path(text).expanduser())
    except RuntimeError:  # ~ of a user without a home folder
        keys.fail(f"mail.{name}", f"is {text!r}", "a path without ~")
    return f"{path}/" if text.endswith("/") else path


def _check(keys: Keys, settings: MailSettings) -> None:
    """Check combinations of settings."""
    if not settings.to:
        keys.fail("mail.to", "is missing", "one address or more")
    if settings.way == "file" and not settings.path:
        keys.fail("mail.path", "is missing", "an mbox, an .eml file or a folder to write mails to")
    if not settings.host or not settings.host.isprintable() or " " in settings.host:
        keys.fail("mail.host", f"is {settings.host!r}", "a name or address of a server")
    if settings.password_env and not _VARIABLE.fullmatch(settings.password_env):
        # The value is not shown: it may be the password itself.
        keys.fail("mail.password_env", "is not the name of a variable", "a name, not the value")
    secrets = [name for name in (settings.password_file, settings.password_env) if name]
    if settings.login and len(secrets) != 1:
        problem = "has two passwords" if secrets else "has no password"
        keys.fail("mail.login", problem, "one of password_file and password_env")
    if secrets and not settings.login:
        keys.fail(
            "mail.login", "is missing, although there is a password", "the login of the password"
        )
    if settings.login and settings.tls == "none":
        keys.fail(
            "mail.tls", "is none, although there is a login", "starttls or implicit: passwords"
        )
