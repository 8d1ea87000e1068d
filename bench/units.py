"""What starts the nights: systemd's service and timer, or a line for cron. Pure: texts alone."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from pathlib import Path

_SERVICE = """\
[Unit]
Description=patchbench: the night of {name}
Documentation=file://{file}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory={folder}
ExecStart={command}
{user}# A slowdown that was found is what the night is for: the service has not failed.
SuccessExitStatus=1
# What was measured so far is kept, and the next start goes on with it.
TimeoutStopSec=5min
"""
_TIMER = """\
[Unit]
Description=patchbench: when the nights of {name} begin

[Timer]
OnCalendar=*-*-* {at}
# A night that was slept through is started as soon as the machine is up again.
Persistent=true

[Install]
WantedBy=timers.target
"""


@dataclass(frozen=True, kw_only=True)
class Units:
    """The files of one nightly file's units, by their names. `timer` is what is enabled."""

    service: str
    timer: str
    files: dict[str, str]


def units(
    name: str, *, file: Path, command: Sequence[str], at: time, user: str | None = None
) -> Units:
    """The service that runs `command`, and the timer that starts it at `at` every day.

    `user`: whom a system service runs as; None for a user's own.
    """
    stem = f"patchbench-{re.sub(r'[^A-Za-z0-9_.-]', '-', name)}"
    service, timer = f"{stem}.service", f"{stem}.timer"
    filled = _SERVICE.format(
        name=_plain(name),
        file=_address(file),
        folder=_path(file.parent),
        command=" ".join(_quoted(word) for word in command),
        user=f"User={user}\n" if user else "",
    )
    # A user's own manager knows no network target: its service would wait for nothing.
    if user is None:
        filled = re.sub(r"^(Wants|After)=.*\n", "", filled, flags=re.MULTILINE)
    return Units(
        service=service,
        timer=timer,
        files={
            service: filled,
            timer: _TIMER.format(name=_plain(name), at=at.isoformat(timespec="seconds")),
        },
    )


def cron_line(*, file: Path, command: Sequence[str], at: time, log: Path) -> str:
    """A line for `crontab -e` that does the same; cron has no memory of a night slept through."""
    told = f"cd {shlex.quote(str(file.parent))} && {shlex.join(command)}"
    text = f"{told} >> {shlex.quote(str(log))} 2>&1"
    # cron takes % for the end of the line.
    return f"{at.minute} {at.hour} * * * " + text.replace("%", r"\%")


def _quoted(word: str) -> str:
    """A word of ExecStart: % and $ mean nothing in it."""
    word = word.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + word.replace("%", "%%").replace("$", "$$") + '"'


def _path(path: Path) -> str:
    """A path as a setting has it: to the end of the line, blanks and all."""
    return str(path).replace("%", "%%")


def _address(path: Path) -> str:
    return path.as_uri().removeprefix("file://").replace("%", "%%")


def _plain(text: str) -> str:
    return text.replace("%", "%%")
