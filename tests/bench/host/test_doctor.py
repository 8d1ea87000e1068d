"""The result, meaning and remedy of each check, on machines of all kinds."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bench.host import check_building, check_measuring, doctor
from bench.host.checks import DoctorCheck
from bench.host.facts import Host, HostState
from bench.host.perf_counters import probe_counters
from builder.errors import ToolError
from builder.process import Command, Completed, Process, Runner, SystemRunner

PACKAGES = Path(__file__).parents[3] / "scripts/packages.txt"
QUIET = Host(
    name="0123456789ab",
    cpu="Some CPU",
    vendor="AuthenticAMD",
    microcode="0x1",
    architecture="x86_64",
    cpus=8,
    usable_cpus=8,
    cores=8,
    quota=None,
    smt=False,
    turbo=False,
    governor="performance",
    frequency_readable=True,
    aslr=2,
    memory=2**34,
    hypervisor="",
    kernel="6.1",
    os="Debian",
    libc="glibc 2.36",
)
IDLE = HostState(
    seconds=0.5, load=0.1, busy=1.0, steal=0.0, memory_available=2**33, memory_pressure=0.0
)


class FakeMachine:
    """A runner on a machine that lacks some programs and libraries. Records what it was asked."""

    def __init__(self, *, programs: Collection[str] = (), libraries: Collection[str] = ()) -> None:
        self.lacks_programs = programs
        self.lacks_libraries = {f"-l{name}" for name in libraries}
        self.releases = "bookworm\nbookworm-updates\n"
        self.commands: list[Command] = []

    def run(
        self,
        command: Command,
        *,
        log: Path | None = None,
        timeout: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        self.commands.append(command)
        if command.argv[0] in self.lacks_programs:
            raise ToolError(f"{command.argv[0]} cannot be started: not found.")
        if self.lacks_libraries & set(command.argv):
            return Completed(returncode=1, seconds=0.1, output="ld: cannot find it")
        output = self.releases if command.argv[0] == "apt-get" else f"{command.argv[0]} 1.0\nmore"
        return Completed(returncode=0, seconds=0.1, output=output)

    def start(self, command: Command, *, log: Path | None = None) -> Process:
        raise NotImplementedError


def tool_checks(runner: Runner, home: Path) -> dict[str, DoctorCheck]:
    return {check.name: check for check in check_building.check_tools(runner, home)}


def test_a_whole_machine_fails_nothing_and_compiles_the_libraries_at_once(tmp_path: Path) -> None:
    runner = FakeMachine()

    checks = tool_checks(runner, tmp_path)

    assert not doctor.failures(list(checks.values()))
    assert checks["make"].found == "make 1.0"
    assert checks["library ssl"].status == "ok"
    assert checks["apt"].found == "bookworm, bookworm-updates"
    assert sum("-lssl" in command.argv for command in runner.commands) == 1


def test_missing_libraries_are_found_one_by_one(tmp_path: Path) -> None:
    runner = FakeMachine(libraries=("bz2", "z"))

    checks = tool_checks(runner, tmp_path)

    assert checks["library bz2"].status == "warn"
    assert "libbz2-dev" in checks["library bz2"].mend
    assert checks["library zlib"].status == "fail"
    assert checks["library lzma"].status == "ok"
    assert [check.name for check in doctor.failures(list(checks.values()))] == ["library zlib"]


@pytest.mark.parametrize(
    ("program", "name", "package"),
    [("gcc", "compiler", "build-essential"), ("make", "make", "make"), ("git", "git", "git")],
)
def test_a_missing_program_that_builds_need_fails(
    tmp_path: Path, program: str, name: str, package: str
) -> None:
    check = tool_checks(FakeMachine(programs=(program,)), tmp_path)[name]

    assert check.status == "fail"
    assert check.mend.endswith(f"apt-get install --no-install-recommends {package}")


def test_without_a_compiler_no_library_is_blamed(tmp_path: Path) -> None:
    checks = tool_checks(FakeMachine(programs=("gcc",)), tmp_path)

    assert not [name for name in checks if name.startswith("library")]


def test_a_compiler_that_compiles_and_cannot_link_is_none(tmp_path: Path) -> None:
    fake = tmp_path / "cc"
    fake.write_text("#!/bin/sh\necho 'ld: cannot find crt1.o' >&2\nexit 1\n")
    fake.chmod(0o755)

    check, *_ = check_building.check_tools(SystemRunner(), tmp_path, cc=str(fake))

    assert (check.name, check.status) == ("compiler", "fail")
    assert "exited with status 1: ld: cannot find crt1.o" in check.found


def test_a_machine_without_apt_is_warned_of_and_goes_on(tmp_path: Path) -> None:
    check = tool_checks(FakeMachine(programs=("apt-get",)), tmp_path)["apt"]

    assert (check.status, check.found) == ("warn", "no apt on this machine")


def test_apt_without_lists_says_how_to_get_them(tmp_path: Path) -> None:
    runner = FakeMachine()
    runner.releases = ""

    check = tool_checks(runner, tmp_path)["apt"]

    assert check.status == "warn"
    assert check.mend.endswith("apt-get update")


def test_a_home_that_is_not_there_yet_is_judged_by_the_folder_that_is(tmp_path: Path) -> None:
    check = tool_checks(FakeMachine(), tmp_path / "not/yet")["disk"]

    assert str(tmp_path) in check.found
    assert "not/yet" not in check.found
    assert not (tmp_path / "not").exists()


def test_a_home_below_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    check = tool_checks(FakeMachine(), tmp_path / "file/home")["disk"]

    assert check.status == "fail"
    assert "--home" in check.mend


def test_too_little_space_is_judged_by_how_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = {}
    for needed in (2**50, 0):
        monkeypatch.setattr(check_building, "_SPACE_ADVISED", 2**60)
        monkeypatch.setattr(check_building, "_SPACE_NEEDED", needed)
        status[needed] = tool_checks(FakeMachine(), tmp_path)["disk"].status

    assert status == {2**50: "fail", 0: "warn"}


def test_the_real_compiler_finds_what_every_build_needs(tmp_path: Path) -> None:
    checks = tool_checks(SystemRunner(), tmp_path)

    for name in ("compiler", "make", "git", "library zlib", "library ssl", "disk"):
        assert checks[name].status == "ok", checks[name]
    assert not list(tmp_path.iterdir())


def test_packages_that_mend_are_those_that_the_setup_installs() -> None:
    lines = PACKAGES.read_text().splitlines()
    packages = {line for line in lines if line and not line.startswith("#")}

    assert {library.package for library in check_building.LIBRARIES} <= packages
    assert {"build-essential", "git", "ccache"} <= packages


def test_a_quiet_machine_of_metal_has_nothing_to_mend() -> None:
    checks = (
        check_measuring._cpu(QUIET),
        check_measuring._turbo(QUIET, intel=True),
        check_measuring._smt(QUIET),
        check_measuring._governor(QUIET),
        check_measuring._aslr(QUIET),
        check_measuring._counters(QUIET, 1, None),
        check_measuring._load(QUIET, IDLE, ""),
        check_measuring._hypervisor(QUIET),
        check_measuring._steal(IDLE),
        check_measuring._quota(QUIET),
    )

    assert [(check.name, check.status, check.mend) for check in checks] == [
        (check.name, "ok", "") for check in checks
    ]


@pytest.mark.parametrize(
    ("check", "mend"),
    [
        (check_measuring._turbo(replace(QUIET, turbo=True), intel=True), "intel_pstate/no_turbo"),
        (check_measuring._turbo(replace(QUIET, turbo=True), intel=False), "cpufreq/boost"),
        (check_measuring._turbo(replace(QUIET, turbo=None), intel=False), "firmware"),
        (check_measuring._turbo(replace(QUIET, turbo=None, hypervisor="x"), intel=False), "owner"),
        (check_measuring._smt(replace(QUIET, smt=True)), "smt/control"),
        (check_measuring._smt(replace(QUIET, hypervisor="x")), "owner"),
        (check_measuring._governor(replace(QUIET, governor="powersave")), "scaling_governor"),
        (check_measuring._governor(replace(QUIET, governor=None)), "firmware"),
        (check_measuring._aslr(replace(QUIET, aslr=0)), "randomize_va_space"),
        (check_measuring._counters(QUIET, 3, "EACCES"), "perf_event_paranoid=1"),
        (check_measuring._counters(QUIET, 1, "ENOENT"), "firmware"),
        (check_measuring._counters(replace(QUIET, hypervisor="x"), 1, "ENOENT"), "bare metal"),
        (check_measuring._load(QUIET, replace(IDLE, load=3.0), ""), "wait"),
        (check_measuring._load(QUIET, IDLE, "cc1 98%"), "wait"),
        (check_measuring._hypervisor(replace(QUIET, hypervisor="x")), "metal"),
        (check_measuring._steal(replace(IDLE, steal=0.1)), "dedicated CPUs"),
        (check_measuring._steal(replace(IDLE, steal=None)), "dedicated CPUs"),
        (check_measuring._quota(replace(QUIET, quota=0.5)), "limit"),
        (check_measuring._cpu(replace(QUIET, usable_cpus=1)), "two CPUs"),
    ],
)
def test_whatever_disturbs_measuring_warns_and_says_what_to_do(
    check: DoctorCheck, mend: str
) -> None:
    assert check.status == "warn"
    assert mend in check.mend
    assert check.meaning


def test_this_process_is_none_of_the_others() -> None:
    others = check_measuring._others(Path("/"))
    assert os.getpid() not in others
    assert os.getppid() in others


@pytest.mark.parametrize(
    "check",
    [
        check_measuring._turbo(replace(QUIET, turbo=None), intel=False),
        check_measuring._smt(replace(QUIET, smt=None)),
        check_measuring._smt(replace(QUIET, smt=None, hypervisor="x")),
        check_measuring._smt(replace(QUIET, smt=False, hypervisor="x")),
        check_measuring._governor(replace(QUIET, governor=None)),
        check_measuring._aslr(replace(QUIET, aslr=None)),
        check_measuring._load(QUIET, replace(IDLE, load=None), ""),
        check_measuring._steal(replace(IDLE, steal=None)),
        check_measuring._quota(QUIET, is_readable=False),
        check_measuring._cpu(replace(QUIET, cores=None)),
    ],
    ids=lambda check: check.name,
)
def test_what_the_host_does_not_say_is_unknown(check: DoctorCheck) -> None:
    assert "unknown" in check.found
    assert not re.search(r"\b(off|none|0)\b", check.found)
    assert check.name == "cpu" or check.status == "warn"


def test_the_busiest_processes_are_named() -> None:
    before = {1: ("init", 5.0), 2: ("cc1", 1.0)}
    after = {1: ("init", 5.01), 2: ("cc1", 1.5), 3: ("new", 0.25)}

    assert check_measuring._busiest(before, after, 0.5) == "cc1 100%, new 50%"


def test_commands_that_need_root_say_so_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert check_measuring._aslr(replace(QUIET, aslr=0)).mend.startswith("echo 2 | sudo tee /proc")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert check_measuring._aslr(replace(QUIET, aslr=0)).mend.startswith("echo 2 | tee /proc")


def test_asking_the_kernel_for_a_counter_answers_with_an_errors_name_or_none() -> None:
    error = probe_counters()

    assert error is None or re.fullmatch("E[A-Z0-9]+", error)


def test_examining_this_machine_covers_building_and_measuring(tmp_path: Path) -> None:
    checks = doctor.examine(runner=FakeMachine(), home=tmp_path, host=QUIET)

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
