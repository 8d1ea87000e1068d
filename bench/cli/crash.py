"""The log of a crash: a file of the home with what a report of the bug needs, for its owner alone.

The environment is not in it. What of it looks like a secret, and passwords in addresses, are taken
out of the rest as well: an address may stand in an argument, a command or an error's message.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import traceback
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

MOST_COMMANDS = 20
FOLDER = "crashes"

_SECRET_NAME = re.compile(r"PASS|TOKEN|SECRET|KEY|CREDENTIAL|AUTH", re.IGNORECASE)
# Shorter values are words that the log may need ("1", "yes").
_SECRET_LENGTH = 5
_PASSWORD = re.compile(r"(://[^\s/@:]*):[^\s/@]+@")
_REQUIREMENT = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True)
class Crash:
    """An error that nobody foresaw, what was typed, and the last commands that were started."""

    error: BaseException
    arguments: Sequence[str]
    commands: Sequence[str]


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values of variables whose names say that they are secret, the longest first."""
    values = {
        value
        for name, value in environment.items()
        if _SECRET_NAME.search(name) and len(value) >= _SECRET_LENGTH
    }
    return tuple(sorted(values, key=len, reverse=True))


def write_log(home: Path, crash: Crash, *, secrets: Collection[str] = ()) -> Path:
    """Write HOME/crashes/TIME-PID.log, which only its owner may read. Raises OSError."""
    folder = home / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    now = datetime.now(UTC)
    path = folder / f"{now:%Y%m%d-%H%M%S}-{os.getpid()}.log"
    content = without_secrets("\n".join(_lines(crash, now)), secrets)
    # A new file: nobody else's, and not through a link that somebody put there.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"{content}\n")
    return path


def without_secrets(text: str, secrets: Collection[str]) -> str:
    """The text without these values and without the passwords of addresses."""
    for secret in secrets:
        text = text.replace(secret, "(secret)")
    return _PASSWORD.sub(r"\1:(secret)@", text)


def _lines(crash: Crash, now: datetime) -> Iterator[str]:
    yield f"patchbench crashed at {now.isoformat(timespec='seconds')}"
    yield "\narguments, one a line:"
    yield from (f"  {argument!r}" for argument in crash.arguments)
    yield "\nversions:"
    yield f"  Python {sys.version}".replace("\n", " ")
    yield f"  {platform.platform()}"
    yield from (f"  {line}" for line in _versions())
    yield f"\ncommands, the last {MOST_COMMANDS} at most, the newest last:"
    yield from (f"  {command}" for command in crash.commands)
    yield "\ntraceback:"
    yield "".join(traceback.format_exception(crash.error)).rstrip()


def _versions() -> Iterator[str]:
    """Of patchbench and of what it requires, as far as it is installed."""
    from importlib.metadata import PackageNotFoundError, requires, version

    try:
        lines = requires("patchbench") or []
    except PackageNotFoundError:
        lines = []
    names = [line.partition(";")[0] for line in lines if "extra ==" not in line]
    for name in ("patchbench", *names):
        if match := _REQUIREMENT.match(name):
            try:
                yield f"{match.group()} {version(match.group())}"
            except PackageNotFoundError:
                yield f"{match.group()} is not installed"
