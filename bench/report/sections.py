"""The sections of a submission: why, how noisy, how built, on what, and how measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.compare import interval
from bench.report.wording import UNKNOWN, claims, controls, names_of, smt, told

Result = Mapping[str, Any]

# The variables of sysconfig that say how the interpreter itself was compiled and linked.
_FLAGS = (
    "CFLAGS",
    "PY_CFLAGS_NODIST",
    "CONFIGURE_CFLAGS",
    "LDFLAGS",
    "PY_LDFLAGS_NODIST",
)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A label and what it is; `exact` text is flags or commands, to be kept to the letter."""

    label: str
    text: str
    exact: bool = False


@dataclass(frozen=True, kw_only=True)
class FactSection:
    """Facts under a heading."""

    title: str
    facts: tuple[Fact, ...]


def sections(result: Result) -> tuple[FactSection, ...]:
    """All that have something to tell, in the order in which a reader asks."""
    found = (
        FactSection(title="Why", facts=tuple(_why(result))),
        FactSection(title="Noise", facts=tuple(_noise(result))),
        FactSection(title="Correctness", facts=tuple(_gate(result))),
        FactSection(title="Compiler and flags", facts=tuple(_builds(result))),
        FactSection(title="Machine", facts=tuple(_machine(result["host"]))),
        FactSection(title="Revisions", facts=tuple(_revisions(result))),
        FactSection(title="Measurement", facts=tuple(_measurement(result))),
    )
    return tuple(one for one in found if one.facts)


def _why(result: Result) -> Iterator[Fact]:
    for one in claims(result):
        if not one["build"]:
            continue
        for row in one["differences"]:
            label = row["fact"] if len(claims(result)) == 1 else f"{one['name']}, {row['fact']}"
            yield Fact(label=label, text=f"{row['base']} -> {row['candidate']}")
        if not one["differences"]:
            text = "the same flags, and an evaluation function of the same size and jumps"
            if one.get("variant"):
                text += f"; the benchmarks' own Python is compiled ({one['variant']})"
            yield Fact(label=one["name"], text=text)


def _noise(result: Result) -> Iterator[Fact]:
    for one in claims(result):
        widths = [
            (row["high"] - row["low"]) / 2 / row["ratio"] * 100
            for row in one["comparisons"]
            if row["low"] is not None and row["high"] is not None
        ]
        if widths:
            yield Fact(
                label=f"intervals of {one['name']}",
                text=f"+-{min(widths):.2g}% to +-{max(widths):.2g}% by benchmark, "
                f"median +-{median(widths):.2g}%",
            )
    yield from _control_facts(result)
    calls = result["session"].get("false_calls")
    if calls:
        yield Fact(
            label="base against base",
            text=f"called different {calls['called']} of {calls['of']} times by this procedure, "
            f"at most {calls['upper']:.1%} (95%); {calls.get('origin', '')}".rstrip("; "),
        )
    band = (result.get("placebo_band") or {}).get("suite")
    if band:
        yield Fact(label="placebos (layout alone)", text=f"suite {interval(band[0], band[1])}")


def _control_facts(result: Result) -> Iterator[Fact]:
    for one in controls(result, "aa"):
        rows, suite = one["comparisons"], one["suite"]
        called = len(names_of(rows, "faster", "slower"))
        if suite:
            yield Fact(
                label="A/A, the base against itself",
                text=f"suite {suite['ratio']:.4f} ({interval(suite['low'], suite['high'])}), "
                f"{suite['verdict']}; {called} of {len(rows)} benchmarks called different",
            )


def _gate(result: Result) -> Iterator[Fact]:
    for one in claims(result):
        gate = one["gate"]
        if not gate:
            continue
        text = f"{gate['tests']} test files of CPython ({gate['selection']}) that the base passes; "
        broken = gate["broken"]
        text += f"fails {', '.join(broken)}" if broken else "passes them all"
        if gate["flaky"]:
            text += f"; once, and not when run again: {', '.join(gate['flaky'])}"
        if gate["base_failed"]:
            text += f"; on the base itself fail {', '.join(gate['base_failed'])}"
        yield Fact(label=one["name"], text=text)


def _builds(result: Result) -> Iterator[Fact]:
    """The base's in full, and of the others what they have of their own."""
    base: dict[str, str] = {}
    compilers = dict(_compilers(result["experiment"]))
    for arm in [result["base"], *claims(result)]:
        if arm.get("runtime"):
            yield Fact(label=arm["name"], text=f"{arm['title']}, not built here")
            continue
        if not arm["build"]:
            yield Fact(label=arm["name"], text="did not build")
            continue
        own = _build(arm["build"]["facts"], compilers.get(arm["name"], ""))
        for label, text in own.items():
            if text != base.get(label):
                exact = label not in _IN_WORDS
                yield Fact(label=f"{arm['name']}, {label}", text=text or "(none)", exact=exact)
        if own == base:
            yield Fact(label=arm["name"], text="as the base in all of this")
        base = base or own


