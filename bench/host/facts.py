"""The facts of a host, for results and reports, and cheap samples of its state.

Both are read from /proc and /sys below a root, so that tests use folders of their own. Values that
a host does not provide are None, never guessed.
"""

from __future__ import annotations

import hashlib
import os
import re
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.host import procfs
from bench.host.procfs import CPU, flag, meminfo, number, online, pairs, text, usable

# ARM processors have numbers instead of names: common implementers.
_IMPLEMENTERS = {
    "0x41": "ARM",
    "0x48": "HiSilicon",
    "0x4e": "NVIDIA",
    "0x51": "Qualcomm",
    "0x61": "Apple",
    "0xc0": "Ampere",
}


@dataclass(frozen=True, kw_only=True)
class Host:
    """The facts of a host. Every field is plain JSON, so `Host(**document)` reads it again.

    `name` is a hash. `cpus` are online, `usable_cpus` those this process may run on, `cores` the
    physical cores (as far as a guest can see them), `quota` the number of CPUs that the control
    group allows. `memory` is in bytes. `aslr` is the kernel's randomize_va_space. `hypervisor` is
    "" on bare metal.
    """

    name: str
    cpu: str
    vendor: str
    microcode: str | None
    architecture: str
    cpus: int
    usable_cpus: int
    cores: int | None
    quota: float | None
    smt: bool | None
    turbo: bool | None
    governor: str | None
    frequency_readable: bool
    aslr: int | None
    memory: int | None
    hypervisor: str
    kernel: str
    os: str
    libc: str


@dataclass(frozen=True, kw_only=True)
class HostState:
    """The state of the host since the sample before.

    `seconds` is the span; `load` the kernel's one-minute average; `busy` the mean number of busy
    CPUs; `steal` the part of the requested CPU time that the hypervisor did not give (0 to 1);
    `memory_available` in bytes, `memory_free` as a part of all (0 to 1); `memory_pressure` the part
    of the span in which some task waited for memory (0 to 1). None: unknown on this host, or the
    span was too short.

    Foreign work is that of neither this process nor its children: `foreign` is the mean number of
    CPUs that it kept busy, `foreign_here` its part of the measured CPU's time, `foreign_sibling` of
    the time of the other threads of that core. `throttled` is how often the measured CPU was slowed
    down because of heat, `frequency` its clock in hertz at the end of the span.
    """

    seconds: float = 0.0
    load: float | None = None
    busy: float | None = None
    steal: float | None = None
    memory_available: float | None = None
    memory_pressure: float | None = None
    memory_free: float | None = None
    foreign: float | None = None
    foreign_here: float | None = None
    foreign_sibling: float | None = None
    throttled: float | None = None
    frequency: float | None = None


def read_host(root: Path = Path("/")) -> Host:
    """Read the facts of this host, or of the host whose files are below `root`."""
    info = _cpuinfo(root)
    return Host(
        name=_hashed_name(root),
        cpu=_model(root, info),
        vendor=_vendor(info),
        microcode=info.get("microcode"),
        architecture=os.uname().machine,
        cpus=len(online(root)),
        usable_cpus=len(usable(root)),
        cores=_cores(root),
        quota=_quota(root),
        smt=flag(root / CPU / "smt/active"),
        turbo=_turbo(root),
        governor=_governor(root),
        frequency_readable=procfs.frequency(root, 0) is not None,
        aslr=number(text(root / "proc/sys/kernel/randomize_va_space")),
        memory=meminfo(root).get("MemTotal"),
        hypervisor=_hypervisor(root, info),
        kernel=text(root / "proc/sys/kernel/osrelease"),
        os=_os_name(root),
        libc=os.confstr("CS_GNU_LIBC_VERSION") or "unknown",
    )


@dataclass(frozen=True, kw_only=True)
class CpuSeconds:
    """CPU seconds of this process, and of its children that have ended."""

    own: float
    children: float


