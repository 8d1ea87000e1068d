"""What building needs, checked on machines that lack some of it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from bench.host import check_building, doctor
from bench.host.checks import DoctorCheck
from builder.errors import ToolError
from builder.process import Completed, Runner, SystemRunner
from tests.recording import Call, RecordingRunner, completed

PACKAGES = Path(__file__).parents[3] / "scripts/packages.txt"


def machine(
    *,
    programs: Collection[str] = (),
    libraries: Collection[str] = (),
    releases: str = "bookworm\nbookworm-updates\n",
) -> RecordingRunner:
    """A machine that lacks these programs and libraries; `releases` is what apt-get knows."""
    missing = {f"-l{name}" for name in libraries}

    def answer(call: Call) -> Completed:
        program = call.command.argv[0]
        if program in programs:
            raise ToolError(f"{program} cannot be started: not found.")
        if missing & set(call.command.argv):
            return completed("ld: cannot find it", returncode=1)
        return completed(releases if program == "apt-get" else f"{program} 1.0\nmore")

    return RecordingRunner(answer)


def tool_checks(runner: Runner, home: Path) -> dict[str, DoctorCheck]:
    return {check.name: check for check in check_building.check_tools(runner, home)}


def test_a_whole_machine_fails_nothing_and_compiles_the_libraries_at_once(tmp_path: Path) -> None:
    runner = machine()

    checks = tool_checks(runner, tmp_path)

    assert not doctor.failures(list(checks.values()))
    assert checks["make"].found == "make 1.0"
    assert checks["library ssl"].status == "ok"
    assert checks["apt"].found == "bookworm, bookworm-updates"
    assert sum("-lssl" in command.argv for command in runner.commands) == 1


def test_missing_libraries_are_found_one_by_one(tmp_path: Path) -> None:
    runner = machine(libraries=("bz2", "z"))

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
    check = tool_checks(machine(programs=(program,)), tmp_path)[name]

    assert check.status == "fail"
    assert check.mend.endswith(f"apt-get install --no-install-recommends {package}")


def test_without_a_compiler_no_library_is_blamed(tmp_path: Path) -> None:
    checks = tool_checks(machine(programs=("gcc",)), tmp_path)

    assert not [name for name in checks if name.startswith("library")]


def test_a_compiler_that_compiles_and_cannot_link_is_none(tmp_path: Path) -> None:
    fake = tmp_path / "cc"
    fake.write_text("#!/bin/sh\necho 'ld: cannot find crt1.o' >&2\nexit 1\n")
    fake.chmod(0o755)

    check, *_ = check_building.check_tools(SystemRunner(), tmp_path, cc=str(fake))

    assert (check.name, check.status) == ("compiler", "fail")
    assert "exited with status 1: ld: cannot find crt1.o" in check.found


def test_a_machine_without_apt_is_warned_of_and_goes_on(tmp_path: Path) -> None:
    check = tool_checks(machine(programs=("apt-get",)), tmp_path)["apt"]

    assert (check.status, check.found) == ("warn", "no apt on this machine")


def test_apt_without_lists_says_how_to_get_them(tmp_path: Path) -> None:
    runner = machine(releases="")

    check = tool_checks(runner, tmp_path)["apt"]

    assert check.status == "warn"
    assert check.mend.endswith("apt-get update")


def test_a_home_that_is_not_there_yet_is_judged_by_the_folder_that_is(tmp_path: Path) -> None:
    check = tool_checks(machine(), tmp_path / "not/yet")["disk"]

    assert str(tmp_path) in check.found
    assert "not/yet" not in check.found
    assert not (tmp_path / "not").exists()


def test_a_home_below_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    check = tool_checks(machine(), tmp_path / "file/home")["disk"]

    assert check.status == "fail"
    assert "--home" in check.mend


def test_too_little_space_is_judged_by_how_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = {}
    for wanted in (2**50, 0):
        monkeypatch.setattr(check_building, "_SPACE_ADVISED", 2**60)
        monkeypatch.setattr(check_building, "_SPACE_NEEDED", wanted)
        status[wanted] = tool_checks(machine(), tmp_path)["disk"].status

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
