"""Make the view of a result: frozen values with cleaned texts.

Control characters and characters that UTF-8 cannot encode are removed or escaped. Nothing else is
escaped: the formats must treat every text as hostile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from msgspec import UNSET

from bench.compare import TIME, TIMES, SuiteComparison
from bench.report import wording
from bench.report.answers import answers, correctness
from bench.report.change import report_change, title_of
from bench.report.model import BlockPoint, Candidate, ReportArm, ReportRow, ReportRung, View
from bench.report.objections import objections
from bench.results import (
    ArmResult,
    BlockResult,
    CandidateResult,
    FalseCallsRecord,
    HostRecord,
    Result,
    RungResult,
    SessionSummary,
)
from bench.util import documents, harmless


def view_of(result: Result) -> View:
    """The view of a result."""
    result = documents.with_texts(result, _cleaned)
    return View(
        name=result.experiment.name,
        title=title_of(result),
        answers=answers(result),
        when=_moment(result.when),
        version=result.patchbench,
        margin=result.session.margin,
        base=_arm(result.base),
        candidates=tuple(_candidate(candidate, result) for candidate in result.candidates),
        ladder=tuple(_rung(rung) for rung in result.ladder if rung.ratio is not None),
        objections=objections(result),
        host=_host(result.host),
        host_name=result.host.name,
        host_line=f"{result.host.cpu}, {result.host.os}",
        session=session_facts(result.session),
        # Each on one line: a second line could be mistaken for another command.
        commands=tuple(" ".join(command.split()) for command in result.commands),
        disturbed=sum(1 for block in result.blocks if block.disturbed),
        blocks=len(result.blocks),
    )


def _cleaned(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text  # most texts; a large result has very many
    return harmless(text).encode("utf-8", "backslashreplace").decode()


def _moment(when: str) -> str:
    try:
        return datetime.fromisoformat(when).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return when


# -- arms ---------------------------------------------------------------------------------------


def _arm(data: ArmResult) -> ReportArm:
    change = None if data.change is None else report_change(data.change)
    return ReportArm(name=data.name, title=data.title, facts=tuple(_facts(data)), change=change)


def _facts(data: ArmResult) -> Iterable[tuple[str, str]]:
    runtime = data.runtime
    if runtime is not None:
        yield "runtime", f"{runtime.implementation} {runtime.release}".strip()
        yield "Python", runtime.version
        yield "packages", ", ".join(runtime.packages) or "none that patchbench provided"
        return
    revision = data.revision
    yield "CPython", f"{revision.version} ({revision.commit[:12]})"
    if data.series:
        yield "series", ", ".join(data.series)
    if data.variant:
        yield "code of the benchmarks", f"compiled ({data.variant})"
    build = data.build
    if build is None:
        yield "build", "none"
        return
    facts = build.facts
    yield "compiler", facts.compiler
    yield "PGO, LTO", f"{wording.effect_text(facts, 'pgo')}, {wording.effect_text(facts, 'lto')}"
    yield "computed gotos", wording.gotos_text(facts)
    yield "evaluation function", f"{wording.functions_text(facts)}, {facts.eval_bytes} bytes"
    yield "indirect jumps in it", str(facts.indirect_jumps)
    yield "configured with", facts.configure_arguments
    yield "compiled with", facts.options
    if len(data.replicas) > 1:
        yield "builds", ", ".join(data.keys)
    else:
        yield "build", build.key


def _candidate(data: CandidateResult, result: Result) -> Candidate:
    from bench.session import record  # slow: this imports the whole engine

    points = _points(data.name, result)
    band = result.placebo_band
    protocols = result.session.protocols
    common = wording.common_warnings(data.comparisons)
    rows = [
        _row(
            comparison,
            comparison.benchmark,
            common,
            protocol=protocols.get(comparison.benchmark, ""),
            placebo=None if band is None else band.benchmarks.get(comparison.benchmark),
            points=points.get(comparison.benchmark, ()) if comparison.metric == TIME else (),
        )
        for comparison in data.comparisons
    ]
    suites = data.suites if data.suite is None else (data.suite, *data.suites)
    return Candidate(
        arm=_arm(data),
        kind=wording.kind(data),
        verdict=data.verdict,
        broken=data.broken,
        headline=wording.headline(data),
        suites=tuple(
            _row(suite, "geometric mean", common, placebo=None if band is None else band.suite)
            for suite in suites
        ),
        rows=tuple(sorted(rows, key=lambda row: (row.ratio, row.name))),
        missing=tuple((missing.benchmark, missing.reason) for missing in data.missing),
        gate=data.gate,
        correctness=correctness(data),
        differences=data.differences,
        warnings=(*data.warnings, *common),
        method=data.method,
        is_built=data.runtime is None,
        warmups=tuple((name, record.describe_warmup(one)) for name, one in data.warmups.items()),
    )


def _row(data: SuiteComparison, name: str, common: Sequence[str], **more: Any) -> ReportRow:
    return ReportRow(
        name=name,
        metric=data.metric,
        ratio=data.ratio,
        low=data.low,
        high=data.high,
        low95=data.low95,
        high95=data.high95,
        verdict=data.verdict,
        blocks=data.blocks,
        builds=data.builds,
        warnings=tuple(text for text in data.warnings if text not in common),
        **{**_times(data), **more},
    )


def _times(data: SuiteComparison) -> dict[str, Any]:
    """The times of a comparison; a suite has none."""
    return {field: getattr(data, field, None) for field in TIMES}


def _rung(data: RungResult) -> ReportRung:
    group = f"{data.group}: " if data.group else ""
    assert data.ratio is not None
    row = ReportRow(
        name=f"{group}{data.name}",
        metric=data.metric,
        ratio=data.ratio,
        low=data.low,
        high=data.high,
        low95=data.low95,
        high95=data.high95,
        verdict=data.verdict,
        blocks=data.blocks,
        builds=data.builds,
        warnings=data.warnings,
    )
    return ReportRung(row=row, title=data.title)


# -- blocks -------------------------------------------------------------------------------------


def _points(candidate: str, result: Result) -> dict[str, tuple[BlockPoint, ...]]:
    """The blocks of one candidate by benchmark, in the order in which they were measured."""
    base = result.base.name
    medians = _medians(base, result.blocks)
    points: dict[str, list[BlockPoint]] = {}
    for order, block in enumerate(result.blocks):
        means = block.means
        if candidate not in means or base not in means:
            continue
        point = BlockPoint(
            order=order,
            number=block.number,
            ratio=means[candidate] / means[base],
            drift=means[base] / medians[block.benchmark],
            replica=block.replica,
            disturbed=block.disturbed,
        )
        points.setdefault(block.benchmark, []).append(point)
    return {name: tuple(measured) for name, measured in points.items()}


def _medians(base: str, blocks: Sequence[BlockResult]) -> dict[str, float]:
    """The median (the upper one of two) of the base's times on each benchmark."""
    timed = [(block.benchmark, block.means[base]) for block in blocks if base in block.means]
    medians = {}
    for name, group in groupby(sorted(timed), key=lambda pair: pair[0]):
        times = [seconds for _, seconds in group]
        medians[name] = times[len(times) // 2]
    return medians


# -- the host and the session -------------------------------------------------------------------

_HOST = {
    "cpu": "CPU",
    "microcode": "microcode",
    "cpus": "CPUs",
    "cores": "cores",
    "quota": "CPU quota",
    "smt": "SMT (Hyper-Threading)",
    "turbo": "turbo",
    "governor": "frequency governor",
    "aslr": "ASLR",
    "memory": "memory",
    "hypervisor": "hypervisor",
    "os": "operating system",
    "kernel": "kernel",
    "libc": "C library",
    "name": "host (hashed)",
}
# The words for an empty value: the host reports that there is none.
_ABSENT = {"quota": "none", "hypervisor": "none"}


def _host(host: HostRecord) -> tuple[tuple[str, str], ...]:
    return tuple((label, _host_fact(host, key)) for key, label in _HOST.items())


def _host_fact(host: HostRecord, key: str) -> str:
    """A fact of the host in words; unknown when an older result does not have it."""
    fact = getattr(host, key)
    if fact is UNSET:
        return wording.UNKNOWN
    if key in _ABSENT and not fact:
        return _ABSENT[key]
    if key == "memory" and fact is not None:
        return f"{float(fact) / 1e9:.1f} GB"
    return wording.smt(fact, host.hypervisor) if key == "smt" else wording.fact_text(fact)


def session_facts(session: SessionSummary) -> tuple[tuple[str, str], ...]:
    """How a run was measured, as pairs of label and value, from its `session`."""
    facts: list[tuple[str, Any]] = [
        ("suite", session.suite),
        ("protocol", _protocols(session)),
        ("margin", f"{session.margin * 100:g}%"),
        ("blocks a benchmark, at most", session.blocks),
        ("measured until", session.until),
        ("builds of each arm", session.replicas),
        ("budget", _duration(session.budget)),
        ("timing took", _duration(session.seconds)),
        ("arms' processes at work", _duration(session.busy_seconds)),
        ("seed", session.seed),
        ("protocols chosen by", session.calibration),
        ("base against base called different", _false_calls(session.false_calls)),
        ("disturbance", _counts(session.disturbance)),
    ]
    return tuple((label, str(value)) for label, value in facts if value not in (None, ""))


def _protocols(session: SessionSummary) -> str:
    by_benchmark = session.protocols
    names = sorted(set(by_benchmark.values()))
    if len(names) < 2:
        return names[0] if names else session.protocol
    counted = [f"{name} ({list(by_benchmark.values()).count(name)} benchmarks)" for name in names]
    return ", ".join(counted)


def _false_calls(calls: FalseCallsRecord | None) -> str:
    if calls is None:
        return "not measured on this host"
    upper = f"at most {calls.upper * 100:.1f}% with 95% confidence"
    return f"{calls.called} of {calls.of}; {upper}"


def _counts(data: Mapping[str, int | float | str]) -> str:
    return ", ".join(f"{key.replace('_', ' ')}: {value}" for key, value in data.items())


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes = seconds / 60
    return f"{seconds:.0f} s" if minutes < 3 else f"{minutes:.0f} min"
