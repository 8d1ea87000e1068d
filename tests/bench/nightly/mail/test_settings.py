from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bench.nightly.mail.settings import MailSettings, mailbox_of, read_mail
from bench.util.toml import Keys
from builder.errors import ExperimentError

LEAST = {"to": "us@example.org", "sender": "bench@example.org"}


def read(**more: Any) -> MailSettings:
    table = {**LEAST, **more}
    return read_mail(Keys(file="n.toml", text="[mail]\n", folder=Path("/nights")), table)


def test_the_least() -> None:
    assert read() == MailSettings(to=("us@example.org",), sender="bench@example.org")
    assert (read().way, read().tls, read().port, read().timeout) == ("smtp", "starttls", 587, 30)


def test_everything() -> None:
    table = {
        "to": ["Us <us@example.org>", "them@example.org"],
        "sender": "patchbench <bench@example.org>",
        "way": "smtp",
        "host": "smtp.example.org",
        "port": 2465,
        "tls": "implicit",
        "ca_file": "ca.pem",
        "login": "me",
        "password_file": "/etc/secret",
        "timeout": "1m",
        "program": "/opt/sendmail",
        "path": "mails/",
    }
    settings = asdict(read(**table))
    assert settings == {
        **table,
        "to": tuple(table["to"]),
        "ca_file": "/nights/ca.pem",
        "password_env": "",
        "timeout": 60.0,
        "path": "/nights/mails/",
    }


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("implicit", 465), ("none", 25)])
def test_each_kind_of_tls_has_its_port(tls: str, port: int) -> None:
    assert read(tls=tls).port == port


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"to": []}, "mail.to is missing"),
        ({"sender": ""}, "mail.sender is ''"),
        ({"to": "a\nBcc: b@example.org"}, "mail.to is"),
        ({"to": "us@example.org, them@example.org"}, "mail.to is"),
        ({"to": "us@example.org> <them@example.org"}, "mail.to is"),
        ({"to": "-oQ/tmp@example.org"}, "mail.to is"),
        ({"to": "nobody"}, "mail.to is 'nobody'"),
        ({"to": "m\u00fcller@example.org"}, "mail.to is"),
        ({"to": 7}, "mail.to is a number"),
        ({"way": "pigeon"}, "mail.way is 'pigeon'"),
        ({"way": "file"}, "mail.path is missing"),
        ({"tls": "ssl"}, "mail.tls is 'ssl'"),
        ({"port": 0}, "mail.port is 0"),
        ({"host": ""}, "mail.host is ''"),
        ({"host": "a b"}, "mail.host is 'a b'"),
        ({"timeout": 30}, "mail.timeout is 30"),
        ({"login": "me"}, "mail.login has no password"),
        ({"login": "me", "password_env": "A", "password_file": "b"}, "has two passwords"),
        ({"password_env": "A"}, "mail.login is missing"),
        ({"login": "me", "password_env": "A", "tls": "none"}, "mail.tls is none"),
        ({"passwort": "x"}, "mail.passwort is not a key"),
    ],
)
def test_what_is_wrong_is_told(more: dict[str, Any], expected: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        read(**more)
    assert expected in caught.value.what
    assert caught.value.where.startswith("n.toml")


@pytest.mark.parametrize(
    "more", [{"password": "hunter2!"}, {"login": "me", "password_env": "hunter2!"}]
)
def test_a_password_in_the_file_is_refused_and_not_shown(more: dict[str, Any]) -> None:
    with pytest.raises(ExperimentError) as caught:
        read(**more)
    assert "hunter2" not in str(caught.value)


def test_not_a_table() -> None:
    with pytest.raises(ExperimentError, match="mail is text"):
        read_mail(Keys(file="n.toml", text="", folder=Path("/")), "us@example.org")


def test_names_of_people_may_have_any_letters() -> None:
    assert mailbox_of("J\u00fcrgen M. <j@example.org>").display_name == "J\u00fcrgen M."
