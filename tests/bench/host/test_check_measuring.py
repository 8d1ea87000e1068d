"""What measuring needs, checked on hosts of all kinds."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.host import check_measuring
from bench.host.check_measuring import LoadSample
from bench.host.checks import DoctorCheck
from bench.host.facts import Host, HostState

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


def test_the_busiest_processes_are_named() -> None:
    before = {1: ("init", 5.0), 2: ("cc1", 1.0)}
    after = {1: ("init", 5.01), 2: ("cc1", 1.5), 3: ("new", 0.25)}

    assert check_measuring._busiest(before, after, 0.5) == "cc1 100%, new 50%"


def test_commands_that_need_root_say_so_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert check_measuring._aslr(replace(QUIET, aslr=0)).mend.startswith("echo 2 | sudo tee /proc")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert check_measuring._aslr(replace(QUIET, aslr=0)).mend.startswith("echo 2 | tee /proc")


def test_this_very_host_is_examined(tmp_path: Path) -> None:
    """Below a folder without /proc nothing is visible, and nothing fails for that."""
    found = check_measuring.check_machine(QUIET, LoadSample(tmp_path), seconds=0)
    checks = {check.name: check for check in found}
    assert {check.status for check in checks.values()} <= {"ok", "warn"}
    assert checks["steal"].found == "unknown"
    assert checks["load"].found.startswith("unknown")
    assert checks["turbo"].status == "ok"


@pytest.mark.parametrize(
    ("text", "value"), [("2\n", 2), ("-1\n", -1), ("odd\n", None), (None, None)]
)
def test_the_setting_that_forbids_counters(
    tmp_path: Path, text: str | None, value: int | None
) -> None:
    file = tmp_path / "proc/sys/kernel/perf_event_paranoid"
    file.parent.mkdir(parents=True)
    if text is not None:
        file.write_text(text)
    assert check_measuring._paranoid(tmp_path) == value


def test_what_is_not_visible_is_never_called_off() -> None:
    unknown = replace(QUIET, turbo=None, governor=None, aslr=None, hypervisor="kvm", smt=None)
    for check in (check_measuring._turbo(unknown, intel=False), check_measuring._governor(unknown),
                  check_measuring._aslr(unknown), check_measuring._smt(unknown)):  # fmt: skip
        assert check.status == "warn"
        assert check.found.startswith("unknown")


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


def test_this_process_is_none_of_the_others() -> None:
    others = check_measuring._others(Path("/"))
    assert os.getpid() not in others
    assert os.getppid() in others
