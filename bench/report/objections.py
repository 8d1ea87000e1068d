"""The limitations of a result, from result.json; reports print them above every table.

Each objection is a sentence or two with its figures, in the order in which a reader of python-dev
would ask. Texts of the result are not escaped here: the formats escape them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bench.compare import SuiteComparison
from bench.report.wording import common_warnings, controls, main_candidates, names_of
from bench.results import CandidateResult, HostRecord, Result
from bench.session import Band

FEW_BLOCKS = 5
# A loop of computed gotos has about one indirect jump for each opcode; gcc can merge them again.
_MERGED = 20
_NOTABLE_STEAL = 0.02
# When the upper bound of the rate of false calls is above this, too little is known of the rate.
_VAGUE = 0.1
# Codes of warnings that this module states itself, with figures.
_STATED_HERE = ("one-build", "no-gate", "few-blocks", "one-block")


def objections(result: Result) -> tuple[str, ...]:
    """All limitations of a result, without duplicates, the most serious first."""
    texts = [text for check in _CHECKS for text in check(result)]
    return tuple(dict.fromkeys(texts))


def _measured(result: Result) -> Iterator[tuple[str, CandidateResult]]:
    """The main candidates that were measured, each with the prefix of its sentences."""
    measured = [candidate for candidate in main_candidates(result) if candidate.comparisons]
    for candidate in measured:
        yield (f"{candidate.name}: " if len(main_candidates(result)) > 1 else ""), candidate


def _warnings(result: Result) -> Iterator[str]:
    """Warnings of the run and of the main candidates."""
    yield from result.warnings
    for candidate in main_candidates(result):
        prefix = f"{candidate.name}: " if len(main_candidates(result)) > 1 else ""
        for warning in [*candidate.warnings, *common_warnings(candidate.comparisons)]:
            if not warning.startswith(_STATED_HERE):
                yield f"{prefix}{warning}"


def _gate(result: Result) -> Iterator[str]:
    for candidate in main_candidates(result):
        if not candidate.broken and candidate.gate is None and not candidate.runtime:
            yield (
                f"No gate: CPython's own tests were not run with {candidate.name}, so it may be "
                "incorrect. A patch that leaves out necessary work is fast too."
            )


def _controls(result: Result) -> Iterator[str]:
    """Differences that A/A arms and placebos show, though they change nothing."""
    for candidate in controls(result, "aa"):
        called = names_of(candidate.comparisons, "faster", "slower")
        if candidate.verdict in ("faster", "slower"):
            yield (
                f"The base against itself (A/A) came out as {candidate.verdict} over the suite: "
                "this session shows differences where there are none."
            )
        if called:
            yield f"The base against itself (A/A) was called different on {', '.join(called)}."
    band = result.placebo_band
    if band is not None:
        for prefix, candidate in _measured(result):
            yield from (f"{prefix}{text}" for text in _placebo_overlap(band, candidate))


def _placebo_overlap(band: Band, candidate: CandidateResult) -> Iterator[str]:
    """Where a candidate's effect is no larger than that of a change of layout alone."""
    suite, limits = candidate.suite, band.suite
    if suite and limits and suite.verdict in ("faster", "slower") and _lies_in(suite, limits):
        yield (
            f"The suite's ratio of {suite.ratio:.4f} lies within the placebo band, "
            f"{limits[0]:.4f} to {limits[1]:.4f}: a change of layout alone can have the same "
            "effect."
        )
    bands = band.benchmarks
    names = [
        row.benchmark
        for row in candidate.comparisons
        if row.verdict in ("faster", "slower")
        and row.benchmark in bands
        and _lies_in(row, bands[row.benchmark])
    ]
    if names:
        yield f"A change of layout alone (placebos) had the same effect on: {_list(names)}."


def _lies_in(row: SuiteComparison, limits: Sequence[float]) -> bool:
    return limits[0] <= row.ratio <= limits[1]


def _replicas(result: Result) -> Iterator[str]:
    if any(row.builds == 1 for _, candidate in _measured(result) for row in candidate.comparisons):
        yield (
            "One build of each arm: the verdicts hold only for these binaries. Other builds can "
            "change a ratio by some percent (layout, PGO training)."
        )


