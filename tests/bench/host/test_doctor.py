"""Each check says what was found, what it means and how to mend it, on machines of all kinds."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from bench.host import doctor
from bench.host.checks import DoctorCheck
from tests.bench.host.test_check_building import machine
from tests.bench.host.test_check_measuring import QUIET


def test_examining_this_machine_covers_building_and_measuring(tmp_path: Path) -> None:
    checks = doctor.examine(runner=machine(), home=tmp_path, host=QUIET)

    names = [check.name for check in checks]
    assert len(names) == len(set(names))
    wanted = "compiler make git ccache apt disk cpu turbo smt governor aslr load steal"
    assert {*wanted.split(), "hardware counters", "hypervisor"} <= set(names)


def rendered(checks: list[DoctorCheck], width: int) -> str:
    stream = io.StringIO()
    doctor.render(checks, Console(width=width, file=stream))
    return stream.getvalue()


def test_the_table_folds_what_is_well_and_keeps_commands_whole() -> None:
    command = "sudo apt-get install --no-install-recommends " + "a-long-package-name-" * 5
    checks = [
        DoctorCheck(name="library ssl", status="ok", found="ssl.h", meaning="m"),
        DoctorCheck(name="library zlib", status="ok", found="zlib.h", meaning="m"),
        DoctorCheck(
            name="library bz2", status="warn", found="[red]none", meaning="m", mend=command
        ),
        DoctorCheck(name="library ffi", status="warn", found="none", meaning="m", mend=command),
    ]

    text = rendered(checks, 80)

    assert "ssl, zlib" in text
    assert "ssl.h" not in text
    assert "[red]none" in text
    assert "To fix library bz2, library ffi:" in text
    assert text.count(command) == 1


def test_the_checks_are_plain_json(tmp_path: Path) -> None:
    checks = [DoctorCheck(name="aslr", status="warn", found="off", meaning="m", mend="do")]

    data = json.loads(json.dumps(doctor.to_json(checks, QUIET)))

    assert data["schema"] == doctor.SCHEMA
    assert data["host"]["cpu"] == "Some CPU"
    assert data["checks"] == [
        {"name": "aslr", "status": "warn", "found": "off", "meaning": "m", "mend": "do"}
    ]
