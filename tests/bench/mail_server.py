"""A mail server on loopback, with TLS and a login, and the certificates for it."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

LOGIN, PASSWORD = "patchbench", "s3cr3t-of-the-server"
REFUSED = "nobody@example.org"


@dataclass
class Server:
    """What it got: mails and envelopes. Logins that it saw, right or wrong."""

    port: int
    envelopes: list[Envelope] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    answer: str = "250 OK"

    def mail(self) -> EmailMessage:
        """The one mail."""
        (envelope,) = self.envelopes
        return cast(EmailMessage, message_from_bytes(cast(bytes, envelope.content), policy=default))

    async def handle_RCPT(
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """One address is not taken."""
        if address == REFUSED:
            return f"550 {address} does not live here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Session, envelope: Envelope) -> str:
        """Keep the mail."""
        if self.answer.startswith("250"):
            self.envelopes.append(envelope)
        return self.answer

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any
    ) -> AuthResult:
        """Let one login in. The answer to others repeats what they sent, as no server should."""
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        if (data.login, data.password) == (LOGIN.encode(), PASSWORD.encode()):
            return AuthResult(success=True)
        said = f"535 {data.login.decode()} with {data.password.decode()} is wrong"
        return AuthResult(success=False, handled=False, message=said)


@dataclass(frozen=True, kw_only=True)
class Authority:
    """Who signs certificates: `file` is what believes in it."""

    ca: trustme.CA
    file: Path

    def context(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """A server's, with a certificate for these names."""
        begins, ends = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC)
        times = {"not_before": begins, "not_after": ends} if expired else {}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("localhost", "127.0.0.1")), **times).configure_cert(context)
        return context


def authority(folder: Path) -> Authority:
    """A new one."""
    ca = trustme.CA()
    file = folder / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    return Authority(ca=ca, file=file)


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None, *, implicit: bool = False) -> Iterator[Server]:
    """A server that wants TLS (with STARTTLS, or at once if `implicit`) and a login; without a
    context it wants neither.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Server(port=port)
    options: dict[str, Any] = {}
    if context is not None:
        options = {
            "authenticator": server.authenticate,
            "auth_required": True,
            "auth_require_tls": not implicit,
            **({"ssl_context": context} if implicit else {"tls_context": context}),
        }
    controller = Controller(server, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