def _undecided(result: Result) -> Iterator[str]:
    for prefix, candidate in _measured(result):
        rows = candidate.comparisons
        undecided = names_of(rows, "undecided")
        if undecided:
            yield (
                f"{prefix}{_count(undecided, rows)} undecided: there may be no difference, or "
                "one as large as the interval allows."
            )
        same = names_of(rows, "equivalent")
        if same:
            yield (
                f"{prefix}{_count(same, rows)} called equivalent, but may still differ by "
                f"up to {candidate.margin * 100:g}%, the margin."
            )


def _blocks(result: Result) -> Iterator[str]:
    for prefix, candidate in _measured(result):
        few = [row.benchmark for row in candidate.comparisons if row.blocks < FEW_BLOCKS]
        if few:
            names = _list(few)
            yield (
                f"{prefix}fewer than {FEW_BLOCKS} blocks on {names}: wide intervals, or narrow by "
                "chance."
            )


def _disturbed(result: Result) -> Iterator[str]:
    counts = result.session.disturbance
    if counts.get("disturbed"):
        yield (
            f"Something else used the host too much during {counts['disturbed']} blocks; "
            f"{counts.get('measured_again', 0)} were measured again, {counts.get('kept', 0)} count "
            "nevertheless."
        )
    shares = [block.state.steal for block in result.blocks]
    steals = [share for share in shares if share is not None]
    mean = sum(steals) / len(steals) if steals else 0.0
    if mean > _NOTABLE_STEAL:
        yield f"The hypervisor took {mean:.0%} of the CPU time away while blocks ran."


def _suite(result: Result) -> Iterator[str]:
    count = max((len(candidate.comparisons) for candidate in main_candidates(result)), default=0)
    if count:
        yield (
            f"The geometric mean is of {count} benchmarks of {result.session.suite}, each "
            "with the same weight; another selection has another mean."
        )
    for prefix, candidate in _measured(result):
        if candidate.missing:
            names = _list([row.benchmark for row in candidate.missing])
            yield f"{prefix}requested, but not measured: {names}."


def _builds(result: Result) -> Iterator[str]:
    arms = [result.base, *main_candidates(result)]
    built = [(arm.name, arm.build.facts) for arm in arms if arm.build is not None]
    plain = [name for name, facts in built if not facts.pgo]
    if plain:
        yield (
            f"Built without PGO: {_list(plain)}. Releases and most distributions are built with "
            "PGO and LTO, where the same change may gain less, or make Python slower."
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
            f"Computed gotos, but very few indirect jumps in the evaluation function: "
            f"{_list(merged)}. The compiler merged them; a ratio between such a build and another "
            "includes that difference."
        )
    for candidate in main_candidates(result):
        unasked = [row.fact for row in candidate.differences if not row.asked]
        if unasked:
            yield (
                f"{candidate.name} differs from the base in facts that were not asked for: "
                f"{_list(unasked)}."
            )


def _procedure(result: Result) -> Iterator[str]:
    calls = result.session.false_calls
    if not calls:
        yield (
            "How often this procedure calls a base different from itself on this host is not "
            "known: the host was not calibrated."
        )
    elif calls.upper > _VAGUE:
        yield (
            "How often this procedure calls a base different from itself on this host is known "
            f"only roughly: {calls.called} of {calls.of} times, so the rate may be up to "
            f"{calls.upper:.0%}."
        )


def _host(result: Result) -> Iterator[str]:
    host = result.host
    if host.hypervisor:
        yield (
            f"A virtual machine ({host.hypervisor}): other guests share its cores, caches and "
            "frequency, and cannot be observed."
        )
    if host.quota:
        yield (
            f"The control group grants {host.quota:g} CPUs of time and pauses processes that use "
            "more."
        )
    yield from _frequency(host)
    if host.smt:
        yield "SMT is on: work on the other thread of the core slows this one down."
    if host.aslr:
        yield (
            "ASLR is on: each process has another memory layout, which makes the intervals wider."
        )


def _frequency(host: HostRecord) -> Iterator[str]:
    if host.turbo is None:
        yield "Turbo: the host does not report whether it is on."
    elif host.turbo:
        yield "Turbo is on: the frequency depends on heat and on what other cores do."
    governor = host.governor
    if governor is not None and governor != "performance":
        yield f"The frequency governor is {governor}, not performance."


def _count(names: Sequence[object], rows: Sequence[object]) -> str:
    return f"{len(names)} of {len(rows)} benchmarks {'is' if len(names) == 1 else 'are'}"


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(map(str, names[:12]))
    return shown if len(names) <= 12 else f"{shown} and {len(names) - 12} more"


_CHECKS: tuple[Callable[[Result], Iterator[str]], ...] = (
    _warnings,
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
