"""Passwords, files and sendmail; tests/bench/nightly/mail/test_smtp.py has the server."""

from __future__ import annotations

import mailbox
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import cast

import pytest

from bench.nightly.mail.delivery import addressed, deliver
from bench.nightly.mail.settings import MailSettings
from builder.errors import DeliveryError, ToolError
from builder.process import SystemRunner
from tests.recording import RecordingRunner, completed

SETTINGS = MailSettings(to=("Us <us@example.org>", "them@example.org"), sender="b@example.org")


def mail(subject: str = "[patchbench] good", text: str = "All is well.\n") -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content(text)
    return message


def send(settings: MailSettings, message: EmailMessage | None = None) -> str:
    return deliver(message or mail(), settings, runner=RecordingRunner(), environment={})


def read(data: bytes) -> EmailMessage:
    return cast(EmailMessage, message_from_bytes(data, policy=default))


# -- what is added -------------------------------------------------------------------------------


def test_what_a_mail_needs_is_added_to_a_copy() -> None:
    message = mail()
    message["Bcc"] = "secret@example.org"
    ready = addressed(message, SETTINGS)
    assert ready["To"] == "Us <us@example.org>, them@example.org"
    assert ready["From"] == "b@example.org"
    assert "Bcc" not in ready
    assert ready["Date"]
    assert ready["Message-ID"].endswith("@patchbench.invalid>")
    assert message.keys().count("To") == 0


def test_what_it_has_stays() -> None:
    message = mail()
    message["Date"] = "Wed, 25 Nov 2026 04:30:00 +0000"
    message["Message-ID"] = "<night.2026-11-25.x@patchbench.invalid>"
    ready = addressed(message, SETTINGS)
    assert ready["Date"] == message["Date"]
    assert ready["Message-ID"] == message["Message-ID"]


def test_a_header_has_one_line() -> None:
    with pytest.raises(ValueError, match="linefeed"):
        mail("hello\nBcc: everyone@example.org")


# -- the password --------------------------------------------------------------------------------

LOGIN = replace(SETTINGS, host="127.0.0.1", port=9, login="me")


def refusal(settings: MailSettings, **environment: str) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        deliver(mail(), settings, runner=RecordingRunner(), environment=environment)
    assert "hunter2" not in f"{caught.value}{settings}"
    return caught.value


@pytest.mark.parametrize("value", ["", "hunter2\u00e9", "hunter2\n", "\0hunter2"])
def test_a_password_from_a_variable_that_cannot_be(value: str) -> None:
    settings = replace(LOGIN, password_env="SMTP_PASSWORD")
    error = refusal(settings, SMTP_PASSWORD=value)
    assert "password" in error.what
    assert error.where == "mail.password_env = SMTP_PASSWORD"


def test_a_variable_that_is_not_set() -> None:
    settings = replace(LOGIN, password_env="SMTP_PASSWORD")
    assert "There is no password" in refusal(settings, OTHER="hunter2").what


def test_a_file_that_everybody_can_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    secret.chmod(0o644)
    settings = replace(LOGIN, password_file=str(secret))
    assert "All users can read the password" in refusal(settings).what
    secret.chmod(0o640)
    # Now it gets as far as the server, where nobody listens.
    assert "cannot be reached" in refusal(settings).what


