"""The doctor's checks for measuring: the processor, the kernel's settings, other work."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from bench.host import procfs
from bench.host.checks import DoctorCheck, as_root, write_as_root
from bench.host.facts import Host, HostSampler, HostState
from bench.host.perf_counters import probe_counters
from bench.host.procfs import text

_CPU = "/sys/devices/system/cpu"
_INTEL = f"{_CPU}/intel_pstate/no_turbo"
_BOOST = f"{_CPU}/cpufreq/boost"
# More than this is visible in the results. (The kernel counts ticks of 10 ms: one tick in half a
# second of one CPU is just below.)
_STEAL = 0.02
_LOAD = 0.5
UNKNOWN = "unknown"
_GUEST = "Only the owner of the host can change it, not the guest."


class LoadSample:
    """A sample of the host's state that begins now.

    Steal can be seen only under load: without a request for CPU time none is denied. So other work
    of the doctor (it compiles the libraries) should lie within the sample.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root
        self._before = _others(root)
        self._began = time.monotonic()
        self._sampler = HostSampler(root)

    def end(self, seconds: float) -> tuple[HostState, str]:
        """The state of the host and its busiest processes; keeps one CPU busy for whatever lacks to
        `seconds` since the beginning.
        """
        while time.monotonic() < self._began + seconds:
            pass
        state = self._sampler.sample()
        return state, _busiest(self._before, _others(self.root), state.seconds)


def check_machine(
    host: Host, sample: LoadSample, *, seconds: float = 0.5
) -> tuple[DoctorCheck, ...]:
    """The checks of everything that measuring depends on; `seconds` as `LoadSample.end`."""
    root = sample.root
    state, busiest = sample.end(seconds)
    return (
        _cpu(host),
        _turbo(host, intel=(root / _INTEL.lstrip("/")).exists()),
        _smt(host),
        _governor(host),
        _aslr(host),
        _counters(host, _paranoid(root), probe_counters()),
        _load(host, state, busiest),
        _hypervisor(host),
        _steal(state),
        _quota(host, is_readable=bool(text(root / "proc/self/cgroup"))),
    )


def _cpu(host: Host) -> DoctorCheck:
    cores = f", {UNKNOWN if host.cores is None else host.cores} cores"
    found = f"{host.cpu} ({host.vendor}), {host.usable_cpus} of {host.cpus} CPUs usable{cores}"
    if host.usable_cpus == 1:
        return DoctorCheck(
            name="cpu",
            status="warn",
            found=found,
            meaning="patchbench itself and all other work of the host share the measured CPU",
            mend="Use a machine with two CPUs or more.",
        )
    meaning = "a verdict holds for this processor; other models can give another one"
    return DoctorCheck(name="cpu", status="ok", found=found, meaning=meaning)


def _turbo(host: Host, *, intel: bool) -> DoctorCheck:
    name = "turbo"
    varies = "the clock varies with heat and load; arms measured together share that"
    if host.turbo is None:
        meaning = f"if it is on, {varies}"
        mend = _GUEST if host.hypervisor else "Turn it off in the firmware, if possible."
        return DoctorCheck(name=name, status="warn", found=UNKNOWN, meaning=meaning, mend=mend)
    if not host.turbo:
        meaning = "the clock does not vary with heat and load"
        return DoctorCheck(name=name, status="ok", found="off", meaning=meaning)
    mend = write_as_root("1", _INTEL) if intel else write_as_root("0", _BOOST)
    return DoctorCheck(name=name, status="warn", found="on", meaning=varies, mend=mend)


def _smt(host: Host) -> DoctorCheck:
    name = "smt"
    shares = "two CPUs of one core slow each other down by up to a half"
    if host.hypervisor:
        return DoctorCheck(
            name=name,
            status="warn",
            found="on" if host.smt else f"{UNKNOWN}: not visible in a virtual machine",
            meaning=f"the guest's CPUs may share cores with other guests: {shares}",
            mend=_GUEST,
        )
    if host.smt:
        mend = write_as_root("off", f"{_CPU}/smt/control")
        return DoctorCheck(name=name, status="warn", found="on", meaning=shares, mend=mend)
    if host.smt is None:
        mend = "Turn it off in the firmware, if possible."
        meaning = f"if it is on, {shares}"
        return DoctorCheck(name=name, status="warn", found=UNKNOWN, meaning=meaning, mend=mend)
    meaning = "no CPU shares its core with another"
    return DoctorCheck(name=name, status="ok", found="off", meaning=meaning)


def _governor(host: Host) -> DoctorCheck:
    name = "governor"
    if host.governor is None:
        return DoctorCheck(
            name=name,
            status="warn",
            found=UNKNOWN,
            meaning="the clock cannot be read or fixed: arms measured together share its changes",
            mend=_GUEST
            if host.hypervisor
            else "Turn the processor's performance states on in the firmware.",
        )
    if host.governor == "performance":
        meaning = "the clock is at its highest before load begins"
        return DoctorCheck(name=name, status="ok", found=host.governor, meaning=meaning)
    return DoctorCheck(
        name=name,
        status="warn",
        found=host.governor,
        meaning="the clock rises only some ms after work begins: short values are too slow",
        mend=write_as_root("performance", f"{_CPU}/cpu*/cpufreq/scaling_governor"),
    )


