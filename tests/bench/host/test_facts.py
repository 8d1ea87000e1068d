"""Facts and samples are read from folders that look like /proc and /sys of machines we know."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pytest

from bench.host.facts import CpuSeconds, Host, HostSampler, HostState, cpu_seconds, read_host

CPU = "sys/devices/system/cpu"
LAPTOP = {
    "proc/cpuinfo": "processor\t: 0\nvendor_id\t: GenuineIntel\n"
    "model name\t: Intel(R) Core(TM)  i7-8650U CPU @ 1.90GHz\nmicrocode\t: 0xf6\n"
    "flags\t\t: fpu vme sse2\n\nprocessor\t: 1\nvendor_id\t: Other\n",
    "proc/meminfo": "MemTotal:       16000000 kB\nMemAvailable:    9000000 kB\n",
    "proc/loadavg": "1.25 0.90 0.80 2/900 12345\n",
    "proc/self/status": "Name:\tpython\nCpus_allowed_list:\t0-2\n",
    "proc/self/cgroup": "0::/user.slice/one\n",
    "proc/sys/kernel/hostname": "jupiter\n",
    "proc/sys/kernel/osrelease": "6.1.0-18-amd64\n",
    "proc/sys/kernel/randomize_va_space": "2\n",
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "etc/os-release": 'NAME="Debian GNU/Linux"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    f"{CPU}/online": "0-3\n",
    f"{CPU}/smt/active": "1\n",
    f"{CPU}/intel_pstate/no_turbo": "0\n",
    **{f"{CPU}/cpu{n}/topology/thread_siblings_list": f"{n % 2},{n % 2 + 2}" for n in range(4)},
    **{f"{CPU}/cpu{n}/cpufreq/scaling_governor": "powersave\n" for n in range(4)},
    f"{CPU}/cpu0/cpufreq/scaling_cur_freq": "1900000\n",
    "sys/class/dmi/id/sys_vendor": "LENOVO\n",
}
STAT = "cpu  {user} 0 0 {idle} 0 0 0 {steal} 50 0\ncpu0 1 1 1 1\n"


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_facts_of_a_laptop(tmp_path: Path) -> None:
    host = read_host(write(tmp_path, LAPTOP))

    assert host.cpu == "Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz"
    assert host.vendor == "GenuineIntel"
    assert host.microcode == "0xf6"
    assert (host.cpus, host.usable_cpus, host.cores) == (4, 3, 2)
    assert host.smt is True
    assert host.turbo is True
    assert host.governor == "powersave"
    assert host.frequency_readable
    assert host.aslr == 2
    assert host.memory == 16_000_000 * 1024
    assert host.hypervisor == ""
    assert host.quota is None
    assert host.kernel == "6.1.0-18-amd64"
    assert host.os == "Debian GNU/Linux 12 (bookworm)"


def test_the_hosts_name_is_hashed_and_told_apart_by_the_machines_id(tmp_path: Path) -> None:
    first = read_host(write(tmp_path / "a", LAPTOP))
    again = read_host(write(tmp_path / "b", LAPTOP))
    other = read_host(write(tmp_path / "c", LAPTOP | {"etc/machine-id": "f" * 32}))

    assert first.name == again.name != other.name
    assert "jupiter" not in json.dumps(asdict(first))


def test_what_a_host_does_not_tell_is_none(tmp_path: Path) -> None:
    host = read_host(tmp_path)

    assert host.cpu == host.vendor == host.os == "unknown"
    assert host.cpus == host.usable_cpus == os.cpu_count()
    for name in ("microcode", "cores", "quota", "smt", "turbo", "governor", "aslr", "memory"):
        assert getattr(host, name) is None
    assert not host.frequency_readable


def test_facts_survive_json(tmp_path: Path) -> None:
    host = read_host(write(tmp_path, LAPTOP))

    assert Host(**json.loads(json.dumps(asdict(host)))) == host


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({f"{CPU}/intel_pstate/no_turbo": "1"}, False),
        ({f"{CPU}/cpufreq/boost": "1"}, True),
        ({f"{CPU}/cpufreq/boost": "0"}, False),
        ({}, None),
    ],
)
def test_turbo_of_either_driver(
    tmp_path: Path, files: Mapping[str, str], expected: bool | None
) -> None:
    assert read_host(write(tmp_path, files)).turbo is expected


def test_governors_that_differ_are_all_named(tmp_path: Path) -> None:
    path = f"{CPU}/cpu1/cpufreq/scaling_governor"

    host = read_host(write(tmp_path, LAPTOP | {path: "performance"}))

    assert host.governor == "performance,powersave"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"proc/cpuinfo": "flags : fpu hypervisor\n"}, "unnamed"),
        (
            {
                "proc/cpuinfo": "flags : fpu hypervisor\n",
                "sys/class/dmi/id/sys_vendor": "QEMU\n",
                "sys/class/dmi/id/product_name": "Standard PC\n",
            },
            "QEMU Standard PC",
        ),
        # ARM's processors do not tell; a cloud's bare metal has the cloud's name and is none.
        ({"sys/class/dmi/id/sys_vendor": "QEMU\n"}, "QEMU"),
        ({"sys/class/dmi/id/sys_vendor": "Amazon EC2\n"}, ""),
        ({"sys/hypervisor/type": "xen\n"}, "xen"),
    ],
)
def test_hypervisor(tmp_path: Path, files: Mapping[str, str], expected: str) -> None:
    assert read_host(write(tmp_path, files)).hypervisor == expected


def test_an_arm_processor_is_named_by_its_numbers(tmp_path: Path) -> None:
    info = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"

    host = read_host(write(tmp_path, {"proc/cpuinfo": info}))

    assert (host.vendor, host.cpu) == ("ARM", "ARM part 0xd0c")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/b/cpu.max": "max 100000"}, None),
        (
            {
                "proc/self/cgroup": "0::/a/b",
                "sys/fs/cgroup/a/b/cpu.max": "400000 100000",
                "sys/fs/cgroup/a/cpu.max": "150000 100000",
            },
            1.5,
        ),
        (
            {
                "proc/self/cgroup": "5:devices:/\n1:cpu,cpuacct:/docker/x\n0::/",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            0.5,
        ),
        (
            {
                "proc/self/cgroup": "1:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            None,
        ),
    ],
)
def test_the_smallest_quota_of_all_groups_counts(
    tmp_path: Path, files: Mapping[str, str], expected: float | None
) -> None:
    assert read_host(write(tmp_path, files)).quota == expected


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_sample_tells_of_the_time_since_the_one_before(tmp_path: Path) -> None:
    clock = Clock()
    pressure = "proc/pressure/memory"
    some = "some avg10=9.00 avg60=0.00 avg300=0.00 total={}\nfull avg10=0.00 total=7\n"
    write(tmp_path, LAPTOP)
    write(tmp_path, {"proc/stat": STAT.format(user=1000, idle=5000, steal=10)})
    write(tmp_path, {pressure: some.format(2_000_000)})
    sampler = HostSampler(tmp_path, clock)

    clock.now += 2
    # 800 ticks pass on four CPUs: 300 busy, 100 wanted and not given, 400 idle.
    write(tmp_path, {"proc/stat": STAT.format(user=1300, idle=5400, steal=110)})
    write(tmp_path, {pressure: some.format(2_500_000)})
    state = sampler.sample()

    assert state.seconds == 2
    assert state.load == 1.25
    assert state.busy == pytest.approx(1.5)
    assert state.steal == pytest.approx(0.25)
    assert state.memory_available == 9_000_000 * 1024
    assert state.memory_pressure == pytest.approx(0.25)

    clock.now += 1
    write(tmp_path, {"proc/stat": STAT.format(user=1400, idle=5700, steal=110)})
    later = sampler.sample()

    assert (later.steal, later.memory_pressure) == (0, 0)
    assert later.busy == pytest.approx(1.0)


def test_a_sample_without_ticks_or_files_is_none_not_zero(tmp_path: Path) -> None:
    state = HostSampler(tmp_path).sample()

    assert state.load is state.busy is state.steal is None
    assert state.memory_available is state.memory_pressure is None


def test_counters_that_fall_after_a_move_to_another_machine_are_no_negative_share(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"proc/stat": STAT.format(user=1000, idle=5000, steal=500)})
    sampler = HostSampler(tmp_path)
    write(tmp_path, {"proc/stat": STAT.format(user=1100, idle=6000, steal=3)})

    assert sampler.sample().steal == 0


def test_this_very_host_can_be_read() -> None:
    host = read_host()
    state = HostSampler().sample()

    assert host.usable_cpus >= 1
    assert host.memory
    assert state.load is not None


# -- work of others ------------------------------------------------------------------------------

TWO_CPUS = (
    "cpu  {all} 0 0 {idle} 0 0 0 0\ncpu0 {zero} 0 0 0 0 0 0 0\ncpu1 {one} 0 0 {calm} 0 0 0 0\n"
)


def foreign(
    tmp_path: Path, *, own: float, children: float, siblings: str = "1", usable: str = "0-1"
) -> HostState:
    """Two seconds in which CPU 0 was busy all the time and CPU 1, which is measured, three fourths
    of it: 150 of 200 ticks.
    """
    used = [CpuSeconds(own=5.0, children=7.0), CpuSeconds(own=5.0 + own, children=7.0 + children)]
    clock = Clock()
    write(tmp_path, LAPTOP | {f"{CPU}/online": "0-1"})
    write(tmp_path, {"proc/self/status": f"Cpus_allowed_list:\t{usable}\n"})
    write(tmp_path, {f"{CPU}/cpu1/topology/thread_siblings_list": siblings})
    write(tmp_path, {"proc/stat": TWO_CPUS.format(all=100, idle=100, zero=50, one=50, calm=50)})
    sampler = HostSampler(tmp_path, clock, core=1, usage=lambda: used.pop(0))
    clock.now += 2
    write(tmp_path, {"proc/stat": TWO_CPUS.format(all=450, idle=150, zero=250, one=200, calm=100)})
    return sampler.sample()


def test_work_of_others_is_what_neither_we_nor_our_children_did(tmp_path: Path) -> None:
    state = foreign(tmp_path, own=0.2, children=1.4)

    assert state.busy == pytest.approx(1.75)
    assert state.foreign == pytest.approx(1.75 - 0.8)
    # Children run on the measured CPU, and this process elsewhere.
    assert state.foreign_here == pytest.approx(0.75 - 0.7)
    assert state.foreign_sibling is None


def test_with_a_single_usable_cpu_this_process_is_there_too(tmp_path: Path) -> None:
    state = foreign(tmp_path, own=0.04, children=1.4, usable="1")
    assert state.foreign_here == pytest.approx(0.75 - 0.72)


def test_the_other_thread_of_the_measured_core_is_watched(tmp_path: Path) -> None:
    state = foreign(tmp_path, own=0.2, children=1.4, siblings="0-1")
    assert state.foreign_sibling == pytest.approx(1.0 - 0.1)


def test_more_of_ours_than_the_ticks_have_is_nothing_of_others(tmp_path: Path) -> None:
    state = foreign(tmp_path, own=2.0, children=3.0)
    assert (state.foreign, state.foreign_here) == (0.0, 0.0)


def test_heat_and_the_clock_of_the_measured_cpu(tmp_path: Path) -> None:
    heat = f"{CPU}/cpu1/thermal_throttle"
    write(tmp_path, {f"{heat}/core_throttle_count": "7", f"{heat}/package_throttle_count": "1"})
    write(tmp_path, {f"{CPU}/cpu1/cpufreq/scaling_cur_freq": "1800000"})
    sampler = HostSampler(tmp_path, core=1)
    write(tmp_path, {f"{heat}/core_throttle_count": "9", f"{heat}/package_throttle_count": "2"})
    state = sampler.sample()

    assert (state.throttled, state.frequency) == (3, 1_800_000_000)
    assert HostSampler(tmp_path / "elsewhere").sample().throttled is None


def test_memory_that_is_left_is_told_as_a_part_of_all(tmp_path: Path) -> None:
    assert HostSampler(write(tmp_path, LAPTOP)).sample().memory_free == pytest.approx(9 / 16)


def test_what_this_process_and_its_ended_children_used_grows() -> None:
    before = cpu_seconds()
    sum(range(200_000))
    assert cpu_seconds().own > before.own
    assert cpu_seconds().children >= before.children