@pytest.mark.parametrize("content", [b"", b"\nhunter2\n", b"hunter2\xff\n"])
def test_a_file_without_a_password(content: bytes, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(content)
    secret.chmod(0o600)
    assert "password" in refusal(replace(LOGIN, password_file=str(secret))).what


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    error = refusal(replace(LOGIN, password_file=str(tmp_path / "no")))
    assert "cannot be read: No such file" in error.what
    assert "cannot be read" in refusal(replace(LOGIN, password_file=str(tmp_path))).what


# -- sendmail ------------------------------------------------------------------------------------


def test_sendmail_gets_the_mail_and_its_recipients_by_name() -> None:
    runner = RecordingRunner()
    settings = replace(SETTINGS, way="sendmail")
    status_line = deliver(
        mail(text="\u00e9\n.\nend\n"), settings, runner=runner, environment={"A": "b"}
    )
    assert status_line == "Mail to 2 addresses, by sendmail"
    (command,) = runner.commands
    assert command.argv == (
        *("/usr/sbin/sendmail", "-i", "-f", "b@example.org", "--"),
        *("us@example.org", "them@example.org"),
    )
    assert "A" not in command.env
    assert command.stdin is not None
    assert command.stdin.isascii()
    assert b"\r" not in command.stdin
    assert read(command.stdin).get_content() == "\u00e9\n.\nend\n"


def test_a_sendmail_that_fails() -> None:
    runner = RecordingRunner(completed("queue is full\n", returncode=75))
    with pytest.raises(DeliveryError, match="sendmail exited with status 75") as caught:
        deliver(mail(), replace(SETTINGS, way="sendmail"), runner=runner, environment={})
    assert caught.value.where == "queue is full"


def test_a_sendmail_for_real(tmp_path: Path) -> None:
    program = tmp_path / "msmtp"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\ncat > {tmp_path}/mail\n')
    program.chmod(0o755)
    settings = replace(SETTINGS, way="sendmail", program=str(program))
    deliver(mail(), settings, runner=SystemRunner(), environment={})
    assert read((tmp_path / "mail").read_bytes())["Subject"] == "[patchbench] good"
    assert (tmp_path / "arguments").read_text().endswith("-- us@example.org them@example.org\n")


def test_no_sendmail(tmp_path: Path) -> None:
    settings = replace(SETTINGS, way="sendmail", program=str(tmp_path / "no"))
    with pytest.raises(ToolError, match="not found"):
        deliver(mail(), settings, runner=SystemRunner(), environment={})


# -- files ---------------------------------------------------------------------------------------


def into(path: object) -> MailSettings:
    return replace(SETTINGS, way="file", path=str(path))


def test_mails_follow_each_other_in_an_mbox(tmp_path: Path) -> None:
    path = tmp_path / "new" / "nights.mbox"
    assert send(into(path), mail("one", "All\nFrom here\n")) == f"Mail into {path}"
    send(into(path), mail("two"))
    box = mailbox.mbox(path)
    assert [one["Subject"] for one in box] == ["one", "two"]
    box.close()
    assert not list(path.parent.glob("*.lock"))
    assert b"\n>From here\n" in path.read_bytes()
    assert b"\r" not in path.read_bytes()


def test_an_eml_is_the_last_mail(tmp_path: Path) -> None:
    path = tmp_path / "last.eml"
    for subject in ("one", "two"):
        send(into(path), mail(subject, "\u65e5\u672c\u8a9e\n"))
    assert read(path.read_bytes())["Subject"] == "two"
    assert read(path.read_bytes()).get_content() == "\u65e5\u672c\u8a9e\n"


def test_a_folder_has_one_file_a_mail_and_the_same_mail_once(tmp_path: Path) -> None:
    first, second = mail("one"), mail("two")
    first["Message-ID"] = "<../../night.1@patchbench.invalid>"
    second["Message-ID"] = "<night.2@patchbench.invalid>"
    for message in (first, second, first):
        send(into(f"{tmp_path}/mails/"), message)
    files = sorted((tmp_path / "mails").iterdir())
    assert sorted(str(read(path.read_bytes())["Subject"]) for path in files) == ["one", "two"]
    assert {path.suffix for path in files} == {".eml"}


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "x.mbox", tmp_path / "file" / "x.eml"):
        with pytest.raises(DeliveryError, match="cannot be written") as caught:
            send(into(path))
        assert caught.value.where == str(path)


def test_an_mbox_that_another_program_holds(tmp_path: Path) -> None:
    path = tmp_path / "nights.mbox"
    send(into(path))
    Path(f"{path}.lock").touch()
    with pytest.raises(DeliveryError, match="cannot be written: dot lock"):
        send(into(path))
