"""What a critical reader would object to, from result.json: it stands above every table.

Each objection is a sentence or two with its figures. The order is that in which a reader of
python-dev would ask. Text of the result is handed through as it is: who shows it escapes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bench.compare import SuiteComparison
from bench.report.wording import claims, common_warnings, controls, names_of
from bench.results import CandidateResult, HostRecord, Result
from bench.session import Band

FEW_BLOCKS = 5
# A loop of computed gotos has about one indirect jump for each opcode; gcc can merge them again.
_MERGED = 20
_NOTABLE_STEAL = 0.02
# A rate of false calls that is only known to be below this is not known to be small.
_VAGUE = 0.1
# Warnings that are data already, and that this module tells with their figures.
_TOLD_HERE = ("one-build", "no-gate", "few-blocks", "one-block")


def objections(result: Result) -> tuple[str, ...]:
    """Everything that speaks against the result, the gravest first; never empty sentences."""
    found = [text for judge in _JUDGES for text in judge(result)]
    return tuple(dict.fromkeys(found))


def _each(result: Result) -> Iterator[tuple[str, CandidateResult]]:
    """The claims that were measured, each with what its sentences begin with."""
    measured = [one for one in claims(result) if one.comparisons]
    for one in measured:
        yield (f"{one.name}: " if len(claims(result)) > 1 else ""), one


def _warned(result: Result) -> Iterator[str]:
    """What the run itself warned of."""
    yield from result.warnings
    for one in claims(result):
        prefix = f"{one.name}: " if len(claims(result)) > 1 else ""
        for warning in [*one.warnings, *common_warnings(one.comparisons)]:
            if not warning.startswith(_TOLD_HERE):
                yield f"{prefix}{warning}"


def _gate(result: Result) -> Iterator[str]:
    for one in claims(result):
        if not one.broken and one.gate is None and not one.runtime:
            yield (
                f"No gate: whether {one.name} still is Python was not tested. A patch that "
                "leaves work out is fast."
            )


def _controls(result: Result) -> Iterator[str]:
    """A/A arms and placebos that show what should not be there."""
    for one in controls(result, "aa"):
        called = names_of(one.comparisons, "faster", "slower")
        if one.verdict in ("faster", "slower"):
            yield (
                f"The base against itself (A/A) came out as {one.verdict} over the suite: this "
                "session sees differences where there are none."
            )
        if called:
            yield f"The base against itself (A/A) was called different on {', '.join(called)}."
    band = result.placebo_band
    if band is not None:
        for prefix, one in _each(result):
            yield from (f"{prefix}{text}" for text in _within(band, one))


def _within(band: Band, candidate: CandidateResult) -> Iterator[str]:
    """Where a claim is no larger than what changes of layout alone did."""
    suite, limits = candidate.suite, band.suite
    if suite and limits and suite.verdict in ("faster", "slower") and _in(suite, limits):
        yield (
            f"The suite's ratio of {suite.ratio:.4f} lies within what placebos did, which "
            f"change nothing but the layout: {limits[0]:.4f} to {limits[1]:.4f}."
        )
    each = band.benchmarks
    names = [
        one.benchmark
        for one in candidate.comparisons
        if one.verdict in ("faster", "slower")
        and one.benchmark in each
        and _in(one, each[one.benchmark])
    ]
    if names:
        yield f"Placebos, which change nothing but the layout, moved these as far: {_list(names)}."


def _in(one: SuiteComparison, limits: Sequence[float]) -> bool:
    return limits[0] <= one.ratio <= limits[1]


def _replicas(result: Result) -> Iterator[str]:
    if any(row.builds == 1 for _, one in _each(result) for row in one.comparisons):
        yield (
            "One build of each arm: the verdicts speak of these binaries only. Building again can "
            "move a benchmark by some percent (layout, PGO training)."
        )


def _undecided(result: Result) -> Iterator[str]:
    for prefix, one in _each(result):
        rows = one.comparisons
        open_ones = names_of(rows, "undecided")
        if open_ones:
            yield (
                f"{prefix}{_count(open_ones, rows)} undecided: a difference as large as the "
                "interval is wide may be there or not."
            )
        same = names_of(rows, "equivalent")
        if same:
            yield (
                f"{prefix}{_count(same, rows)} called equivalent, which still may mean a "
                f"difference of {one.margin * 100:g}%, the margin."
            )


def _blocks(result: Result) -> Iterator[str]:
    for prefix, one in _each(result):
        few = [row.benchmark for row in one.comparisons if row.blocks < FEW_BLOCKS]
        if few:
            names = _list(few)
            yield f"{prefix}fewer than {FEW_BLOCKS} blocks on {names}: wide or lucky intervals."


def _disturbed(result: Result) -> Iterator[str]:
    told = result.session.disturbance
    if told.get("disturbed"):
        yield (
            f"Something else was busy on the host during {told['disturbed']} blocks; "
            f"{told.get('measured_again', 0)} were measured again, {told.get('kept', 0)} count "
            "all the same."
        )
    steals = [one.state.steal for one in result.blocks]
    known = [steal for steal in steals if steal is not None]
    mean = sum(known) / len(known) if known else 0.0
    if mean > _NOTABLE_STEAL:
        yield f"The hypervisor took {mean:.0%} of the CPU time away while blocks ran."


def _suite(result: Result) -> Iterator[str]:
    count = max((len(one.comparisons) for one in claims(result)), default=0)
    if count:
        yield (
            f"The geometric mean is of {count} benchmarks of {result.session.suite}, each "
            "counted alike; another selection has another mean."
        )
    for prefix, one in _each(result):
        if one.missing:
            names = _list([row.benchmark for row in one.missing])
            yield f"{prefix}asked for and not measured: {names}."


def _builds(result: Result) -> Iterator[str]:
    arms = [result.base, *claims(result)]
    built = [(one.name, one.build.facts) for one in arms if one.build is not None]
    plain = [name for name, facts in built if not facts.pgo]
    if plain:
        yield (
            f"Built without PGO: {_list(plain)}. Releases and most distributions are built with "
            "PGO and LTO, where the same change may gain less, or lose."
        )
    if len({facts.compiler for _, facts in built}) > 1:
        yield "Not all arms were built by the same compiler."
    merged = [
        f"{name} ({facts.indirect_jumps})"
        for name, facts in built
        if facts.computed_gotos and facts.indirect_jumps < _MERGED
    ]
    if merged:
        yield (
            f"Computed gotos with hardly an indirect jump in the evaluation function: "
            f"{_list(merged)}. The compiler merged them, and a ratio between such a build and "
            "another measures that as well."
        )
    for one in claims(result):
        unasked = [row.fact for row in one.differences if not row.asked]
        if unasked:
            yield f"{one.name} differs from the base in what nobody asked for: {_list(unasked)}."


def _procedure(result: Result) -> Iterator[str]:
    calls = result.session.false_calls
    if not calls:
        yield (
            "How often this procedure calls a base different from itself on this host is not "
            "known: the host was not calibrated."
        )
    elif calls.upper > _VAGUE:
        yield (
            "How often this procedure calls a base different from itself on this host is hardly "
            f"known: {calls.called} of {calls.of} times, which may be {calls.upper:.0%}."
        )


def _host(result: Result) -> Iterator[str]:
    host = result.host
    if host.hypervisor:
        yield (
            f"A virtual machine ({host.hypervisor}): neighbours share its cores, caches and "
            "frequency, and cannot be seen."
        )
    if host.quota:
        yield f"The control group grants {host.quota:g} CPUs of time, and stops what takes more."
    yield from _frequency(host)
    if host.smt:
        yield "SMT is on: the other thread of the core, if it works, takes from this one."
    if host.aslr:
        yield (
            "ASLR is on: each process has another layout of memory; that is in the intervals, and "
            "makes them wider."
        )


def _frequency(host: HostRecord) -> Iterator[str]:
    if host.turbo is None:
        yield "Turbo: the host does not tell whether it is on."
    elif host.turbo:
        yield "Turbo is on: the frequency depends on heat and on what other cores do."
    governor = host.governor
    if governor is not None and governor != "performance":
        yield f"The frequency governor is {governor}, not performance."


def _count(some: Sequence[object], rows: Sequence[object]) -> str:
    return f"{len(some)} of {len(rows)} benchmarks {'is' if len(some) == 1 else 'are'}"


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(map(str, names[:12]))
    return shown if len(names) <= 12 else f"{shown} and {len(names) - 12} more"


_JUDGES: tuple[Callable[[Result], Iterator[str]], ...] = (
    _warned,
    _gate,
    _controls,
    _replicas,
    _builds,
    _undecided,
    _blocks,
    _disturbed,
    _suite,
    _procedure,
    _host,
)
