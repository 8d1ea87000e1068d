"""The sections of a mail and a submission: evidence, noise, builds, machine, measurement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from bench.compare import interval
from bench.report.change import is_outside_loop
from bench.report.wording import (
    UNKNOWN,
    controls,
    effect_text,
    fact_text,
    functions_text,
    gotos_text,
    main_candidates,
    names_of,
    smt,
)
from bench.results import (
    CandidateResult,
    FactsRecord,
    HostRecord,
    PlanRecord,
    Result,
    SessionSummary,
)

# Variables of sysconfig with the flags that the interpreter was compiled and linked with.
_FLAGS = (
    "CFLAGS",
    "PY_CFLAGS_NODIST",
    "CONFIGURE_CFLAGS",
    "LDFLAGS",
    "PY_LDFLAGS_NODIST",
)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A label and its text. `exact`: flags or commands, which a format prints as they are."""

    label: str
    text: str
    exact: bool = False


@dataclass(frozen=True, kw_only=True)
class FactSection:
    """Facts under a heading."""

    title: str
    facts: tuple[Fact, ...]


def sections(result: Result) -> tuple[FactSection, ...]:
    """The sections that have facts, in the order in which a reader asks for them."""
    all_sections = (
        FactSection(title="Why", facts=tuple(_why(result))),
        FactSection(title="Noise", facts=tuple(_noise(result))),
        FactSection(title="Correctness", facts=tuple(_gate(result))),
        FactSection(title="Compiler and flags", facts=tuple(_builds(result))),
        FactSection(title="Machine", facts=tuple(_machine(result.host))),
        FactSection(title="Revisions", facts=tuple(_revisions(result))),
        FactSection(title="Measurement", facts=tuple(_measurement(result))),
    )
    return tuple(section for section in all_sections if section.facts)


def _why(result: Result) -> Iterator[Fact]:
    for arm in main_candidates(result):
        if not arm.build:
            continue
        for row in arm.differences:
            label = row.fact if len(main_candidates(result)) == 1 else f"{arm.name}, {row.fact}"
            yield Fact(label=label, text=f"{row.base} -> {row.candidate}")
        if not arm.differences:
            yield Fact(label=arm.name, text=_unexplained(arm))


_SAME = "the same flags, and an evaluation function of the same size and number of jumps"


def _unexplained(arm: CandidateResult) -> str:
    """What there is to say of an effect when the builds differ in no fact."""
    if arm.variant:
        return f"{_SAME}; the benchmarks' own Python is compiled ({arm.variant})"
    if arm.change is None or not is_outside_loop(arm.change):
        return _SAME
    kinds = ", ".join(kind for kind in arm.change.kinds)
    return f"no cause found: the change is outside the evaluation loop ({kinds})"


def _noise(result: Result) -> Iterator[Fact]:
    for arm in main_candidates(result):
        widths = [
            (row.high - row.low) / 2 / row.ratio * 100
            for row in arm.comparisons
            if row.low is not None and row.high is not None
        ]
        if widths:
            yield Fact(
                label=f"intervals of {arm.name}",
                text=f"+-{min(widths):.2g}% to +-{max(widths):.2g}% by benchmark, "
                f"median +-{median(widths):.2g}%",
            )
    yield from _control_facts(result)
    calls = result.session.false_calls
    if calls:
        yield Fact(
            label="base against base",
            text=f"called different {calls.called} of {calls.of} times by this procedure, "
            f"at most {calls.upper:.1%} (95%); {calls.origin}".rstrip("; "),
        )
    band = result.placebo_band.suite if result.placebo_band is not None else None
    if band:
        yield Fact(label="placebos (layout alone)", text=f"suite {interval(band[0], band[1])}")


def _control_facts(result: Result) -> Iterator[Fact]:
    for arm in controls(result, "aa"):
        rows, suite = arm.comparisons, arm.suite
        called = len(names_of(rows, "faster", "slower"))
        if suite:
            yield Fact(
                label="A/A, the base against itself",
                text=f"suite {suite.ratio:.4f} ({interval(suite.low, suite.high)}), "
                f"{suite.verdict}; {called} of {len(rows)} benchmarks called different",
            )


def _gate(result: Result) -> Iterator[Fact]:
    for arm in main_candidates(result):
        gate = arm.gate
        if not gate:
            continue
        text = f"{gate.tests} test files of CPython ({gate.selection}) that the base passes; "
        broken = gate.broken
        text += f"fails {', '.join(broken)}" if broken else "passes them all"
        if gate.flaky:
            text += f"; failed once, but passed when run again: {', '.join(gate.flaky)}"
        if gate.base_failed:
            text += f"; the base itself fails {', '.join(gate.base_failed)}"
        yield Fact(label=arm.name, text=text)


