"""Mails to a real server, with TLS and a login, on loopback; and to all kinds of wrong ones."""

from __future__ import annotations

import contextlib
import socket
import threading
import traceback
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from bench.nightly.mail import compose
from bench.nightly.mail.delivery import deliver
from bench.nightly.mail.settings import MailSettings
from builder.errors import DeliveryError
from builder.process import SystemRunner
from tests import golden
from tests.bench.mail_server import LOGIN, PASSWORD, REFUSED, Authority, Server, authority, serving
from tests.golden import nights

VARIABLE = "SMTP_PASSWORD"

# Behind TLS from the first byte, aiosmtpd does not know that there is any.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def starttls(trusted: Authority) -> Iterator[Server]:
    with serving(trusted.context()) as server:
        yield server


@pytest.fixture
def server(starttls: Server) -> Server:
    starttls.envelopes.clear()
    starttls.logins.clear()
    starttls.answer = "250 OK"
    return starttls


def settings(server: Server, trusted: Authority, **more: object) -> MailSettings:
    values: dict[str, object] = {
        "to": ("us@example.org",),
        "sender": "patchbench <bench@example.org>",
        "host": "localhost",
        "port": server.port,
        "ca_file": str(trusted.file),
        "login": LOGIN,
        "password_env": VARIABLE,
        "timeout": 20.0,
    }
    return MailSettings(**{**values, **more})  # type: ignore[arg-type]


def mail(subject: str = "[patchbench] good", text: str = "All is well.\n") -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content(text)
    return message


def send(to: MailSettings, message: EmailMessage | None = None, *, password: str = PASSWORD) -> str:
    environment = {VARIABLE: password}
    return deliver(message or mail(), to, runner=SystemRunner(), environment=environment)


def refusal(to: MailSettings, *, password: str = PASSWORD) -> DeliveryError:
    """The error of a mail that is not delivered; it never shows the password."""
    with pytest.raises(DeliveryError) as caught:
        send(to, password=password)
    shown = "".join(traceback.format_exception(caught.value)) + repr(to)
    assert password not in shown
    assert caught.value.hint
    return caught.value


# -- what arrives --------------------------------------------------------------------------------


def test_the_mail_of_a_night_arrives_by_starttls_with_a_login(
    server: Server, trusted: Authority
) -> None:
    where = send(settings(server, trusted), compose.compose_mail(nights.night()))
    assert where == "Mail to 1 address, by localhost"
    assert server.logins == [LOGIN]
    (envelope,) = server.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("bench@example.org", ["us@example.org"])
    subject, _, body = golden.read("night.txt").partition("\n\n")
    assert f"Subject: {server.mail()['Subject']}" == subject
    assert server.mail().get_content().replace("\r\n", "\n") == body
    assert server.mail()["From"] == "patchbench <bench@example.org>"
    assert server.mail()["Auto-Submitted"] == "auto-generated"
    assert not server.mail().defects


def test_implicit_tls_and_a_password_from_a_file(trusted: Authority, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o600)
    with serving(trusted.context(), implicit=True) as server:
        changes = {"tls": "implicit", "password_env": "", "password_file": str(secret)}
        send(settings(server, trusted, **changes))
        assert server.mail()["Subject"] == "[patchbench] good"
        assert server.logins == [LOGIN]


def test_without_tls_only_where_that_is_asked_for(trusted: Authority) -> None:
    with serving(None) as server:
        bare = settings(server, trusted, tls="none", login="", password_env="")
        send(bare)
        assert server.mail().get_content().strip() == "All is well."
        error = refusal(replace(bare, tls="starttls"))
        assert "does not support what the settings require: STARTTLS" in error.what
        assert len(server.envelopes) == 1


def test_many_recipients_and_long_lists(server: Server, trusted: Authority) -> None:
    to = tuple(f"Reader {number} <reader{number}@example.org>" for number in range(300))
    text = "".join(f"benchmark_{number}  1.0000\n" for number in range(3000))
    send(settings(server, trusted, to=(*to, to[0])), mail(text=text))
    assert len(server.envelopes[0].rcpt_tos) == 300
    assert server.mail().get_content().replace("\r\n", "\n") == text


def test_other_letters_dots_and_froms_survive(server: Server, trusted: Authority) -> None:
    subject, text = (
        "schnell\u00e9r \u2603 \u65e5\u672c\u8a9e",
        "\n.\n..\nFrom here\n\u65e5\u672c\u8a9e\n",
    )
    send(settings(server, trusted), mail(subject, text))
    assert server.mail()["Subject"] == subject
    assert server.mail().get_content().replace("\r\n", "\n") == text
    content = server.envelopes[0].content
    assert isinstance(content, bytes)
    assert content.isascii()


