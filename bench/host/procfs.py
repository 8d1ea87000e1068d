"""Small readers of /proc and /sys, and the kernel's counters at one moment.

All read below a root, so that tests use folders of their own. What a host does not tell is None,
never a guess. Own code, since psutil has one root for all and knows neither memory pressure nor
throttling nor which CPUs share a core.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

CPU = "sys/devices/system/cpu"
# In /proc/PID/stat, counted from what follows the name; the system time is next to the user's.
_UTIME = 11
_NAME_BYTES = 15


@dataclass(frozen=True, kw_only=True)
class Ticks:
    """CPU time since the start, in the kernel's ticks."""

    busy: int = 0
    steal: int = 0
    total: int = 0

    def since(self, before: Ticks) -> Ticks:
        """The ticks since. Counters of a guest that moves to another machine can fall."""
        return Ticks(
            busy=max(0, self.busy - before.busy),
            steal=max(0, self.steal - before.steal),
            total=self.total - before.total,
        )

    @property
    def busy_share(self) -> float | None:
        """The part of the time in which it was busy, 0 to 1."""
        return self.busy / self.total if self.total > 0 else None


@dataclass(frozen=True, kw_only=True)
class Counters:
    """The kernel's counters: for `all` CPUs together, and for each by number; `stalled`: seconds in
    which some task waited for memory; `throttled`: how often CPUs were slowed down because of heat.
    """

    all: Ticks
    cpus: Mapping[int, Ticks] = field(default_factory=dict)
    stalled: float | None
    throttled: int | None


def read_counters(root: Path, cpu: int | None = None) -> Counters:
    """The counters now; `throttled` is of one `cpu` if it is given."""
    ticks = _ticks(root)
    numbers = {int(name): cpu_ticks for name, cpu_ticks in ticks.items() if name}
    return Counters(
        all=ticks.get("", Ticks()),
        cpus=numbers,
        stalled=_stalled(root),
        throttled=_throttled(root, (cpu,) if cpu is not None else online(root)),
    )


def parse_cpus(text: str) -> tuple[int, ...]:
    """The CPUs of a kernel's list: "0-2,5" is 0, 1, 2, 5. ValueError for anything else."""
    cpus: list[int] = []
    for part in text.strip().split(","):
        first, dash, last = part.partition("-")
        some = range(int(first), int(last if dash else first) + 1)
        if not some:
            raise ValueError(f"invalid literal of CPUs: {part!r}")
        cpus.extend(some)
    return tuple(cpus)


def text(path: Path) -> str:
    """A file's content; "" if it cannot be read."""
    # Some files exist and cannot be read: EOPNOTSUPP, EACCES, EINVAL.
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \t\n")
    except OSError:
        return ""


def number(content: str) -> int | None:
    """The integer in a file's content, None if it is none."""
    try:
        return int(content)
    except ValueError:
        return None


def flag(path: Path) -> bool | None:
    """The value of a file with 0 or 1; None for anything else."""
    return {"0": False, "1": True}.get(text(path))


def pairs(content: str, separator: str) -> dict[str, str]:
    """`key separator value` lines; the first of each key counts."""
    by_key: dict[str, str] = {}
    for line in content.splitlines():
        key, separated, value = line.partition(separator)
        if separated:
            by_key.setdefault(key.strip(), value.strip())
    return by_key


def meminfo(root: Path) -> dict[str, int]:
    """/proc/meminfo, with sizes in bytes."""
    lines = pairs(text(root / "proc/meminfo"), ":")
    numbers = {key: number(value.removesuffix(" kB")) for key, value in lines.items()}
    return {key: size * 1024 for key, size in numbers.items() if size is not None}


def online(root: Path) -> tuple[int, ...]:
    """The online CPUs."""
    try:
        return parse_cpus(text(root / CPU / "online"))
    except ValueError:
        return tuple(range(os.cpu_count() or 1))


def usable(root: Path) -> tuple[int, ...]:
    """The CPUs that this process may run on."""
    allowed = pairs(text(root / "proc/self/status"), ":").get("Cpus_allowed_list", "")
    try:
        return tuple(cpu for cpu in parse_cpus(allowed) if cpu in online(root))
    except ValueError:
        return online(root)


def siblings(root: Path, cpu: int) -> tuple[int, ...]:
    """The other CPUs of the same core; () if unknown."""
    try:
        same = parse_cpus(text(root / CPU / f"cpu{cpu}/topology/thread_siblings_list"))
    except ValueError:
        return ()
    return tuple(other for other in same if other != cpu)


def frequency(root: Path, cpu: int) -> int | None:
    """The current frequency of a CPU, in hertz."""
    kilohertz = number(text(root / CPU / f"cpu{cpu}/cpufreq/scaling_cur_freq"))
    return None if kilohertz is None else kilohertz * 1000


def process_seconds(root: Path) -> dict[int, tuple[str, float]]:
    """Name and CPU seconds so far of every process, by its number."""
    ticks = os.sysconf("SC_CLK_TCK")
    seconds = {}
    for path in (root / "proc").glob("[0-9]*/stat"):
        # The name may hold blanks and parentheses itself. Empty where the process has ended since.
        head, _, rest = text(path).rpartition(")")
        fields = rest.split()
        used = [number(field) for field in fields[_UTIME : _UTIME + 2]]
        if len(used) == 2 and None not in used:
            name = _whole_name(path.parent, head.partition("(")[2])
            seconds[int(path.parent.name)] = (
                name,
                sum(count or 0 for count in used) / ticks,
            )
    return seconds


def _whole_name(process: Path, name: str) -> str:
    """The name of a process: the kernel cuts it after 15 bytes, the command line has all of it."""
    if len(name.encode()) < _NAME_BYTES:
        return name
    program = PurePath(text(process / "cmdline").partition("\0")[0]).name
    return program if program.startswith(name) else name


def load(root: Path) -> float | None:
    """The load average of the last minute."""
    try:
        return float(text(root / "proc/loadavg").split()[0])
    except (IndexError, ValueError):
        return None


def _ticks(root: Path) -> dict[str, Ticks]:
    """Ticks by the CPU's number, "" for all together. User and nice include guests' time."""
    by_cpu = {}
    for line in text(root / "proc/stat").splitlines():
        name, *fields = line.split()
        if not re.fullmatch(r"cpu\d*", name):
            continue
        numbers = [number(field) or 0 for field in fields[:8]] + [0] * (8 - len(fields))
        user, nice, system, idle, iowait, irq, softirq, steal = numbers
        busy = user + nice + system + irq + softirq
        total = busy + idle + iowait + steal
        by_cpu[name.removeprefix("cpu")] = Ticks(busy=busy, steal=steal, total=total)
    return by_cpu


def _stalled(root: Path) -> float | None:
    """Seconds that some task has waited for memory, since the start."""
    match = re.search(r"^some .*\btotal=(\d+)", text(root / "proc/pressure/memory"), re.M)
    return int(match.group(1)) / 1e6 if match else None


def _throttled(root: Path, cpus: tuple[int, ...]) -> int | None:
    counts = [
        number(text(root / CPU / f"cpu{cpu}/thermal_throttle/{of}_throttle_count"))
        for cpu in cpus
        for of in ("core", "package")
    ]
    readable = [count for count in counts if count is not None]
    return sum(readable) if readable else None
