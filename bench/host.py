"""What a host is and how it is doing: facts for results and reports, cheap samples of its state.

Both are read from /proc and /sys below a root, so that tests use folders of their own. What a host
does not tell is None, never a guess.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

_CPU = "sys/devices/system/cpu"
# ARM's processors give numbers instead of names: the implementers of those that one measures on.
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
    """The facts of a host. Every field is plain JSON, so `Host(**loaded)` reads one back.

    `name` is a hash. `cpus` are online, `usable_cpus` those this process may run on, `cores` the
    physical cores (as far as a guest is told), `quota` the CPUs' worth of time that the control
    group grants. `memory` is in bytes. `aslr` is the kernel's randomize_va_space. `hypervisor` is
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
class State:
    """How the host did since the sample before.

    `seconds` is the span; `load` the kernel's one-minute average; `busy` the mean number of busy
    CPUs; `steal` the part of the CPU time asked for that the hypervisor did not give (0 to 1);
    `memory_available` in bytes; `memory_pressure` the part of the span in which some task waited
    for memory (0 to 1). None: the host does not tell, or the span was too short.
    """

    seconds: float
    load: float | None
    busy: float | None
    steal: float | None
    memory_available: int | None
    memory_pressure: float | None


def read_host(root: Path = Path("/")) -> Host:
    """The facts of this host; below another `root`, of the host whose files lie there."""
    info = _cpuinfo(root)
    return Host(
        name=_hashed_name(root),
        cpu=_model(root, info),
        vendor=_vendor(info),
        microcode=info.get("microcode"),
        architecture=os.uname().machine,
        cpus=len(_online(root)),
        usable_cpus=len(_usable(root)),
        cores=_cores(root),
        quota=_quota(root),
        smt=_flag(root / _CPU / "smt/active"),
        turbo=_turbo(root),
        governor=_governor(root),
        frequency_readable=_number(_text(root / _CPU / "cpu0/cpufreq/scaling_cur_freq"))
        is not None,
        aslr=_number(_text(root / "proc/sys/kernel/randomize_va_space")),
        memory=_meminfo(root).get("MemTotal"),
        hypervisor=_hypervisor(root, info),
        kernel=_text(root / "proc/sys/kernel/osrelease"),
        os=_os_name(root),
        libc=os.confstr("CS_GNU_LIBC_VERSION") or "unknown",
    )


class Sampler:
    """Samples a host's state; each sample tells of the time since the one before."""

    def __init__(self, root: Path = Path("/"), clock: Callable[[], float] = time.monotonic) -> None:
        self._root = root
        self._clock = clock
        self._last = self._read()

    def sample(self) -> State:
        """The state since the sample before, or since the sampler was made (a fraction of a ms)."""
        before, now = self._last, self._read()
        self._last = now
        seconds = now.at - before.at
        total = now.total - before.total
        # A guest that moves to another machine can see its counters fall.
        busy = max(0, now.busy - before.busy)
        steal = max(0, now.steal - before.steal)
        pressure = None
        if seconds > 0 and now.stalled is not None and before.stalled is not None:
            pressure = max(0.0, now.stalled - before.stalled) / seconds
        return State(
            seconds=seconds,
            load=_load(self._root),
            busy=busy / total * len(_online(self._root)) if total > 0 else None,
            steal=steal / (busy + steal) if busy + steal > 0 else None,
            memory_available=_meminfo(self._root).get("MemAvailable"),
            memory_pressure=pressure,
        )

    def _read(self) -> _Counters:
        busy, steal, total = _ticks(self._root)
        return _Counters(
            at=self._clock(), busy=busy, steal=steal, total=total, stalled=_stalled(self._root)
        )


@dataclass(frozen=True, kw_only=True)
class _Counters:
    """What the kernel counts: ticks of all CPUs together, and seconds of waiting for memory."""

    at: float
    busy: int
    steal: int
    total: int
    stalled: float | None


def parse_cpus(text: str) -> tuple[int, ...]:
    """The CPUs of a kernel's list: "0-2,5" is 0, 1, 2, 5. ValueError for anything else."""
    cpus: list[int] = []
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        cpus.extend(range(int(first), int(last or first) + 1))
    return tuple(cpus)


def _text(path: Path) -> str:
    # Some files exist and cannot be read: EOPNOTSUPP, EACCES, EINVAL.
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \t\n")
    except OSError:
        return ""


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _flag(path: Path) -> bool | None:
    return {"0": False, "1": True}.get(_text(path))


def _pairs(text: str, separator: str) -> dict[str, str]:
    """`key separator value` lines; the first of each key counts."""
    pairs: dict[str, str] = {}
    for line in text.splitlines():
        key, found, value = line.partition(separator)
        if found:
            pairs.setdefault(key.strip(), value.strip())
    return pairs


def _cpuinfo(root: Path) -> dict[str, str]:
    return _pairs(_text(root / "proc/cpuinfo"), ":")


