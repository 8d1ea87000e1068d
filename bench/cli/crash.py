"""The log of a crash: a file in the home, readable by its owner only, with what a bug report needs.

The environment is not in the log. Values of variables that look like secrets, and passwords in
URLs, are removed from the rest as well: an argument, a command or an error message may contain
them.
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
# Shorter values are ordinary words that the log may need ("1", "yes").
_SECRET_LENGTH = 5
_PASSWORD = re.compile(r"(://[^\s/@:]*):[^\s/@]+@")
_REQUIREMENT = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True)
class Crash:
    """An unexpected error, the arguments of the command line, and the last commands started."""

    error: BaseException
    arguments: Sequence[str]
    commands: Sequence[str]


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values of variables whose names suggest a secret, the longest first."""
    values = {
        value
        for name, value in environment.items()
        if _SECRET_NAME.search(name) and len(value) >= _SECRET_LENGTH
    }
    return tuple(sorted(values, key=len, reverse=True))


def write_log(home: Path, crash: Crash, *, secrets: Collection[str] = ()) -> Path:
    """Write HOME/crashes/TIME-PID.log with mode 0600 and return its path. Raises OSError."""
    folder = home / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    now = datetime.now(UTC)
    path = folder / f"{now:%Y%m%d-%H%M%S}-{os.getpid()}.log"
    content = without_secrets("\n".join(_lines(crash, now)), secrets)
    # O_EXCL: never a file or symbolic link that another user put there.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"{content}\n")
    return path


def without_secrets(text: str, secrets: Collection[str]) -> str:
    """Return the text without these values and without passwords in URLs."""
    for secret in secrets:
        text = text.replace(secret, "(secret)")
    return _PASSWORD.sub(r"\1:(secret)@", text)


def _lines(crash: Crash, now: datetime) -> Iterator[str]:
    yield f"patchbench crashed at {now.isoformat(timespec='seconds')}"
    yield "\narguments, one per line:"
    yield from (f"  {argument!r}" for argument in crash.arguments)
    yield "\nversions:"
    yield f"  Python {sys.version}".replace("\n", " ")
    yield f"  {platform.platform()}"
    yield from (f"  {line}" for line in _versions())
    yield f"\ncommands (at most the last {MOST_COMMANDS}), the newest last:"
    yield from (f"  {command}" for command in crash.commands)
    yield "\ntraceback:"
    yield "".join(traceback.format_exception(crash.error)).rstrip()


def _versions() -> Iterator[str]:
    """The versions of patchbench and its requirements, as far as they are installed."""
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