# -- what does not -------------------------------------------------------------------------------


def test_a_wrong_password(server: Server, trusted: Authority) -> None:
    error = refusal(settings(server, trusted), password="wrong-and-still-secret")
    assert error.what == "The mail server rejects the login patchbench."
    # The server repeats the password; the error hides it.
    assert "535" in error.where
    assert "(hidden) is wrong" in error.where
    assert server.envelopes == []


def test_a_refused_recipient_does_not_keep_it_from_the_others(
    server: Server, trusted: Authority
) -> None:
    error = refusal(settings(server, trusted, to=("us@example.org", REFUSED)))
    assert "refuses 1 of the addresses; the others received the mail" in error.what
    assert f"{REFUSED}: 550 {REFUSED} does not live here" in error.where
    assert server.envelopes[0].rcpt_tos == ["us@example.org"]


def test_only_refused_recipients(server: Server, trusted: Authority) -> None:
    error = refusal(settings(server, trusted, to=(REFUSED,)))
    assert error.what == "The mail server refuses 1 of the addresses."
    assert server.envelopes == []


@pytest.mark.parametrize(
    ("answer", "hint"),
    [("451 come back later", "Try again later"), ("554 looks like spam", "Ask the administrator")],
)
def test_a_mail_that_the_server_does_not_want(
    answer: str, hint: str, server: Server, trusted: Authority
) -> None:
    server.answer = answer
    error = refusal(settings(server, trusted))
    assert error.what == "The mail server refuses the mail."
    assert answer in error.where
    assert hint in error.hint


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ("expired", "certificate has expired"),
        ("other-name", "Hostname mismatch"),
        ("unknown", "unable to get local issuer certificate"),
    ],
)
def test_a_certificate_that_is_not_valid(
    wrong: str, expected: str, implicit: bool, trusted: Authority, tmp_path: Path
) -> None:
    signer = authority(tmp_path) if wrong == "unknown" else trusted
    names = ("mail.example.org",) if wrong == "other-name" else ()
    context = signer.context(*names, expired=wrong == "expired")
    with serving(context, implicit=implicit) as server:
        to = settings(server, trusted, tls="implicit" if implicit else "starttls")
        error = refusal(to)
        assert "certificate is not valid" in error.what
        assert expected.lower() in error.what.lower()
        assert server.logins == []
        assert server.envelopes == []


def test_the_machines_own_authorities_do_not_know_ours(server: Server, trusted: Authority) -> None:
    assert "certificate is not valid" in refusal(settings(server, trusted, ca_file="")).what


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_of_authorities_that_is_none(
    content: str | None, server: Server, trusted: Authority, tmp_path: Path
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    error = refusal(settings(server, trusted, ca_file=str(path)))
    assert "mail.ca_file cannot be read" in error.what


def test_tls_where_there_is_none(trusted: Authority) -> None:
    with serving(None) as server:
        to = settings(server, trusted, tls="implicit", login="", password_env="")
        assert "TLS with the mail server failed" in refusal(to).what


def test_a_dead_server(server: Server, trusted: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    error = refusal(settings(server, trusted, port=port))
    assert "cannot be reached: Connection refused" in error.what
    assert error.where == f"localhost, port {port}"


@contextlib.contextmanager
def talking(*lines: bytes) -> Iterator[Server]:
    """Not a server at all: it says these lines, and then nothing, or hangs up after the last."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listening.accept()
                with connection:
                    for line in lines:
                        connection.sendall(line)
                    if not lines:
                        connection.recv(1)

        thread = threading.Thread(target=answer)
        thread.start()
        yield Server(port=listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_silent_server(trusted: Authority) -> None:
    with talking() as server:
        error = refusal(settings(server, trusted, timeout=0.2))
    assert error.what == "The mail server did not answer within 0.2 s."


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "The mail server"),
        (b"220 hello\r\n", "closed the connection"),
        (b"554 go away \x1b[31m\r\n", "refuses the mail"),
    ],
)
def test_something_else_answers(line: bytes, expected: str, trusted: Authority) -> None:
    with talking(line) as server:
        error = refusal(settings(server, trusted))
    assert expected in error.what
    assert "\x1b" not in str(error)