def _meminfo(root: Path) -> dict[str, int]:
    """Sizes in bytes; the file has kB."""
    pairs = _pairs(_text(root / "proc/meminfo"), ":")
    numbers = {key: _number(value.removesuffix(" kB")) for key, value in pairs.items()}
    return {key: number * 1024 for key, number in numbers.items() if number is not None}


def _hashed_name(root: Path) -> str:
    # The machine's id keeps "localhost"s apart, and a short name from being guessed from its hash.
    name = _text(root / "proc/sys/kernel/hostname") + "\n" + _text(root / "etc/machine-id")
    return hashlib.sha256(f"patchbench host\n{name}".encode()).hexdigest()[:12]


def _model(root: Path, info: Mapping[str, str]) -> str:
    if "model name" in info:
        return re.sub(r"\s+", " ", info["model name"])
    if "CPU part" in info:
        return f"{_vendor(info)} part {info['CPU part']}"
    return info.get("cpu") or _text(root / "proc/device-tree/model") or "unknown"


def _vendor(info: Mapping[str, str]) -> str:
    implementer = info.get("CPU implementer", "unknown").lower()
    return info.get("vendor_id") or _IMPLEMENTERS.get(implementer, implementer)


def _online(root: Path) -> tuple[int, ...]:
    try:
        return parse_cpus(_text(root / _CPU / "online"))
    except ValueError:
        return tuple(range(os.cpu_count() or 1))


def _usable(root: Path) -> tuple[int, ...]:
    allowed = _pairs(_text(root / "proc/self/status"), ":").get("Cpus_allowed_list", "")
    try:
        return tuple(cpu for cpu in parse_cpus(allowed) if cpu in _online(root))
    except ValueError:
        return _online(root)


def _cores(root: Path) -> int | None:
    siblings = {
        _text(root / _CPU / f"cpu{cpu}/topology/thread_siblings_list") for cpu in _online(root)
    }
    return len(siblings) if "" not in siblings else None


def _quota(root: Path) -> float | None:
    """The smallest limit of the control groups that this process is in, in CPUs."""
    limits = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        group = Path(path.lstrip("/"))
        if not controllers:
            limits += [_limit_v2(root, parent) for parent in (group, *group.parents)]
        elif "cpu" in controllers.split(","):
            limits += [_limit_v1(root, parent) for parent in (group, *group.parents)]
    return min((limit for limit in limits if limit is not None), default=None)


def _limit_v2(root: Path, group: Path) -> float | None:
    quota, _, period = _text(root / "sys/fs/cgroup" / group / "cpu.max").partition(" ")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def _limit_v1(root: Path, group: Path) -> float | None:
    folder = root / "sys/fs/cgroup/cpu" / group
    quota, period = (_number(_text(folder / f"cpu.cfs_{name}_us")) for name in ("quota", "period"))
    return quota / period if quota and period and quota > 0 else None


def _turbo(root: Path) -> bool | None:
    no_turbo = _flag(root / _CPU / "intel_pstate/no_turbo")
    return not no_turbo if no_turbo is not None else _flag(root / _CPU / "cpufreq/boost")


def _governor(root: Path) -> str | None:
    """The governor of all CPUs, or each that is in use: powersave,performance."""
    files = (root / _CPU).glob("cpu[0-9]*/cpufreq/scaling_governor")
    return ",".join(sorted({_text(file) for file in files} - {""})) or None


def _hypervisor(root: Path, info: Mapping[str, str]) -> str:
    maker = _text(root / "sys/class/dmi/id/sys_vendor")
    # x86 guests are told by the processor; others only by what their firmware is called.
    if "hypervisor" not in info.get("flags", "").split() and maker != "QEMU":
        return _text(root / "sys/hypervisor/type")
    product = _text(root / "sys/class/dmi/id/product_name")
    return " ".join(part for part in (maker, product) if part) or "unnamed"


def _os_name(root: Path) -> str:
    for path in ("etc/os-release", "usr/lib/os-release"):
        name = _pairs(_text(root / path), "=").get("PRETTY_NAME", "").strip("\"'")
        if name:
            return name
    return "unknown"


def _load(root: Path) -> float | None:
    try:
        return float(_text(root / "proc/loadavg").split()[0])
    except (IndexError, ValueError):
        return None


def _ticks(root: Path) -> tuple[int, int, int]:
    """(busy, steal, total) of all CPUs. Guests' time is within user and nice: not added again."""
    fields = _text(root / "proc/stat").partition("\n")[0].split()[1:9]
    numbers = [_number(field) or 0 for field in fields] + [0] * (8 - len(fields))
    user, nice, system, idle, iowait, irq, softirq, steal = numbers
    busy = user + nice + system + irq + softirq
    return busy, steal, busy + idle + iowait + steal


def _stalled(root: Path) -> float | None:
    """Seconds that some task has waited for memory, since the start."""
    match = re.search(r"^some .*\btotal=(\d+)", _text(root / "proc/pressure/memory"), re.M)
    return int(match.group(1)) / 1e6 if match else None
