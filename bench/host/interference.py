"""Which blocks the host disturbed, by a rule that is fixed beforehand. Pure.

The rule reads the host's state only, never the measured times: otherwise it would drop inconvenient
values. The reasons have no numbers, which are in the block's state.
"""

from __future__ import annotations

from typing import Any

from bench.host.facts import HostState

# The kernel counts in ticks of 10 ms: in a shorter span the shares below cannot be measured.
LEAST_SECONDS = 0.5
# Part of the measured CPU's time. Interrupts, kernel threads and rounding of the counters take 1 or
# 2% on a quiet host. Anything above takes whole time slices from some values and none from others.
FOREIGN = 0.05
# Part of the time of the other threads of the measured core: they share its units and caches, so a
# busy one slows it by a third; a quarter of the time has the effect of FOREIGN on the CPU itself.
FOREIGN_SIBLING = 0.25
# Part of the requested CPU time that other guests took; on a quiet host it is below 1%.
STEAL = 0.05
# Part of the time spent waiting for memory: a host with enough memory never waits.
PRESSURE = 0.01
# Part of the host's memory that is free: below, the kernel reclaims pages that are needed again.
LEAST_MEMORY = 0.03
# The largest part of all planned blocks that is measured again.
MOST_AGAIN = 0.2
# Part of all CPUs' time: if more is busy before the first block, a message says so.
BUSY_BEFORE = 0.1

RULE = (
    f"a block of {LEAST_SECONDS:g} s or more is disturbed when others took over {FOREIGN:.0%} of "
    f"the measured CPU or {FOREIGN_SIBLING:.0%} of its sibling threads, when the hypervisor kept "
    f"back over {STEAL:.0%} of the CPU time, when work waited for memory over {PRESSURE:.0%} of "
    f"the time or under {LEAST_MEMORY:.0%} of the memory was left, or when heat slowed the CPU "
    f"down; it is measured once again, up to {MOST_AGAIN:.0%} of the blocks planned"
)


def why_disturbed(state: HostState) -> str:
    """The reasons why a block with this host state is disturbed; "" if it is not."""
    if state.seconds < LEAST_SECONDS:
        return ""
    reasons = (
        (_over(state.foreign_here, FOREIGN), "others worked on the measured CPU"),
        (_over(state.foreign_sibling, FOREIGN_SIBLING), "others worked on its sibling thread"),
        (_over(state.steal, STEAL), "the hypervisor kept CPU time back"),
        (_over(state.memory_pressure, PRESSURE), "work waited for memory"),
        (_over(LEAST_MEMORY, state.memory_free), "little memory was left"),
        (_over(state.throttled, 0), "heat slowed the CPU down"),
    )
    return ", ".join(reason for disturbed, reason in reasons if disturbed)


def may_repeat(again: int, planned: int) -> bool:
    """Whether another of `planned` blocks may be measured again, after `again` repetitions."""
    return again + 1 <= MOST_AGAIN * planned


def busy_before(state: HostState, cpus: int) -> str:
    """The message before the first block; "" for a quiet host or one without this figure."""
    if state.seconds < LEAST_SECONDS or not _over(state.foreign, BUSY_BEFORE * cpus):
        return ""
    return (
        f"This host is busy: other work uses {state.foreign:.1f} of {cpus} CPUs. Disturbed blocks "
        "are measured again, at most a fifth of all; on a quiet host the run takes less time."
    )


def tally(kept: int, again: int) -> dict[str, Any]:
    """For `SessionRecord.disturbance`: `kept` disturbed blocks count, `again` were repeated."""
    return {"disturbed": kept + again, "measured_again": again, "kept": kept, "rule": RULE}


def _over(value: float | None, most: float | None) -> bool:
    return value is not None and most is not None and value > most
