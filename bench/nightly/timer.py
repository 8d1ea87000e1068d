"""What starts the nights: systemd's service and timer, or a line for cron; and installing them."""

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
# By which its tools find the user's own systemd.
_OWN = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")


def command_of(context: Context, config: Nightly) -> tuple[str, ...]:
    """What runs the night, whatever the folder and environment that it is started in."""
    program = Path(sys.prefix) / "bin" / "patchbench"
    own = (str(program),) if program.exists() else (sys.executable, "-m", "patchbench")
    return (*own, "--home", str(context.home.root), "nightly", str(config.file))


def cron(context: Context, config: Nightly) -> int:
    """Print cron's line."""
    line = cron_line(
        file=config.file,
        command=command_of(context, config),
        at=config.at,
        log=config.folder / "cron.log",
    )
    sys.stdout.write(f"{line}\n")
    context.show.say("Add it with `crontab -e`. cron starts no night that was slept through.")
    return 0


def install(
    context: Context, config: Nightly, *, system: bool, environment: Mapping[str, str]
) -> int:
    """Write service and timer and enable the timer; print how to undo it. The caller's
    `environment` says where the user's own systemd is.

    ToolError where systemd cannot enable it, after the files were written.
    """
    with guard_writes(config.folder):
        config.folder.mkdir(parents=True, exist_ok=True)
    folder = SYSTEM if system else user_folder()
    made = units(
        config.name,
        file=config.file,
        command=command_of(context, config),
        at=config.at,
        user=_owner(config.file) if system else None,
    )
    _write(folder, made)
    for line in _undoing(folder, made, system=system):
        sys.stdout.write(f"{line}\n")
    own = {name: environment[name] for name in _OWN if name in environment}
    _enable(context, made, own, system=system)
    context.show.say(f"{made.timer} is enabled: every day at {config.at:%H:%M}.")
    if not system:
        context.show.say(
            "A user's timers run while the user is logged in. For nights without anybody: "
            f"loginctl enable-linger {shlex.quote(getpass.getuser())}"
        )
    return 0


def user_folder() -> Path:
    """Where systemd looks for a user's own units."""
    return platformdirs.user_config_path() / "systemd" / "user"


def _owner(file: Path) -> str:
    """Whose nightly file it is: a system service runs as nobody greater."""
    try:
        return pwd.getpwuid(file.stat().st_uid).pw_name
    except (OSError, KeyError) as error:
        raise StoreError(
            "It cannot be told whose nightly file this is.", where=f"{file}: {error}"
        ) from error


def _write(folder: Path, made: Units) -> None:
    with guard_writes(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in made.files.items():
            write_atomically(folder / name, text)
            sys.stdout.write(f"wrote {folder / name}\n")


def _systemctl(*, system: bool) -> tuple[str, ...]:
    return ("systemctl", "--system" if system else "--user")


def _undoing(folder: Path, made: Units, *, system: bool) -> Sequence[str]:
    tool = shlex.join(_systemctl(system=system))
    files = shlex.join(str(folder / name) for name in made.files)
    return (
        "To undo it:",
        f"  {tool} disable --now {made.timer}",
        f"  rm {files}",
        f"  {tool} daemon-reload",
    )


def _enable(context: Context, made: Units, own: Mapping[str, str], *, system: bool) -> None:
    tool = _systemctl(system=system)
    steps = ((*tool, "daemon-reload"), (*tool, "enable", "--now", made.timer))
    for argv in steps:
        command = Command(argv=argv, env={**clean_environment(), **own})
        done = context.runner.run(command, timeout=_SECONDS)
        if not done.ok:
            raise ToolError(
                "The units were written, but systemd does not enable the timer.",
                where=f"{command.shown()}\n{last_lines(done.output)}",
                hint="Where systemd runs, as the user who owns the timer: "
                + " && ".join(shlex.join(step) for step in steps)
                + ". Without systemd: --cron.",
            )


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
