"""Let the machine start the nights by itself: systemd's timer, or cron's line."""

from __future__ import annotations

import getpass
import pwd
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from bench.jobs.context import Context
from bench.nightly import Nightly
from bench.units import Units, cron_line, units
from builder.errors import StoreError, ToolError
from builder.process import Command, clean_environment, last_lines
from builder.store import guard_writes, write_atomically

SYSTEM = Path("/etc/systemd/system")
_SECONDS = 60.0
# By which its tools find the user's own systemd.
_OWN = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")


def command_of(context: Context, config: Nightly) -> tuple[str, ...]:
    """What runs the night, whatever the folder and environment that it is started in."""
    program = Path(sys.prefix) / "bin" / "patchbench"
    own = (str(program),) if program.exists() else (sys.executable, "-m", "bench.cli")
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


def install(context: Context, config: Nightly, *, system: bool) -> int:
    """Write service and timer and enable the timer; print how to undo it.

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
    _enable(context, made, system=system)
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


def _enable(context: Context, made: Units, *, system: bool) -> None:
    tool = _systemctl(system=system)
    own = {name: context.environment[name] for name in _OWN if name in context.environment}
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
