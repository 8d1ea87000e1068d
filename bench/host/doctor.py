"""The doctor: checks this machine for building and measuring; each has a meaning and a remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from bench.host.check_building import LIBRARY, check_tools, is_library
from bench.host.check_measuring import LoadSample, check_machine
from bench.host.checks import DoctorCheck
from bench.host.facts import Host
from bench.util import TextTable
from builder.process import Runner

SCHEMA = 1
_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def examine(*, runner: Runner, home: Path, host: Host, cc: str = "gcc") -> tuple[DoctorCheck, ...]:
    """Check this machine, in two or three seconds. Problems are results, not exceptions."""
    sample = LoadSample()
    return (*check_tools(runner, home, cc), *check_machine(host, sample))


def failures(checks: Sequence[DoctorCheck]) -> tuple[DoctorCheck, ...]:
    """The failed checks: nothing can be built without them."""
    return tuple(check for check in checks if check.status == "fail")


def to_json(checks: Sequence[DoctorCheck], host: Host) -> dict[str, Any]:
    """The checks and the host's facts, as plain data for --json."""
    return {
        "schema": SCHEMA,
        "host": asdict(host),
        "checks": [asdict(check) for check in checks],
    }


def render(checks: Sequence[DoctorCheck], console: Console) -> None:
    """Print a table of the checks, and below it the complete commands that fix problems."""
    prose = ("found", "what it means")
    table = TextTable("check", "", *prose, prose=prose)
    for check in _folded(checks):
        status = Text(check.status, style=_STYLES[check.status])
        table.add_row(Text(check.name), status, Text(check.found), Text(check.meaning))
    console.print(table)
    for mend, names in _mends(checks).items():
        console.print(Text(f"\nTo fix {', '.join(names)}:", style="bold"))
        console.print(Text(f"  {mend}"), soft_wrap=True)


def _folded(checks: Sequence[DoctorCheck]) -> list[DoctorCheck]:
    """The checks, with all libraries that were found in one row."""
    libraries = [check for check in checks if check.status == "ok" and is_library(check)]
    row = DoctorCheck(
        name="libraries",
        status="ok",
        found=", ".join(check.name.removeprefix(LIBRARY) for check in libraries),
        meaning="the modules of the standard library that need them can be built",
    )
    shown: list[DoctorCheck] = []
    for check in checks:
        if check not in libraries:
            shown.append(check)
        elif row not in shown:
            shown.append(row)
    return shown


def _mends(checks: Sequence[DoctorCheck]) -> dict[str, list[str]]:
    """The commands that fix problems, each with the names of the checks that it fixes."""
    mends: dict[str, list[str]] = {}
    for check in checks:
        if check.mend:
            mends.setdefault(check.mend, []).append(check.name)
    return mends