def _aslr(host: Host) -> DoctorCheck:
    name = "aslr"
    if host.aslr == 2:
        meaning = "each process has a random address layout, so that blocks average over layouts"
        return DoctorCheck(name=name, status="ok", found="full", meaning=meaning)
    return DoctorCheck(
        name=name,
        status="warn",
        found={0: "off", 1: "partial", None: UNKNOWN}.get(host.aslr, str(host.aslr)),
        meaning=f"{'if it is off, ' if host.aslr is None else ''}one address layout for all "
        "processes: its effect is part of every ratio, unseen",
        mend=write_as_root("2", "/proc/sys/kernel/randomize_va_space"),
    )


def _paranoid(root: Path) -> int | None:
    try:
        return int((root / "proc/sys/kernel/perf_event_paranoid").read_text())
    except (OSError, ValueError):
        return None


def _counters(host: Host, paranoid: int | None, error: str | None) -> DoctorCheck:
    name = "hardware counters"
    setting = "" if paranoid is None else f" (perf_event_paranoid {paranoid})"
    if error is None:
        meaning = "instructions, branches and misses can be counted at full speed"
        return DoctorCheck(name=name, status="ok", found=f"work{setting}", meaning=meaning)
    refused = error in {"EACCES", "EPERM"}
    if refused:
        mend = as_root("sysctl kernel.perf_event_paranoid=1")
    elif host.hypervisor:
        mend = (
            "Use bare metal, or a guest with a virtual PMU; valgrind counts instructions anywhere."
        )
    else:
        mend = "Turn the counters on in the firmware; valgrind counts instructions anywhere."
    return DoctorCheck(
        name=name,
        status="warn",
        found=f"{'not allowed' if refused else 'none'}: {error}{setting}",
        meaning="evidence of instructions comes from valgrind, 50 to 150 times slower",
        mend=mend,
    )


def _load(host: Host, state: HostState, busiest: str) -> DoctorCheck:
    found = UNKNOWN if state.load is None else f"{state.load:.2f} on {host.cpus} CPUs"
    if busiest:
        found += f"; now: {busiest}"
    if state.load is not None and state.load <= _LOAD and not busiest:
        meaning = "no other work that shares the machine with the arms"
        return DoctorCheck(name="load", status="ok", found=found, meaning=meaning)
    return DoctorCheck(
        name="load",
        status="warn",
        found=found,
        meaning="other work changes values by 20% and more: intervals widen, runs take longer",
        mend="Stop the other work, or wait: the load is a mean over the last minute.",
    )


def _others(root: Path) -> dict[int, tuple[str, float]]:
    """Name and CPU seconds of every other process."""
    seconds = procfs.process_seconds(root)
    seconds.pop(os.getpid(), None)
    return seconds


def _busiest(
    before: Mapping[int, tuple[str, float]], after: Mapping[int, tuple[str, float]], span: float
) -> str:
    """The three processes that used most CPU time in the span, if above a tenth of a CPU."""
    used = []
    for pid, (name, seconds) in after.items():
        share = (seconds - before.get(pid, (name, 0.0))[1]) / span
        # With ticks of 10 ms, a tenth of a CPU is five ticks in half a second.
        if share > 0.1:
            used.append((share, name))
    return ", ".join(f"{name} {share:.0%}" for share, name in sorted(used, reverse=True)[:3])


def _hypervisor(host: Host) -> DoctorCheck:
    if not host.hypervisor:
        meaning = "only this host's own processes share the machine"
        return DoctorCheck(name="hypervisor", status="ok", found="none", meaning=meaning)
    return DoctorCheck(
        name="hypervisor",
        status="warn",
        found=host.hypervisor,
        meaning="other guests share cores and caches: speed varies by 20%, so the arms of a block "
        "must be measured together",
        mend="Use bare metal; here more blocks compensate for it.",
    )


def _steal(state: HostState) -> DoctorCheck:
    found = UNKNOWN
    if state.steal is not None:
        found = f"{state.steal:.1%} in {state.seconds:.1f} s"
    if state.steal is not None and state.steal <= _STEAL:
        meaning = "the hypervisor gives the requested CPU time"
        return DoctorCheck(name="steal", status="ok", found=found, meaning=meaning)
    return DoctorCheck(
        name="steal",
        status="warn",
        found=found,
        meaning=f"{'perhaps ' if state.steal is None else ''}the hypervisor pauses this machine at "
        "times: wall-clock times include that",
        mend="Use a machine with dedicated CPUs, or measure when other guests are idle.",
    )


def _quota(host: Host, *, is_readable: bool = True) -> DoctorCheck:
    name = "cpu quota"
    if host.quota is None and not is_readable:
        return DoctorCheck(
            name=name,
            status="warn",
            found=UNKNOWN,
            meaning="if there is one, the kernel stops everything whenever it is used up",
            mend="Mount /proc: the control group of a process is named there.",
        )
    if host.quota is None:
        return DoctorCheck(name=name, status="ok", found="none", meaning="no process is throttled")
    return DoctorCheck(
        name=name,
        status="warn",
        found=f"{host.quota:g} CPUs",
        meaning="the kernel stops all processes for tens of ms whenever the quota is used up",
        mend="Start the container or service without a CPU limit; pin it to CPUs instead.",
    )
