"""A mail to a server, by SMTP: with TLS, whose certificate must be valid, and a login.

Never without TLS where it was asked for: a server that does not offer it is an error. What a server
answers is shown without the password, should it repeat it.
"""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
from collections.abc import Sequence
from email.message import EmailMessage

from bench.nightly.mail.settings import MailSettings
from bench.util import harmless
from builder.errors import DeliveryError

_SHOWN = 300


def send(
    message: EmailMessage,
    settings: MailSettings,
    *,
    sender: str,
    to: Sequence[str],
    password: str,
) -> None:
    """Deliver to the server. `sender` and `to` are bare addresses: the envelope.

    Raises DeliveryError, also when the server refuses some of the addresses; the others have the
    mail then.
    """
    told = _Told(settings, password)
    try:
        with _connected(settings) as server:
            if settings.tls == "starttls":
                server.starttls(context=_trust(settings))
            if settings.login:
                server.login(settings.login, password)
            refused = server.send_message(message, from_addr=sender, to_addrs=list(to))
    except (smtplib.SMTPException, OSError) as error:
        # Without a cause: what a traceback shows of this one, the server may have written.
        raise told.error(error) from None
    if refused:
        raise told.refused(refused, len(refused) < len(to))


def _connected(settings: MailSettings) -> smtplib.SMTP:
    if settings.tls == "implicit":
        return smtplib.SMTP_SSL(
            settings.host, settings.port, timeout=settings.timeout, context=_trust(settings)
        )
    return smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout)


def _trust(settings: MailSettings) -> ssl.SSLContext:
    """Whose certificates are believed: the machine's authorities, or those of `ca_file` alone."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DeliveryError(
            f"The certificates of mail.ca_file cannot be read: {reason}.",
            where=settings.ca_file,
            hint="Name a file with certificates of authorities, in PEM form.",
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _Told:
    """Makes errors of the family of what smtplib raises."""

    def __init__(self, settings: MailSettings, password: str) -> None:
        self._settings = settings
        self._where = f"{settings.host}, port {settings.port}"
        self._secrets = _spellings(settings.login, password) if password else ()

    def error(self, error: Exception) -> DeliveryError:
        """The error for a mail that nobody got."""
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            return self.refused(error.recipients, False)
        what, hint = self._reason(error)
        return DeliveryError(what, where=self._where + self._answer(error), hint=hint)

    def refused(
        self, recipients: dict[str, tuple[int, bytes]], others_have_it: bool
    ) -> DeliveryError:
        """The error for addresses that the server does not take."""
        rows = (f"{to}: {code} {self._clean(said)}" for to, (code, said) in recipients.items())
        rest = "; the others have the mail" if others_have_it else ""
        return DeliveryError(
            f"The mail server refuses {len(recipients)} of the addresses{rest}.",
            where="\n".join((self._where, *rows)),
            hint="Mend mail.to, or ask who keeps the server.",
        )

    def _reason(self, error: Exception) -> tuple[str, str]:
        tls = self._settings.tls
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return (
                f"The mail server does not let {self._settings.login} in.",
                "Check mail.login and its password.",
            )
        if isinstance(error, smtplib.SMTPSenderRefused):
            return "The mail server refuses the sender.", "Mend mail.sender."
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return (
                "The mail server does not offer what is asked of it: "
                f"{'STARTTLS' if 'STARTTLS' in str(error) else 'a login'}.",
                'Check mail.port and mail.tls: 587 is for "starttls", 465 for "implicit".',
            )
        if isinstance(error, ssl.SSLCertVerificationError):
            return (
                f"The mail server's certificate is not valid: {error.verify_message}.",
                "Ask who keeps the server; an authority of one's own is named by mail.ca_file.",
            )
        if isinstance(error, ssl.SSLError):
            return (
                f"There is no TLS to be had with the mail server: {error.reason or error}.",
                f'Check mail.port and mail.tls, which is "{tls}".',
            )
        return self._lost(error)

    def _lost(self, error: Exception) -> tuple[str, str]:
        """Those of the connection, and what the server does not want."""
        # smtplib says of a server that falls silent that it disconnected.
        if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
            return (
                f"The mail server gave no answer in {self._settings.timeout:g} s.",
                'Check mail.host and mail.port; a TLS server waits where mail.tls is "starttls".',
            )
        if isinstance(error, socket.gaierror):
            return f"The mail server is not known: {error.strerror}.", "Check mail.host."
        if isinstance(error, smtplib.SMTPServerDisconnected):
            return (
                "The mail server ended the connection.",
                "Check mail.port and mail.tls, and what the server's log says.",
            )
        if isinstance(error, smtplib.SMTPResponseException):
            is_later = 400 <= error.smtp_code < 500
            hint = "It may take it later." if is_later else "Ask who keeps the server."
            return "The mail server refuses the mail.", hint
        reason = self._clean(getattr(error, "strerror", None) or str(error))
        if isinstance(error, smtplib.SMTPException):
            return f"The mail server is not understood: {reason}.", "Check mail.port and mail.tls."
        return (
            f"The mail server cannot be reached: {reason}.",
            "Check mail.host, mail.port and the network.",
        )

    def _answer(self, error: Exception) -> str:
        if not isinstance(error, smtplib.SMTPResponseException) or error.smtp_code < 0:
            return ""
        return f"\n{error.smtp_code} {self._clean(error.smtp_error)}"

    def _clean(self, said: bytes | str) -> str:
        text = said.decode("ascii", "backslashreplace") if isinstance(said, bytes) else said
        for secret in self._secrets:
            text = text.replace(secret, "(hidden)")
        return harmless(" ".join(text.split()))[:_SHOWN]


def _spellings(login: str, password: str) -> tuple[str, ...]:
    """The password as it is, and as it goes over the wire; the longest first."""
    wire = (f"\0{login}\0{password}", password)
    encoded = (base64.b64encode(one.encode()).decode() for one in wire)
    return tuple(sorted({*encoded, password}, key=len, reverse=True))
