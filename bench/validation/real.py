"""The third study: evaluate the measurements of `patchbench study real`. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.results import Result
from bench.validation import peers
from bench.validation.findings import ERROR, FALSE, OURS, POWER, PYPERF, TIME, Part, StudyFinding

# The target for the error: a fifth of the peer's, or _FLOOR if that is larger.
_SHARE, _FLOOR = 0.2, 0.005
# Targets for a known slowdown: the part of benchmarks called slower; seconds for each.
_FOUND, _SECONDS = 0.9, 120.0

CALM, KILLED, LOADED = "undisturbed", "killed and resumed", "under load"


@dataclass(frozen=True, kw_only=True)
class RealRow:
    """One benchmark of a binary against itself. `called`: as faster, slower, or significant.

    `excludes`: whether the plain 95% interval excludes 1; None if there is no interval.
    """

    benchmark: str
    ratio: float
    called: bool
    excludes: bool | None = None


@dataclass(frozen=True, kw_only=True)
class ProcedureComparison:
    """Two runs of pyperformance and a session of patchbench, with the machine time of each."""

    theirs: tuple[RealRow, ...]
    their_seconds: float
    ours: tuple[RealRow, ...]
    our_seconds: float

    def shared(self) -> tuple[list[RealRow], list[RealRow]]:
        """The rows of the common benchmarks: theirs, ours."""
        names = {row.benchmark for row in self.theirs} & {row.benchmark for row in self.ours}
        theirs, ours = (
            [row for row in rows if row.benchmark in names] for rows in (self.theirs, self.ours)
        )
        return theirs, ours


@dataclass(frozen=True, kw_only=True)
class Alone:
    """One session of a binary against itself, with early looks. `how`: CALM, KILLED or LOADED."""

    how: str
    rows: tuple[RealRow, ...]


@dataclass(frozen=True, kw_only=True)
class Slowdown:
    """The result of a candidate that is known to be slower."""

    verdicts: Mapping[str, str]
    ratios: Mapping[str, float]
    seconds: float


def study(
    pairs: Sequence[ProcedureComparison],
    sessions: Sequence[Alone],
    slowdown: Slowdown | None,
    setup: Iterable[str],
) -> Part:
    """The findings on everything that was measured so far."""
    findings = [finding for number, pair in enumerate(pairs, 1) for finding in _error(number, pair)]
    findings += _against_itself(pairs, sessions)
    if slowdown is not None:
        findings += _of_slowdown(slowdown)
    return Part(name="real", setup=tuple(setup), findings=tuple(findings))


def rms(rows: Sequence[RealRow]) -> float:
    """The root mean square of the log-ratios, which is the error, since the true ratio is 1."""
    return math.sqrt(statistics.fmean(math.log(row.ratio) ** 2 for row in rows))


def their_rows(
    base: Mapping[str, peers.Processes], candidate: Mapping[str, peers.Processes]
) -> tuple[RealRow, ...]:
    """The answers of `pyperf compare_to` for two files."""
    return tuple(
        RealRow(
            benchmark=name,
            ratio=_mean(candidate[name]) / _mean(base[name]),
            called=peers.pyperf_calls(base[name], candidate[name]),
        )
        for name in base
        if name in candidate
    )


def slowdown_of(result: Result) -> Slowdown:
    """Read the verdicts and ratios of the first candidate."""
    rows = result.candidates[0].comparisons
    return Slowdown(
        verdicts={row.benchmark: row.verdict for row in rows},
        ratios={row.benchmark: row.ratio for row in rows},
        seconds=result.session.seconds or 0.0,
    )


def _mean(processes: peers.Processes) -> float:
    return statistics.fmean(value for values in processes for value in values)


def _error(number: int, pair: ProcedureComparison) -> list[StudyFinding]:
    theirs, ours = pair.shared()
    if not theirs:
        return []
    condition = f"repetition {number}: RMS of log-ratios over {len(ours)} benchmarks"
    allowed = max(_SHARE * rms(theirs), _FLOOR)
    return [
        StudyFinding(
            quantity=ERROR,
            condition=condition,
            procedure=OURS,
            value=100 * rms(ours),
            unit="%",
            most=100 * allowed,
            note=f"{pair.our_seconds:.0f} s",
            headline="one real binary against itself, RMS error at equal machine time",
        ),
        StudyFinding(
            quantity=ERROR,
            condition=condition,
            procedure=PYPERF,
            value=100 * rms(theirs),
            unit="%",
            note=f"pyperformance run --fast, twice, {pair.their_seconds:.0f} s",
            headline="one real binary against itself, RMS error at equal machine time",
        ),
        _called(f"repetition {number}", OURS, ours),
        _called(f"repetition {number}", PYPERF, theirs),
    ]


def _against_itself(
    pairs: Sequence[ProcedureComparison], sessions: Sequence[Alone]
) -> list[StudyFinding]:
    rows = [row for pair in pairs for row in pair.ours]
    rows += [row for session in sessions for row in session.rows]
    if not rows:
        return []
    headline = "real comparisons of a binary with itself: called different"
    findings = [_called("all comparisons", OURS, rows, headline)]
    theirs = [row for pair in pairs for row in pair.theirs]
    if theirs:
        findings.append(_called("all comparisons", PYPERF, theirs, headline))
    excluded = [row.excludes for row in rows if row.excludes is not None]
    findings.append(
        StudyFinding(
            quantity=FALSE,
            condition="all comparisons: the plain 95% interval excludes 1",
            procedure=OURS,
            hits=sum(excluded),
            of=len(excluded),
        )
    )
    for how in dict.fromkeys(session.how for session in sessions):
        of_kind = [row for session in sessions if session.how == how for row in session.rows]
        findings.append(_called(f"sessions {how}", OURS, of_kind))
    return findings


def _called(
    condition: str, procedure: str, rows: Sequence[RealRow], headline: str = ""
) -> StudyFinding:
    return StudyFinding(
        quantity=FALSE,
        condition=f"{condition}: called different",
        procedure=procedure,
        hits=sum(row.called for row in rows),
        of=len(rows),
        headline=headline,
    )


def _of_slowdown(slowdown: Slowdown) -> list[StudyFinding]:
    count = len(slowdown.verdicts)
    ratios = sorted(slowdown.ratios.values())
    return [
        StudyFinding(
            quantity=POWER,
            condition=f"a known slowdown, {count} benchmarks: called slower",
            procedure=OURS,
            hits=sum(verdict == "slower" for verdict in slowdown.verdicts.values()),
            of=count,
            least=_FOUND,
            note=f"ratios {ratios[0]:.4f} to {ratios[-1]:.4f}" if ratios else "",
            headline="a known slowdown of about 2%, for real: called slower",
        ),
        StudyFinding(
            quantity=TIME,
            condition="a known slowdown, each benchmark",
            procedure=OURS,
            value=slowdown.seconds / max(count, 1),
            unit="s",
            most=_SECONDS,
        ),
    ]
