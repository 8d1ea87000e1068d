"""Runtimes from packages: which can be had, how one comes to be, and what is left of a failure."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from builder.errors import PatchbenchError, SourceError, StoreError, ToolError, UsageError
from builder.files import hold_lock
from builder.home import Home
from builder.packages.apt import GoneError
from builder.packages.binary import Binary
from builder.runtimes import runtime
from builder.runtimes.install import Installer, is_newer, list_offers
from tests.builder.packaged import Archive
from tests.builder.upstream import home_at


class Machine:
    """A home, an archive, and what was said."""

    def __init__(self, folder: Path) -> None:
        self.home: Home = home_at(folder / "home")
        self.archive = Archive()
        self.said: list[str] = []

    def unpacking(self) -> Installer:
        return Installer(self.home, self.archive, self.said.append)

    def folders(self) -> list[str]:
        return sorted(path.name for path in runtime.folder_of(self.home).glob("*"))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def _binaries(suite: str, version: str, *names: str) -> list[Binary]:
    return [Binary(name=name, version=version, suite=suite) for name in names]


def test_offers_are_whole_and_the_newest_come_first() -> None:
    packages = [
        *_binaries("a", "7.3.9", "pypy3", "pypy3-dev", "pypy3-venv", "python-pip-whl"),
        *_binaries("b", "1:7.3.11", "pypy3", "pypy3-dev", "pypy3-venv", "python3-pip-whl"),
        *_binaries("b", "66", "python3-setuptools-whl"),
        *_binaries("c", "7.3.12", "pypy3", "pypy3-dev"),
        *_binaries("a", "7.3.3", "pypy", "pypy-dev"),
    ]
    found = list_offers(packages)
    assert [(one.name, one.suite) for one in found] == [
        ("pypy3-7.3.11", "b"),
        ("pypy3-7.3.9", "a"),
        ("pypy2-7.3.3", "a"),
    ]
    assert [one.name for one in found[1].packages][-1] == "python-pip-whl"


@pytest.mark.parametrize(
    ("package", "here", "newer"),
    [
        ("libc6_2.41-12_amd64.deb", "glibc 2.36", True),
        ("libc6_2.36-9_amd64.deb", "glibc 2.36", False),
        ("libc6_2.9-1_amd64.deb", "glibc 2.36", False),
        ("libc6_2.31-13_amd64.deb", None, True),
        ("libcrypt1_4.4_amd64.deb", "glibc 2.36", False),
    ],
)
def test_whose_c_library_is_newer(package: str, here: str | None, newer: bool) -> None:
    assert is_newer(package, here) is newer


def test_a_runtime_of_a_newer_suite_has_its_own_c_library(machine: Machine) -> None:
    found, is_new = machine.unpacking().provide("pypy3")
    assert is_new
    assert (found.name, found.suite) == ("pypy3-7.3.19+dfsg-2", "trixie")
    assert (found.facts.kind, found.facts.release) == ("pypy-3.11", "7.3.19")
    assert machine.archive.libc in found.packages
    assert not any(one.startswith("perl") for one in found.packages)
    assert found.folder is not None
    root = found.folder / "root"
    (patched,) = [argv for argv in machine.archive.argvs if argv[0].endswith("patchelf")]
    libraries = root / "usr/lib/x86_64-linux-gnu"
    assert patched[1:] == (
        "--force-rpath",
        "--set-rpath",
        f"$ORIGIN:{libraries}",
        "--set-interpreter",
        f"{libraries}/ld-linux-x86-64.so.2",
        str(root / "usr/bin/pypy3.real"),
    )
    assert (root / "usr/lib/pypy3/ensurepip/_bundled/pip-25-py3-none-any.whl").exists()
    assert not (found.folder / "packages").exists()


def test_a_runtime_of_an_older_suite_stays_with_this_machines(machine: Machine) -> None:
    machine.archive.libc = "libc6_2.0-1_amd64.deb"
    found, _new = machine.unpacking().provide("pypy2")
    assert found.facts.kind == "pypy-2.7"
    assert machine.archive.libc not in found.packages
    assert not any("--set-interpreter" in argv for argv in machine.archive.argvs)


def test_what_is_there_is_not_made_again(machine: Machine) -> None:
    first, _new = machine.unpacking().provide("pypy3")
    ran = len(machine.archive.argvs)
    again, is_new = machine.unpacking().provide("pypy3")
    assert (again, is_new) == (first, False)
    assert len(machine.archive.argvs) == ran


def test_one_version_is_asked_for_by_name(machine: Machine) -> None:
    found, _new = machine.unpacking().provide("pypy3-7.3.11")
    assert found.suite == "bookworm"
    with pytest.raises(SourceError, match=r"has no pypy3-7\.3\.1\.") as told:
        machine.unpacking().provide("pypy3-7.3.1")
    assert "pypy3-7.3.19" in told.value.where


def test_an_older_version_serves_where_the_newest_is_gone(machine: Machine) -> None:
    machine.archive.gone.add("7.3.19+dfsg-2")
    found, _new = machine.unpacking().provide("pypy3")
    assert found.suite == "bookworm"
    assert any("Trying the version before it" in line for line in machine.said)
    machine.archive.gone.add("7.3.3+dfsg-2")
    with pytest.raises(GoneError, match=r"no longer|any longer"):
        machine.unpacking().provide("pypy2")


def test_a_name_that_nobody_knows(machine: Machine) -> None:
    with pytest.raises(UsageError, match="jython") as told:
        machine.unpacking().provide("jython")
    assert "pypy3, pypy2" in told.value.hint
    assert machine.archive.argvs == []


@pytest.mark.parametrize(
    ("failing", "error"),
    [("install", SourceError), ("dpkg-deb", ToolError), ("patchelf", ToolError), ("-c", None)],
)
def test_a_failure_leaves_nothing(
    machine: Machine, failing: str, error: type[PatchbenchError] | None
) -> None:
    machine.unpacking().offers()
    machine.archive.failing = "pypy3 -c" if failing == "-c" else failing
    with pytest.raises(error or UsageError):
        machine.unpacking().provide("pypy3")
    assert machine.folders() == []
    machine.archive.failing = ""
    assert machine.unpacking().provide("pypy3")[1]


def test_packages_without_a_pip_are_told(machine: Machine) -> None:
    machine.archive.wheels = False
    with pytest.raises(StoreError, match="contain no pip"):
        machine.unpacking().provide("pypy3")
    assert machine.folders() == []


def test_what_a_killed_run_left_is_made_anew(machine: Machine) -> None:
    half = runtime.folder_of(machine.home) / "pypy3-7.3.19+dfsg-2"
    (half / "root/usr/bin").mkdir(parents=True)
    assert runtime.installed(machine.home) == ()
    assert machine.unpacking().provide("pypy3")[1]
    assert len(runtime.installed(machine.home)) == 1


def test_lists_are_fetched_once_a_day_and_old_ones_serve(machine: Machine) -> None:
    machine.unpacking().offers()
    machine.unpacking().offers()
    assert machine.archive.count("update") == 1
    then = time.time() - 2 * 24 * 3600
    os.utime(machine.home.root / "apt-binaries/packages.json", (then, then))
    machine.archive.packages = {}
    assert len(machine.unpacking().offers()) == 3
    assert "Using the lists fetched before." in machine.said[-1]


def test_without_apt_that_is_told(machine: Machine) -> None:
    machine.archive.installed = False
    with pytest.raises(SourceError, match="has no apt"):
        machine.unpacking().offers()


# -- what is there -------------------------------------------------------------------------------


def test_a_changed_executable_is_no_runtime_any_more(machine: Machine) -> None:
    found, _new = machine.unpacking().provide("pypy3")
    found.python.write_text("something else")
    assert runtime.installed(machine.home) == ()
    assert machine.unpacking().provide("pypy3")[1]


def test_a_runtime_is_found_by_its_name_or_a_part_of_it(machine: Machine) -> None:
    newer, _new = machine.unpacking().provide("pypy3")
    for name in ("pypy3", "pypy3-7.3.19", newer.name):
        assert runtime.find(machine.home, machine.archive, name) == newer
    with pytest.raises(UsageError, match=r"no runtime 'pypy3-7\.3\.1'") as told:
        runtime.find(machine.home, machine.archive, "pypy3-7.3.1")
    assert newer.name in told.value.where


def test_a_runtime_in_use_is_not_removed(machine: Machine) -> None:
    found, _new = machine.unpacking().provide("pypy3")
    with runtime.in_use(machine.home, found, print):
        assert not runtime.remove(machine.home, found.name)
    with hold_lock(runtime.lock_of(machine.home, "another")):
        assert runtime.remove(machine.home, found.name)
    assert machine.folders() == []
    for name in (found.name, "..", ""):
        with pytest.raises(StoreError, match="no runtime"):
            runtime.remove(machine.home, name)
