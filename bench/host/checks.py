"""One check of the doctor: what was found, what it means, and how to mend it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, kw_only=True)
class DoctorCheck:
    """`status` is "fail" only for what builds cannot do without; "warn" costs accuracy or comfort.

    `meaning` says what it means for building or measuring, `mend` is the command that mends it, or
    a sentence where no command does; "" when there is nothing to mend.
    """

    name: str
    status: Status
    found: str
    meaning: str
    mend: str = ""


def as_root(command: str) -> str:
    """The command as this user would have to type it to run it as root."""
    return command if os.geteuid() == 0 else f"sudo {command}"


def write_as_root(value: str, file: str) -> str:
    """The command that writes a setting of the kernel's."""
    return f"echo {value} | {as_root('tee')} {file}"


def install(*packages: str) -> str:
    """The command that installs Debian packages."""
    return as_root(f"apt-get install --no-install-recommends {' '.join(packages)}")