def _builds(result: Result) -> Iterator[Fact]:
    """The facts of the base's build, and of the other builds those that differ from it."""
    base: dict[str, str] = {}
    compilers = dict(_compilers(result.experiment))
    for arm in [result.base, *main_candidates(result)]:
        if arm.runtime:
            yield Fact(label=arm.name, text=f"{arm.title}, not built here")
            continue
        if not arm.build:
            yield Fact(label=arm.name, text="did not build")
            continue
        own = _build(arm.build.facts, compilers.get(arm.name, ""))
        for label, text in own.items():
            if text != base.get(label):
                exact = label not in _IN_WORDS
                yield Fact(label=f"{arm.name}, {label}", text=text or "(none)", exact=exact)
        if own == base:
            yield Fact(label=arm.name, text="the same as the base")
        base = base or own


_IN_WORDS = ("compiler", "PGO, LTO", "computed gotos")


def _compilers(experiment: PlanRecord) -> Iterator[tuple[str, str]]:
    """Arms with their compiler's own version text, which includes the distribution's revision."""
    for arm in experiment.arms:
        recipe = arm.recipe or next(iter(arm.recipes), None)
        if recipe is not None:
            yield arm.name, recipe.compiler.version


def _build(facts: FactsRecord, compiler: str) -> dict[str, str]:
    config = facts.config
    flags = {name: config[name] for name in _FLAGS if config.get(name)}
    return {
        "compiler": f"{compiler or config.get('CC', 'gcc')}; in the binary: {facts.compiler}",
        "PGO, LTO": f"PGO {effect_text(facts, 'pgo')}, LTO {effect_text(facts, 'lto')}",
        "computed gotos": f"{gotos_text(facts)}, {facts.indirect_jumps} indirect jumps and "
        f"{facts.eval_bytes} bytes in {functions_text(facts)}",
        "configure": facts.configure_arguments,
        # As gcc recorded them in the binary; a makefile may have added options.
        "options of the evaluation function": facts.options,
        **flags,
    }


_READABLE = {
    True: "current frequency readable",
    False: "current frequency not readable",
    None: "unknown whether the current frequency is readable",
}


def _machine(host: HostRecord) -> Iterator[Fact]:
    memory = f"memory {UNKNOWN}" if host.memory is None else f"{host.memory / 2**30:.0f} GiB"
    machine = f"; virtual machine: {host.hypervisor}" if host.hypervisor else ""
    cpus = f"{host.cpus} CPUs (cores: {fact_text(host.cores)})"
    yield Fact(label="hardware", text=f"{host.cpu}, {cpus}, {memory}{machine}")
    yield Fact(
        label="firmware",
        text=f"turbo {fact_text(host.turbo)}, SMT {smt(host.smt, host.hypervisor)}, "
        f"microcode {fact_text(host.microcode)}",
    )
    readable = _READABLE[host.frequency_readable]
    yield Fact(label="frequency", text=f"governor {fact_text(host.governor)}, {readable}")
    yield Fact(label="OS", text=f"{host.os}, kernel {host.kernel}, {host.libc}")
    yield Fact(label="ASLR", text=_aslr(host.aslr))


def _aslr(mode: object) -> str:
    names = {0: "off", 1: "on, without the heap", 2: "on"}
    return names[mode] if isinstance(mode, int) and mode in names else fact_text(mode)


def _revisions(result: Result) -> Iterator[Fact]:
    for arm in [result.base, *main_candidates(result)]:
        if arm.runtime:
            continue  # it is listed among the builds
        revision, series = arm.revision, arm.series
        patches = f" with {', '.join(series)}" if series else ""
        source = revision.source
        where = f", from {source}" if source else ""
        yield Fact(
            label=f"CPython, {arm.name}",
            text=f"{revision.version}, commit {revision.commit}{where}{patches}",
        )
    session = result.session
    benchmarks = result.experiment.benchmarks
    chosen = f": {', '.join(benchmarks)}" if benchmarks else ""
    yield Fact(label="suite", text=f"{session.suite}{chosen}")


def _measurement(result: Result) -> Iterator[Fact]:
    session = result.session
    yield Fact(label="protocol", text=_protocols(session))
    if session.calibration:
        yield Fact(label="chosen by", text=session.calibration)
    builds = session.replicas or 1
    limits = [f"{builds} build{'s' if builds != 1 else ''} of each arm"]
    if session.blocks:
        limits.append(f"at most {session.blocks} blocks a benchmark")
    if session.budget:
        limits.append(f"a budget of {session.budget:.0f} s")
    if session.until:
        ends = "when its verdicts are decided" if session.until == "decided" else "after its blocks"
        limits.append(f"a benchmark ends {ends}")
    yield Fact(label="effort", text="; ".join(limits))
    if session.seconds is not None and session.busy_seconds is not None:
        yield Fact(
            label="time",
            text=f"{session.seconds:.0f} s; the arms' processes ran for "
            f"{session.busy_seconds:.0f} s of it",
        )
    yield Fact(label="seed", text=str(session.seed))
    method = next((arm.method for arm in main_candidates(result) if arm.method), "")
    if method:
        yield Fact(label="method", text=method)


def _protocols(session: SessionSummary) -> str:
    by_task = session.protocols
    names = sorted(set(by_task.values()))
    if len(names) < 2:
        return names[0] if names else session.protocol
    return "; ".join(
        f"{name} for {', '.join(sorted(task for task, used in by_task.items() if used == name))}"
        for name in names
    )
