"""One check of the doctor: its result, its meaning, and how to fix a problem."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, kw_only=True)
class DoctorCheck:
    """`status` is "fail" only for requirements of builds; "warn" costs accuracy or convenience.

    `meaning` is the consequence for building or measuring, `mend` the command that fixes a problem,
    or a sentence if no command does; "" if there is no problem.
    """

    name: str
    status: Status
    found: str
    meaning: str
    mend: str = ""


def as_root(command: str) -> str:
    """The command for running as root: with sudo unless this user is root."""
    return command if os.geteuid() == 0 else f"sudo {command}"


def write_as_root(value: str, file: str) -> str:
    """The command that writes a kernel setting."""
    return f"echo {value} | {as_root('tee')} {file}"


def install(*packages: str) -> str:
    """The command that installs Debian packages."""
    return as_root(f"apt-get install --no-install-recommends {' '.join(packages)}")
