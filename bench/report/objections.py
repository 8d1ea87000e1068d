"""The limitations of a result, from result.json; reports print them above every table.

Each objection is a sentence or two with its figures, the most serious first: what makes a verdict
wrong, what is open, and last what is so on most hosts. The first sentence stands alone where there
is little room. Whether an arm was tested is among the answers (`bench.report.answers`), which come
before. Texts of the result are not escaped here: the formats escape them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from bench.compare import SuiteComparison
from bench.report import conditions
from bench.report.conditions import Objection, listed
from bench.report.wording import common_warnings, controls, main_candidates, names_of
from bench.results import CandidateResult, Result
from bench.session import Band

FEW_BLOCKS = 5
# Codes of warnings that are stated here or among the answers, with figures.
_STATED_HERE = ("one-build", "no-gate", "few-blocks", "one-block")


def objections(result: Result) -> tuple[str, ...]:
    """All limitations of a result, the most serious first; what several arms share is one text."""
    several = len(main_candidates(result)) > 1
    arms: dict[str, list[str]] = {}
    for check in _CHECKS:
        for objection in check(result):
            names = arms.setdefault(objection.text, [])
            if objection.arm and objection.arm not in names:
                names.append(objection.arm)
    return tuple(
        f"{', '.join(names)}: {text}" if names and several else text for text, names in arms.items()
    )


def first_sentence(text: str) -> str:
    """The part of an objection that is shown where there is little room."""
    return text.partition(". ")[0].rstrip(".") + "." if ". " in text else text


def _plain(texts: Iterable[str]) -> Iterator[Objection]:
    return (Objection(text=text) for text in texts)


def _measured(result: Result) -> list[CandidateResult]:
    """The main candidates that were measured."""
    return [candidate for candidate in main_candidates(result) if candidate.comparisons]


def _warnings(result: Result) -> Iterator[Objection]:
    """Warnings of the run and of the main candidates."""
    yield from _plain(result.warnings)
    for candidate in main_candidates(result):
        for warning in [*candidate.warnings, *common_warnings(candidate.comparisons)]:
            if not warning.startswith(_STATED_HERE):
                yield Objection(text=warning, arm=candidate.name)


def _against_itself(result: Result) -> Iterator[Objection]:
    """Differences that A/A arms show, though they change nothing."""
    for candidate in controls(result, "aa"):
        rows = candidate.comparisons
        called = names_of(rows, "faster", "slower")
        if candidate.verdict in ("faster", "slower"):
            yield Objection(
                text=f"The base against itself (A/A) came out as {candidate.verdict} over the "
                "suite: this session shows differences where there are none."
            )
        if called:
            yield Objection(
                text="The base against itself (A/A) was called different on "
                f"{len(called)} of {len(rows)} benchmarks: {listed(called)}."
            )


def _placebos(result: Result) -> Iterator[Objection]:
    """Where a candidate's effect is no larger than that of a change of layout alone."""
    band = result.placebo_band
    if band is None:
        return
    for candidate in _measured(result):
        for text in _placebo_overlap(band, candidate):
            yield Objection(text=text, arm=candidate.name)


def _placebo_overlap(band: Band, candidate: CandidateResult) -> Iterator[str]:
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
        yield (
            f"A change of layout alone (placebos) had the same effect on {len(names)} of "
            f"{len(candidate.comparisons)} benchmarks: {listed(names)}."
        )


def _lies_in(row: SuiteComparison, limits: Sequence[float]) -> bool:
    return limits[0] <= row.ratio <= limits[1]


def _replicas(result: Result) -> Iterator[Objection]:
    if any(row.builds == 1 for candidate in _measured(result) for row in candidate.comparisons):
        yield Objection(
            text="One build of each arm: the verdicts hold only for these binaries. Other builds "
            "can change a ratio by some percent (layout, PGO training)."
        )


def _undecided(result: Result) -> Iterator[Objection]:
    for candidate in _measured(result):
        undecided = names_of(candidate.comparisons, "undecided")
        if undecided:
            yield Objection(
                text=f"{_count(undecided, candidate.comparisons)} undecided. There may be no "
                "difference, or one as large as the interval allows.",
                arm=candidate.name,
            )


def _equivalent(result: Result) -> Iterator[Objection]:
    for candidate in _measured(result):
        same = names_of(candidate.comparisons, "equivalent")
        if same:
            yield Objection(
                text=f"{_count(same, candidate.comparisons)} called equivalent: they "
                f"may differ by up to {candidate.margin * 100:g}%. That is the margin.",
                arm=candidate.name,
            )


def _blocks(result: Result) -> Iterator[Objection]:
    for candidate in _measured(result):
        rows = candidate.comparisons
        few = [row.benchmark for row in rows if row.blocks < FEW_BLOCKS]
        if few:
            yield Objection(
                text=f"fewer than {FEW_BLOCKS} blocks on {len(few)} of {len(rows)} benchmarks: "
                f"{listed(few)}. Their intervals are wide, or narrow by chance.",
                arm=candidate.name,
            )


def _missing(result: Result) -> Iterator[Objection]:
    for candidate in _measured(result):
        if candidate.missing:
            names = [row.benchmark for row in candidate.missing]
            total = len(names) + len(candidate.comparisons)
            yield Objection(
                text=f"requested, but not measured: {len(names)} of {total} benchmarks: "
                f"{listed(names)}.",
                arm=candidate.name,
            )


def _suite(result: Result) -> Iterator[Objection]:
    count = max((len(candidate.comparisons) for candidate in main_candidates(result)), default=0)
    if count:
        benchmarks = f"{count} benchmark{'s' if count != 1 else ''}"
        yield Objection(
            text=f"The geometric mean is of {benchmarks} of {result.session.suite}. Each has the "
            "same weight; another selection has another mean."
        )


def _unasked(result: Result) -> Iterator[Objection]:
    for candidate in main_candidates(result):
        unasked = [row.fact for row in candidate.differences if not row.asked]
        if unasked:
            yield Objection(
                text="the build differs from the base's in facts that were not asked for: "
                f"{listed(unasked)}.",
                arm=candidate.name,
            )


def _count(names: Sequence[object], rows: Sequence[object]) -> str:
    return f"{len(names)} of {len(rows)} benchmarks {'is' if len(names) == 1 else 'are'}"


_CHECKS: tuple[Callable[[Result], Iterator[Objection]], ...] = (
    _unasked,
    _against_itself,
    _warnings,
    _placebos,
    conditions.mostly_disturbed,
    _undecided,
    _missing,
    _blocks,
    _replicas,
    conditions.builds,
    conditions.disturbed,
    conditions.procedure,
    # So on most hosts, and of most results.
    _equivalent,
    _suite,
    conditions.host,
)
