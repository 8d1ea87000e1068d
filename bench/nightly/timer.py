"""Start nights at a fixed time: write and enable systemd units, or print a line for cron."""

from __future__ import annotations

import getpass
import pwd
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from pathlib import Path

import platformdirs

from bench.context import Context
from bench.nightly.config import Nightly
from builder.errors import StoreError, ToolError
from builder.files import guard_writes, write_atomically
from builder.process import Command, clean_environment, last_lines

SYSTEM = Path("/etc/systemd/system")
_SECONDS = 60.0
# systemctl needs these to find the systemd instance of the user.
_BUS_VARIABLES = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")


def command_of(context: Context, config: Nightly) -> tuple[str, ...]:
    """The command that runs the night from any folder and environment."""
    program = Path(sys.prefix) / "bin" / "patchbench"
    start = (str(program),) if program.exists() else (sys.executable, "-m", "patchbench")
    return (*start, "--home", str(context.home.root), "nightly", str(config.file))


def cron(context: Context, config: Nightly) -> int:
    """Print the line for crontab."""
    line = cron_line(
        file=config.file,
        command=command_of(context, config),
        at=config.at,
        log=config.folder / "cron.log",
    )
    sys.stdout.write(f"{line}\n")
    context.show.say(
        "Add this line with `crontab -e`. cron does not catch up while the machine was off."
    )
    return 0


def install(
    context: Context, config: Nightly, *, system: bool, environment: Mapping[str, str]
) -> int:
    """Write service and timer, enable the timer, and print how to undo that. `environment` is the
    caller's; it has the address of the user's systemd.

    Raises ToolError if systemd cannot enable the timer, after the files were written.
    """
    with guard_writes(config.folder):
        config.folder.mkdir(parents=True, exist_ok=True)
    folder = SYSTEM if system else user_folder()
    written = units(
        config.name,
        file=config.file,
        command=command_of(context, config),
        at=config.at,
        user=_owner(config.file) if system else None,
    )
    _write(folder, written)
    for line in _undo_commands(folder, written, system=system):
        sys.stdout.write(f"{line}\n")
    variables = {name: environment[name] for name in _BUS_VARIABLES if name in environment}
    _enable(context, written, variables, system=system)
    context.show.say(f"{written.timer} is enabled: every day at {config.at:%H:%M}.")
    if not system:
        context.show.say(
            "A user's timers run while the user is logged in. To run them without a login: "
            f"loginctl enable-linger {shlex.quote(getpass.getuser())}"
        )
    return 0


def user_folder() -> Path:
    """The folder in which systemd looks for the units of the user."""
    return platformdirs.user_config_path() / "systemd" / "user"


def _owner(file: Path) -> str:
    """The owner of the nightly file, as whom a system service runs, with no further rights."""
    try:
        return pwd.getpwuid(file.stat().st_uid).pw_name
    except (OSError, KeyError) as error:
        raise StoreError(
            "The owner of the nightly file cannot be determined.", where=f"{file}: {error}"
        ) from error


def _write(folder: Path, units: Units) -> None:
    with guard_writes(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in units.files.items():
            write_atomically(folder / name, text)
            sys.stdout.write(f"wrote {folder / name}\n")


def _systemctl(*, system: bool) -> tuple[str, ...]:
    return ("systemctl", "--system" if system else "--user")


def _undo_commands(folder: Path, units: Units, *, system: bool) -> Sequence[str]:
    tool = shlex.join(_systemctl(system=system))
    files = shlex.join(str(folder / name) for name in units.files)
    return (
        "To undo it:",
        f"  {tool} disable --now {units.timer}",
        f"  rm {files}",
        f"  {tool} daemon-reload",
    )


def _enable(context: Context, units: Units, variables: Mapping[str, str], *, system: bool) -> None:
    tool = _systemctl(system=system)
    steps = ((*tool, "daemon-reload"), (*tool, "enable", "--now", units.timer))
    for argv in steps:
        command = Command(argv=argv, env={**clean_environment(), **variables})
        result = context.runner.run(command, timeout=_SECONDS)
        if not result.ok:
            raise ToolError(
                "The units were written, but systemd could not enable the timer.",
                where=f"{command.shown()}\n{last_lines(result.output)}",
                hint="Where systemd is running, as the user who owns the timer, run "
                + " && ".join(shlex.join(step) for step in steps)
                + ". Without systemd, use --cron.",
            )


_SERVICE = """\
[Unit]
Description=patchbench: run the night of {name}
Documentation=file://{file}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory={folder}
ExecStart={command}
{user}# Exit code 1 reports a confirmed slowdown: the service has not failed.
SuccessExitStatus=1
# What was measured is kept, and the next start continues the night.
TimeoutStopSec=5min
"""
_TIMER = """\
[Unit]
Description=patchbench: start the nights of {name}

[Timer]
OnCalendar=*-*-* {at}
# A night that was missed while the machine was off starts as soon as it is on again.
Persistent=true

[Install]
WantedBy=timers.target
"""


@dataclass(frozen=True, kw_only=True)
class Units:
    """The systemd units of one nightly file: `files` maps names to texts; `timer` gets enabled."""

    service: str
    timer: str
    files: dict[str, str]


def units(
    name: str, *, file: Path, command: Sequence[str], at: time, user: str | None = None
) -> Units:
    """Return the service that runs `command`, and the timer that starts it at `at` every day.

    `user`: the user that a system service runs as; None for units of a user.
    """
    stem = f"patchbench-{re.sub(r'[^A-Za-z0-9_.-]', '-', name)}"
    service, timer = f"{stem}.service", f"{stem}.timer"
    service_text = _SERVICE.format(
        name=_plain(name),
        file=_address(file),
        folder=_path(file.parent),
        command=" ".join(_quoted(word) for word in command),
        user=f"User={user}\n" if user else "",
    )
    # The systemd instance of a user has no network target: the lines would have no effect.
    if user is None:
        service_text = re.sub(r"^(Wants|After)=.*\n", "", service_text, flags=re.MULTILINE)
    return Units(
        service=service,
        timer=timer,
        files={
            service: service_text,
            timer: _TIMER.format(name=_plain(name), at=at.isoformat(timespec="seconds")),
        },
    )


def cron_line(*, file: Path, command: Sequence[str], at: time, log: Path) -> str:
    """A line for `crontab -e` that does the same, but does not catch up on missed nights."""
    job = f"cd {shlex.quote(str(file.parent))} && {shlex.join(command)}"
    text = f"{job} >> {shlex.quote(str(log))} 2>&1"
    # An unescaped % ends the command in a crontab.
    return f"{at.minute} {at.hour} * * * " + text.replace("%", r"\%")


def _quoted(word: str) -> str:
    """A word of ExecStart, quoted, with % and $ escaped."""
    word = word.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + word.replace("%", "%%").replace("$", "$$") + '"'


def _path(path: Path) -> str:
    """A path as the value of a setting, which extends to the end of the line, spaces included."""
    return str(path).replace("%", "%%")


def _address(path: Path) -> str:
    return path.as_uri().removeprefix("file://").replace("%", "%%")


def _plain(text: str) -> str:
    return text.replace("%", "%%")
