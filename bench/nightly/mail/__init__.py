"""The mail of a night: its text, its settings, and how it is delivered."""

from bench.nightly.mail.compose import compose_mail
from bench.nightly.mail.delivery import deliver
from bench.nightly.mail.settings import MailSettings, read_mail

__all__ = [
    "MailSettings",
    "compose_mail",
    "deliver",
    "read_mail",
]
