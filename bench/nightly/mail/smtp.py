"""Send a mail to a server by SMTP, with TLS (the certificate must be valid) and a login.

If TLS is configured, a server that does not offer it is an error. Answers of the server are shown
with the password removed, in case it repeats it.
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
    """Send to the server. `sender` and `to` are bare addresses, for the envelope.

    Raises DeliveryError, also if the server refuses some of the addresses; the others then have
    received the mail.
    """
    errors = _Errors(settings, password)
    try:
        with _connected(settings) as server:
            if settings.tls == "starttls":
                server.starttls(context=_trust(settings))
            if settings.login:
                server.login(settings.login, password)
            refused = server.send_message(message, from_addr=sender, to_addrs=list(to))
    except (smtplib.SMTPException, OSError) as error:
        # Without a cause: a traceback would show text that the server wrote.
        raise errors.error(error) from None
    if refused:
        raise errors.refused(refused, len(refused) < len(to))


def _connected(settings: MailSettings) -> smtplib.SMTP:
    if settings.tls == "implicit":
        return smtplib.SMTP_SSL(
            settings.host, settings.port, timeout=settings.timeout, context=_trust(settings)
        )
    return smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout)


def _trust(settings: MailSettings) -> ssl.SSLContext:
    """The trusted authorities: those of the machine, or only those of `ca_file`."""
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


class _Errors:
    """Converts exceptions of smtplib to DeliveryError."""

    def __init__(self, settings: MailSettings, password: str) -> None:
        self._settings = settings
        self._where = f"{settings.host}, port {settings.port}"
        self._secrets = _spellings(settings.login, password) if password else ()

    def error(self, error: Exception) -> DeliveryError:
        """The error for a mail that no recipient received."""
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            return self.refused(error.recipients, False)
        what, hint = self._reason(error)
        return DeliveryError(what, where=self._where + self._answer(error), hint=hint)

    def refused(
        self, recipients: dict[str, tuple[int, bytes]], others_have_it: bool
    ) -> DeliveryError:
        """The error for addresses that the server does not take."""
        rows = (f"{to}: {code} {self._clean(answer)}" for to, (code, answer) in recipients.items())
        rest = "; the others received the mail" if others_have_it else ""
        return DeliveryError(
            f"The mail server refuses {len(recipients)} of the addresses{rest}.",
            where="\n".join((self._where, *rows)),
            hint="Correct mail.to, or ask the administrator of the server.",
        )

    def _reason(self, error: Exception) -> tuple[str, str]:
        tls = self._settings.tls
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return (
                f"The mail server rejects the login {self._settings.login}.",
                "Check mail.login and its password.",
            )
        if isinstance(error, smtplib.SMTPSenderRefused):
            return "The mail server refuses the sender.", "Correct mail.sender."
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return (
                "The mail server does not support what the settings require: "
                f"{'STARTTLS' if 'STARTTLS' in str(error) else 'a login'}.",
                'Check mail.port and mail.tls: 587 is for "starttls", 465 for "implicit".',
            )
        if isinstance(error, ssl.SSLCertVerificationError):
            return (
                f"The mail server's certificate is not valid: {error.verify_message}.",
                "Ask the administrator of the server; mail.ca_file names an authority of your own.",
            )
        if isinstance(error, ssl.SSLError):
            return (
                f"TLS with the mail server failed: {error.reason or error}.",
                f'Check mail.port and mail.tls, which is "{tls}".',
            )
        return self._connection_reason(error)

    def _connection_reason(self, error: Exception) -> tuple[str, str]:
        """Reason and hint for errors of the connection and refused mails."""
        # For a server that stops answering, smtplib reports a disconnection.
        if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
            return (
                f"The mail server did not answer within {self._settings.timeout:g} s.",
                'Check mail.host and mail.port; with "starttls", an implicit-TLS server waits.',
            )
        if isinstance(error, socket.gaierror):
            return (
                f"The name of the mail server cannot be resolved: {error.strerror}.",
                "Check mail.host.",
            )
        if isinstance(error, smtplib.SMTPServerDisconnected):
            return (
                "The mail server closed the connection.",
                "Check mail.port and mail.tls, and the log of the server.",
            )
        if isinstance(error, smtplib.SMTPResponseException):
            is_later = 400 <= error.smtp_code < 500
            hint = "Try again later." if is_later else "Ask the administrator of the server."
            return "The mail server refuses the mail.", hint
        reason = self._clean(getattr(error, "strerror", None) or str(error))
        if isinstance(error, smtplib.SMTPException):
            return (
                f"The answer of the mail server is not valid: {reason}.",
                "Check mail.port and mail.tls.",
            )
        return (
            f"The mail server cannot be reached: {reason}.",
            "Check mail.host, mail.port and the network.",
        )

    def _answer(self, error: Exception) -> str:
        if not isinstance(error, smtplib.SMTPResponseException) or error.smtp_code < 0:
            return ""
        return f"\n{error.smtp_code} {self._clean(error.smtp_error)}"

    def _clean(self, answer: bytes | str) -> str:
        text = answer.decode("ascii", "backslashreplace") if isinstance(answer, bytes) else answer
        for secret in self._secrets:
            text = text.replace(secret, "(hidden)")
        return harmless(" ".join(text.split()))[:_SHOWN]


def _spellings(login: str, password: str) -> tuple[str, ...]:
    """The password as plain text and as encoded for SMTP, the longest first."""
    wire = (f"\0{login}\0{password}", password)
    encoded = (base64.b64encode(text.encode()).decode() for text in wire)
    return tuple(sorted({*encoded, password}, key=len, reverse=True))
