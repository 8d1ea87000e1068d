"""The limitations of a result that come from its builds, its host and its procedure.

`bench.report.objections` has those of the candidates and their verdicts, and the order of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.report.wording import main_candidates
from bench.results import HostRecord, Result
from builder.builds import machine_code

_NOTABLE_STEAL = 0.02
# From this share of disturbed blocks on, they matter more than what is so of most results.
_MANY = 0.25
# When the upper bound of the rate of false calls is above this, too little is known of the rate.
_VAGUE = 0.1


@dataclass(frozen=True, kw_only=True)
class Objection:
    """A limitation, of one arm or (`arm` empty) of the whole result."""

    text: str
    arm: str = ""


def listed(names: Sequence[str]) -> str:
    """The first of some names, and how many follow."""
    shown = ", ".join(map(str, names[:12]))
    return shown if len(names) <= 12 else f"{shown} and {len(names) - 12} more"


def builds(result: Result) -> Iterator[Objection]:
    """How the arms were compiled."""
    arms = [result.base, *main_candidates(result)]
    built = [(arm.name, arm.build.facts) for arm in arms if arm.build is not None]
    if len({facts.compiler for _, facts in built}) > 1:
        yield Objection(text="Not all arms were built by the same compiler.")
    merged = [
        f"{name} ({facts.indirect_jumps})"
        for name, facts in built
        if machine_code.dispatch_of(facts) is machine_code.Dispatch.MERGED
    ]
    if merged:
        yield Objection(
            text=f"Few indirect jumps in the evaluation function, in spite of computed gotos: "
            f"{listed(merged)}. The compiler merged them; a ratio between such a build and another "
            "includes that difference."
        )
    unread = [
        name
        for name, facts in built
        if machine_code.dispatch_of(facts) is machine_code.Dispatch.UNKNOWN
    ]
    if unread:
        yield Objection(
            text=f"How the evaluation function dispatches is unknown: {listed(unread)}. Whether "
            "the compiler merged computed gotos, which slows a build down, could not be checked."
        )
    effects = [(name, machine_code.in_effect(facts, "pgo")) for name, facts in built]
    unknown = [name for name, pgo in effects if pgo is None]
    if unknown:
        yield Objection(
            text=f"Whether PGO is in effect is unknown: {listed(unknown)}. The binaries do not "
            "tell, and what configure was asked for is no proof."
        )
    plain = [name for name, pgo in effects if pgo is False]
    if plain:
        which = "all arms" if len(plain) == len(built) else listed(plain)
        yield Objection(
            text=f"Built without PGO: {which}. Releases and most distributions are built with "
            "PGO and LTO, where the same change may gain less, or make Python slower."
        )


def mostly_disturbed(result: Result) -> Iterator[Objection]:
    """What else used the host, where that touches many of the blocks."""
    if _disturbed_share(result) >= _MANY:
        yield from disturbed(result)


def disturbed(result: Result) -> Iterator[Objection]:
    """What else used the host while blocks ran."""
    counts = result.session.disturbance
    if counts.get("disturbed"):
        again, total = int(counts.get("measured_again", 0)), _timed(result)
        yield Objection(
            text="Something else used the host too much during "
            f"{counts['disturbed']} of {total} blocks. Of these, {again} were measured again, "
            f"{counts.get('kept', 0)} count nevertheless."
        )
    shares = [block.state.steal for block in result.blocks]
    steals = [share for share in shares if share is not None]
    mean = sum(steals) / len(steals) if steals else 0.0
    if mean > _NOTABLE_STEAL:
        yield Objection(
            text=f"The hypervisor took {mean:.0%} of the CPU time away while blocks ran."
        )


def _timed(result: Result) -> int:
    """The number of blocks, those included that were measured again."""
    counts = result.session.disturbance
    timed = len(result.blocks) + int(counts.get("measured_again", 0))
    return max(timed, int(counts.get("disturbed", 0)))


def _disturbed_share(result: Result) -> float:
    return int(result.session.disturbance.get("disturbed", 0)) / max(_timed(result), 1)


def procedure(result: Result) -> Iterator[Objection]:
    """How little is known of the rate of false calls."""
    calls = result.session.false_calls
    if not calls:
        yield Objection(
            text="The rate of false calls is not known: this host was not calibrated. A false "
            "call is a base called different from itself."
        )
    elif calls.upper > _VAGUE:
        yield Objection(
            text="The rate of false calls is known only roughly: "
            f"{calls.called} of {calls.of}, so at most {calls.upper:.0%}. A false call is "
            "a base called different from itself."
        )


def host(result: Result) -> Iterator[Objection]:
    """What the host has that makes times vary."""
    of_host = result.host
    if of_host.quota:
        yield Objection(
            text=f"The control group grants {of_host.quota:g} CPUs of time. It pauses "
            "processes that use more."
        )
    facts = list(_host_facts(of_host))
    if facts:
        yield Objection(text=f"Host: {', '.join(facts)}. Each adds to the noise.")


def _host_facts(host: HostRecord) -> Iterator[str]:
    """What a host has that makes times vary, in a few words each: most hosts have some of it."""
    if host.hypervisor:
        yield f"virtual machine ({host.hypervisor})"
    if host.turbo is not False:
        yield "turbo on" if host.turbo else "turbo unknown"
    if host.governor is not None and host.governor != "performance":
        yield f"frequency governor {host.governor}"
    if host.smt:
        yield "SMT on"
    if host.aslr:
        yield "ASLR on"