def cpu_seconds() -> CpuSeconds:
    """The CPU time used so far."""
    own, children = (
        resource.getrusage(target) for target in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return CpuSeconds(
        own=own.ru_utime + own.ru_stime, children=children.ru_utime + children.ru_stime
    )


class HostSampler:
    """Samples a host's state; each sample covers the time since the one before.

    `core` is the measured CPU, to which all children are pinned, and which this process does not
    use unless it has no other. Children should have ended when a sample is taken: only then does
    the kernel add their time to this process's.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        clock: Callable[[], float] = time.monotonic,
        *,
        core: int | None = None,
        usage: Callable[[], CpuSeconds] = cpu_seconds,
    ) -> None:
        self._root = root
        self._clock = clock
        self._core = core
        self._usage = usage
        self._siblings = procfs.siblings(root, core) if core is not None else ()
        self._is_alone = core is not None and usable(root) == (core,)
        self._last = self._read()

    def sample(self) -> HostState:
        """The state since the last sample, or since the sampler was made; takes less than a ms."""
        before, now = self._last, self._read()
        self._last = now
        seconds = now.at - before.at
        ticks = now.counters.all.since(before.counters.all)
        requested = ticks.busy + ticks.steal
        memory = meminfo(self._root)
        available, total = memory.get("MemAvailable"), memory.get("MemTotal")
        busy = ticks.busy_share
        cpus = len(online(self._root))
        return HostState(
            seconds=seconds,
            load=procfs.load(self._root),
            busy=None if busy is None else busy * cpus,
            steal=ticks.steal / requested if requested > 0 else None,
            memory_available=available,
            memory_pressure=_rise(before.counters.stalled, now.counters.stalled, seconds),
            memory_free=available / total if available is not None and total else None,
            **self._foreign(before, now, None if busy is None else busy * cpus),
            throttled=_more(before.counters.throttled, now.counters.throttled),
            frequency=procfs.frequency(self._root, self._core or 0),
        )

    def _foreign(
        self, before: _Moment, now: _Moment, busy: float | None
    ) -> dict[str, float | None]:
        """Foreign work: on all CPUs, on the measured one, on its sibling threads."""
        seconds = now.at - before.at
        if seconds <= 0:
            return {}
        own = (now.used.own - before.used.own) / seconds
        children = (now.used.children - before.used.children) / seconds
        here = None if self._core is None else _busy_share(before, now, self._core)
        sibling_shares = [_busy_share(before, now, cpu) for cpu in self._siblings]
        readable = [share for share in sibling_shares if share is not None]
        return {
            "foreign": _above(busy, own + children),
            "foreign_here": _above(here, children + (own if self._is_alone else 0.0)),
            "foreign_sibling": _above(sum(readable) if readable else None, own),
        }

    def _read(self) -> _Moment:
        return _Moment(
            at=self._clock(),
            counters=procfs.read_counters(self._root, self._core),
            used=self._usage(),
        )


@dataclass(frozen=True, kw_only=True)
class _Moment:
    at: float
    counters: procfs.Counters
    used: CpuSeconds


def _busy_share(before: _Moment, now: _Moment, cpu: int) -> float | None:
    ticks = now.counters.cpus.get(cpu, procfs.Ticks())
    return ticks.since(before.counters.cpus.get(cpu, procfs.Ticks())).busy_share


def _above(share: float | None, ours: float) -> float | None:
    return None if share is None else max(0.0, share - ours)


def _rise(before: float | None, now: float | None, seconds: float) -> float | None:
    if before is None or now is None or seconds <= 0:
        return None
    return max(0.0, now - before) / seconds


def _more(before: int | None, now: int | None) -> int | None:
    return None if before is None or now is None else max(0, now - before)


def _cpuinfo(root: Path) -> dict[str, str]:
    return pairs(text(root / "proc/cpuinfo"), ":")


def _hashed_name(root: Path) -> str:
    # The machine's id distinguishes "localhost"s, and prevents guessing a short name from its hash.
    name = text(root / "proc/sys/kernel/hostname") + "\n" + text(root / "etc/machine-id")
    return hashlib.sha256(f"patchbench host\n{name}".encode()).hexdigest()[:12]


def _model(root: Path, info: Mapping[str, str]) -> str:
    if "model name" in info:
        return re.sub(r"\s+", " ", info["model name"])
    if "CPU part" in info:
        return f"{_vendor(info)} part {info['CPU part']}"
    return info.get("cpu") or text(root / "proc/device-tree/model") or "unknown"


def _vendor(info: Mapping[str, str]) -> str:
    implementer = info.get("CPU implementer", "unknown").lower()
    return info.get("vendor_id") or _IMPLEMENTERS.get(implementer, implementer)


def _cores(root: Path) -> int | None:
    siblings = {
        text(root / CPU / f"cpu{cpu}/topology/thread_siblings_list") for cpu in online(root)
    }
    return len(siblings) if "" not in siblings else None


def _quota(root: Path) -> float | None:
    """The smallest limit of the control groups of this process, in CPUs."""
    limits = []
    for line in text(root / "proc/self/cgroup").splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        group = Path(path.lstrip("/"))
        if not controllers:
            limits += [_limit_v2(root, parent) for parent in (group, *group.parents)]
        elif "cpu" in controllers.split(","):
            limits += [_limit_v1(root, parent) for parent in (group, *group.parents)]
    return min((limit for limit in limits if limit is not None), default=None)


def _limit_v2(root: Path, group: Path) -> float | None:
    quota, _, period = text(root / "sys/fs/cgroup" / group / "cpu.max").partition(" ")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def _limit_v1(root: Path, group: Path) -> float | None:
    folder = root / "sys/fs/cgroup/cpu" / group
    quota, period = (number(text(folder / f"cpu.cfs_{name}_us")) for name in ("quota", "period"))
    return quota / period if quota and period and quota > 0 else None


def _turbo(root: Path) -> bool | None:
    no_turbo = flag(root / CPU / "intel_pstate/no_turbo")
    return not no_turbo if no_turbo is not None else flag(root / CPU / "cpufreq/boost")


def _governor(root: Path) -> str | None:
    """The governor of all CPUs, or all that are in use: "performance,powersave"."""
    files = (root / CPU).glob("cpu[0-9]*/cpufreq/scaling_governor")
    return ",".join(sorted({text(file) for file in files} - {""})) or None


def _hypervisor(root: Path, info: Mapping[str, str]) -> str:
    maker = text(root / "sys/class/dmi/id/sys_vendor")
    # x86 guests have a processor flag; others are recognised by the name of their firmware only.
    if "hypervisor" not in info.get("flags", "").split() and maker != "QEMU":
        return text(root / "sys/hypervisor/type")
    product = text(root / "sys/class/dmi/id/product_name")
    return " ".join(part for part in (maker, product) if part) or "unnamed"


def _os_name(root: Path) -> str:
    for path in ("etc/os-release", "usr/lib/os-release"):
        name = pairs(text(root / path), "=").get("PRETTY_NAME", "").strip("\"'")
        if name:
            return name
    return "unknown"