_IN_WORDS = ("compiler", "PGO, LTO", "computed gotos")


def _compilers(experiment: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What each arm's compiler says of itself, the distribution's revision included."""
    for arm in experiment.get("arms") or []:
        recipe = arm.get("recipe") or next(iter(arm.get("recipes") or []), None)
        if recipe is not None:
            yield str(arm["name"]), str(recipe["compiler"]["version"])


def _build(facts: Mapping[str, Any], compiler: str) -> dict[str, str]:
    config = facts["config"]
    gotos = "in effect" if facts["computed_gotos"] else "off"
    told_by_config = {name: config[name] for name in _FLAGS if config.get(name)}
    return {
        "compiler": f"{compiler or config.get('CC', 'gcc')}; in the binary: {facts['compiler']}",
        "PGO, LTO": f"PGO {told(facts['pgo'])}, LTO {told(facts['lto'])}",
        "computed gotos": f"{gotos}, {facts['indirect_jumps']} indirect jumps and "
        f"{facts['eval_bytes']} bytes in {facts['eval_function']}",
        "configure": config.get("CONFIG_ARGS", ""),
        # What gcc itself recorded, whatever the makefile said.
        "options of the loop": facts.get("options", ""),
        **told_by_config,
    }


_READABLE = {True: "readable", False: "not readable", None: "unknown whether it is readable"}


def _machine(host: Mapping[str, Any]) -> Iterator[Fact]:
    size = host.get("memory")
    memory = f"memory {UNKNOWN}" if size is None else f"{size / 2**30:.0f} GiB"
    machine = f"; virtual machine: {host['hypervisor']}" if host["hypervisor"] else ""
    cpus = f"{host['cpus']} CPUs (cores: {told(host.get('cores'))})"
    yield Fact(label="hardware", text=f"{host['cpu']}, {cpus}, {memory}{machine}")
    yield Fact(
        label="firmware",
        text=f"turbo {told(host['turbo'])}, SMT {smt(host['smt'], host['hypervisor'])}, "
        f"microcode {told(host.get('microcode'))}",
    )
    readable = _READABLE[host.get("frequency_readable")]
    yield Fact(label="frequency", text=f"governor {told(host.get('governor'))}, {readable}")
    yield Fact(label="OS", text=f"{host['os']}, kernel {host['kernel']}, {host['libc']}")
    yield Fact(label="ASLR", text=_aslr(host["aslr"]))


def _aslr(mode: object) -> str:
    names = {0: "off", 1: "on, without the heap", 2: "on"}
    return names[mode] if isinstance(mode, int) and mode in names else told(mode)


def _revisions(result: Result) -> Iterator[Fact]:
    for arm in [result["base"], *claims(result)]:
        if arm.get("runtime"):
            continue  # told among the builds
        revision, series = arm["revision"], arm["series"]
        patches = f" with {', '.join(series)}" if series else ""
        source = revision.get("source", "")
        where = f", from {source}" if source else ""
        yield Fact(
            label=f"CPython, {arm['name']}",
            text=f"{revision['version']}, commit {revision['commit']}{where}{patches}",
        )
    session = result["session"]
    benchmarks = result["experiment"].get("benchmarks") or []
    chosen = f": {', '.join(map(str, benchmarks))}" if benchmarks else ""
    yield Fact(label="suite", text=f"{session['suite']}{chosen}")


def _measurement(result: Result) -> Iterator[Fact]:
    session = result["session"]
    yield Fact(label="protocol", text=_protocols(session))
    if session.get("calibration"):
        yield Fact(label="chosen by", text=str(session["calibration"]))
    builds = session.get("replicas") or 1
    limits = [f"{builds} build{'s' if builds != 1 else ''} of each arm"]
    if session.get("blocks"):
        limits.append(f"at most {session['blocks']} blocks a benchmark")
    if session.get("budget"):
        limits.append(f"a budget of {session['budget']:.0f} s")
    if session.get("until"):
        ends = "when it is decided" if session["until"] == "decided" else "after its blocks"
        limits.append(f"a benchmark ends {ends}")
    yield Fact(label="effort", text="; ".join(limits))
    if "seconds" in session:
        yield Fact(
            label="time",
            text=f"{session['seconds']:.0f} s, of which the arms' processes worked "
            f"{session['busy_seconds']:.0f} s",
        )
    yield Fact(label="seed", text=str(session["seed"]))
    method = next((one["method"] for one in claims(result) if one["method"]), "")
    if method:
        yield Fact(label="method", text=method)


def _protocols(session: Mapping[str, Any]) -> str:
    each: Mapping[str, str] = session.get("protocols") or {}
    names = sorted(set(each.values()))
    if len(names) < 2:
        return names[0] if names else str(session["protocol"])
    return "; ".join(
        f"{name} for {', '.join(sorted(task for task, one in each.items() if one == name))}"
        for name in names
    )
