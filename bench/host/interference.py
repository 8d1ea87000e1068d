"""Which blocks the host disturbed: a rule fixed beforehand that looks only at the host. Pure.

Never at the times that were measured: a rule that did would drop what is inconvenient. The reasons
are for readers, so that they have no numbers: those are in the block's state.
"""

from __future__ import annotations

from typing import Any

from bench.host.facts import HostState

# The kernel counts in ticks of 10 ms: of a shorter span no share below can be told.
LEAST_SECONDS = 0.5
# Of the measured CPU's time. Interrupts, kernel threads and the counters' rounding come to 1 or 2%
# on a quiet host. What takes more takes whole time slices out of some values and none of others.
FOREIGN = 0.05
# Of the time of the other threads of the measured core: they share its units and caches, so that a
# busy one slows it by a third; a quarter of the time is then as much as FOREIGN on the CPU itself.
FOREIGN_SIBLING = 0.25
# Of the CPU time asked for. Like FOREIGN, taken by another guest; a calm one shows below 1%.
STEAL = 0.05
# Of the time, waiting for memory: a host with enough never waits.
PRESSURE = 0.01
# Of the host's memory that is left: below, the kernel takes back pages that it soon needs again.
LEAST_MEMORY = 0.03
# Of all blocks planned so far: no more are measured again.
MOST_AGAIN = 0.2
# Of all CPUs' time: more than this before the first block is worth a word.
BUSY_BEFORE = 0.1

RULE = (
    f"a block of {LEAST_SECONDS:g} s or more is disturbed when others took over {FOREIGN:.0%} of "
    f"the measured CPU or {FOREIGN_SIBLING:.0%} of its sibling threads, when the hypervisor kept "
    f"back over {STEAL:.0%} of the CPU time, when work waited for memory over {PRESSURE:.0%} of "
    f"the time or under {LEAST_MEMORY:.0%} of the memory was left, or when heat slowed the CPU "
    f"down; it is measured once again, up to {MOST_AGAIN:.0%} of the blocks planned"
)


def why_disturbed(state: HostState) -> str:
    """Why a block over which the host was in this state is disturbed; "" when it is not."""
    if state.seconds < LEAST_SECONDS:
        return ""
    found = (
        (_over(state.foreign_here, FOREIGN), "others worked on the measured CPU"),
        (_over(state.foreign_sibling, FOREIGN_SIBLING), "others worked on its sibling thread"),
        (_over(state.steal, STEAL), "the hypervisor kept CPU time back"),
        (_over(state.memory_pressure, PRESSURE), "work waited for memory"),
        (_over(LEAST_MEMORY, state.memory_free), "little memory was left"),
        (_over(state.throttled, 0), "heat slowed the CPU down"),
    )
    return ", ".join(reason for disturbed, reason in found if disturbed)


def may_repeat(again: int, planned: int) -> bool:
    """Whether one more block may be measured again, of `planned` ones, when `again` were."""
    return again + 1 <= MOST_AGAIN * planned


def busy_before(state: HostState, cpus: int) -> str:
    """What to tell before the first block; "" for a quiet host, or one that does not tell."""
    if state.seconds < LEAST_SECONDS or not _over(state.foreign, BUSY_BEFORE * cpus):
        return ""
    return (
        f"This host is busy: work of others keeps {state.foreign:.1f} of {cpus} CPUs busy. Blocks "
        "that it disturbs are measured again, a fifth of all at most; a quiet host decides sooner."
    )


def tally(kept: int, again: int) -> dict[str, Any]:
    """For `SessionRecord.disturbance`: disturbed blocks that count, and that do not."""
    return {"disturbed": kept + again, "measured_again": again, "kept": kept, "rule": RULE}


def _over(value: float | None, most: float | None) -> bool:
    return value is not None and most is not None and value > most
