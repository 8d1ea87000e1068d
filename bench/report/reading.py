"""result.json as what a reader sees: frozen values, cleaned, with defaults for older results.

The one place that knows which keys came later than schema 1's first. A result that lacks one of the
first, or has text where a number belongs, raises LookupError, TypeError or ValueError: it is
damaged. Strings come out without control characters and without what no file can hold; they are as
hostile as before in every other way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from bench.compare import TIME
from bench.report import wording
from bench.report.model import BlockPoint, Candidate, ReportArm, ReportRow, ReportRung, View
from bench.report.objections import objections
from bench.util import harmless


def view_of(result: Mapping[str, Any]) -> View:
    """The view of a result. Raises LookupError, TypeError or ValueError for one that is damaged."""
    result = _cleaned(result)
    session = result["session"]
    return View(
        name=result["experiment"]["name"],
        when=_moment(str(result["when"])),
        version=str(result["patchbench"]),
        margin=positive(session["margin"]),
        base=_arm(result["base"]),
        candidates=tuple(_candidate(one, result) for one in result["candidates"]),
        ladder=tuple(
            _rung(one) for one in result.get("ladder") or () if one.get("ratio") is not None
        ),
        objections=objections(result),
        host=_host(result["host"]),
        host_name=str(result["host"]["name"]),
        host_line=f"{result['host']['cpu']}, {result['host']['os']}",
        session=session_facts(session),
        # On one line each: no second line can pass for a command of its own.
        commands=tuple(" ".join(command.split()) for command in result["commands"]),
        disturbed=sum(1 for block in result["blocks"] if block.get("disturbed")),
        blocks=len(result["blocks"]),
    )


def _cleaned(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    if isinstance(value, str):
        if value.isascii() and value.isprintable():
            return value  # nearly all; results are large
        return harmless(value).encode("utf-8", "backslashreplace").decode()
    return value


def _moment(when: str) -> str:
    try:
        return datetime.fromisoformat(when).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return when


def positive(value: Any) -> float:
    """A number above 0. Raises ValueError or TypeError for anything else."""
    number = float(value)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{value!r} is no number above 0")
    return number


def _bound(value: Any) -> float | None:
    return None if value is None else positive(value)


# -- arms ---------------------------------------------------------------------------------------


def _arm(data: Mapping[str, Any]) -> ReportArm:
    return ReportArm(name=data["name"], title=data["title"], facts=tuple(_facts(data)))


def _facts(data: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if data.get("runtime"):
        runtime = data["runtime"]
        yield "runtime", f"{runtime['implementation']} {runtime['release']}".strip()
        yield "Python", runtime["version"]
        yield "packages", ", ".join(runtime["packages"]) or "none that patchbench provided"
        return
    revision = data["revision"]
    yield "CPython", f"{revision['version']} ({revision['commit'][:12]})"
    if data["series"]:
        yield "series", ", ".join(data["series"])
    if data.get("variant"):
        yield "code of the benchmarks", f"compiled ({data['variant']})"
    build = data["build"]
    if build is None:
        yield "build", "none"
        return
    facts = build["facts"]
    yield "compiler", facts["compiler"]
    yield "PGO, LTO", f"{wording.told(facts['pgo'])}, {wording.told(facts['lto'])}"
    yield "computed gotos", "in effect" if facts["computed_gotos"] else "off"
    yield "evaluation function", f"{facts['eval_function']}, {facts['eval_bytes']} bytes"
    yield "indirect jumps in it", str(facts["indirect_jumps"])
    yield "configured with", facts["config"]["CONFIG_ARGS"]
    yield "compiled with", facts["options"]
    if len(data.get("replicas") or ()) > 1:
        yield "builds", ", ".join(one["key"] for one in data["replicas"])
    else:
        yield "build", build["key"]


def _candidate(data: Mapping[str, Any], result: Mapping[str, Any]) -> Candidate:
    from bench.session import record  # which starts the whole engine, and a list needs no warm-up

    points = _points(data["name"], result)
    band = result.get("placebo_band") or {}
    protocols = result["session"].get("protocols") or {}
    common = wording.common_warnings(data["comparisons"])
    rows = [
        _row(
            one,
            one["benchmark"],
            common,
            protocol=protocols.get(one["benchmark"], ""),
            placebo=_band((band.get("benchmarks") or {}).get(one["benchmark"])),
            points=points.get(one["benchmark"], ()) if one["metric"] == TIME else (),
        )
        for one in data["comparisons"]
    ]
    suites = [one for one in (data["suite"], *data["suites"]) if one is not None]
    return Candidate(
        arm=_arm(data),
        kind=wording.kind(data),
        verdict=data["verdict"],
        broken=data["broken"],
        headline=wording.headline(data),
        suites=tuple(
            _row(one, "geometric mean", common, placebo=_band(band.get("suite"))) for one in suites
        ),
        rows=tuple(sorted(rows, key=lambda row: (row.ratio, row.name))),
        missing=tuple((one["benchmark"], one["reason"]) for one in data["missing"]),
        gate=data["gate"],
        differences=tuple(data["differences"]),
        warnings=(*data["warnings"], *common),
        method=data["method"],
        is_built=not data.get("runtime"),
        warmups=tuple(
            (name, record.told(one)) for name, one in (data.get("warmups") or {}).items()
        ),
    )


def _row(data: Mapping[str, Any], name: str, common: Sequence[str], **more: Any) -> ReportRow:
    return ReportRow(
        name=name,
        metric=data["metric"],
        ratio=positive(data["ratio"]),
        low=_bound(data["low"]),
        high=_bound(data["high"]),
        low95=_bound(data["low95"]),
        high95=_bound(data["high95"]),
        verdict=data["verdict"],
        blocks=int(data["blocks"]),
        builds=int(data["builds"]),
        warnings=tuple(text for text in data["warnings"] if text not in common),
        **more,
    )


def _band(pair: Sequence[Any] | None) -> tuple[float, float] | None:
    return None if pair is None else (positive(pair[0]), positive(pair[1]))


def _rung(data: Mapping[str, Any]) -> ReportRung:
    defaults: dict[str, Any] = dict.fromkeys(("low", "high", "low95", "high95"))
    defaults |= {"metric": TIME, "verdict": "", "blocks": 0, "builds": 1, "warnings": ()}
    group = f"{data['group']}: " if data.get("group") else ""
    row = _row(defaults | dict(data), f"{group}{data['name']}", ())
    return ReportRung(row=row, title=str(data.get("title", "")))


# -- blocks -------------------------------------------------------------------------------------


def _points(candidate: str, result: Mapping[str, Any]) -> dict[str, tuple[BlockPoint, ...]]:
    """Each benchmark's blocks of one candidate, in the order in which they were measured."""
    base = result["base"]["name"]
    medians = _medians(base, result["blocks"])
    found: dict[str, list[BlockPoint]] = {}
    for order, block in enumerate(result["blocks"]):
        means = block["means"]
        if candidate not in means or base not in means:
            continue
        point = BlockPoint(
            order=order,
            number=int(block["number"]),
            ratio=positive(means[candidate]) / positive(means[base]),
            drift=positive(means[base]) / medians[block["benchmark"]],
            replica=int(block.get("replica", 0)),
            disturbed=block.get("disturbed") or "",
        )
        found.setdefault(block["benchmark"], []).append(point)
    return {name: tuple(points) for name, points in found.items()}


def _medians(base: str, blocks: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The middle of the base's times on each benchmark."""
    timed = [(block["benchmark"], positive(block["means"][base])) for block in blocks]
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
# What is not there, where a host says that it is not.
_ABSENT = {"quota": "none", "hypervisor": "none"}


def _host(host: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((label, _host_fact(host, key)) for key, label in _HOST.items())


def _host_fact(host: Mapping[str, Any], key: str) -> str:
    """A fact of the host in words; one that an older result does not have is unknown."""
    fact = host.get(key)
    if key in _ABSENT and key in host and not fact:
        return _ABSENT[key]
    if key == "memory" and fact is not None:
        return f"{float(fact) / 1e9:.1f} GB"
    return wording.smt(fact, host["hypervisor"]) if key == "smt" else wording.told(fact)


def session_facts(session: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """How a run was measured, as pairs of label and value, from its `session`."""
    told: list[tuple[str, Any]] = [
        ("suite", session["suite"]),
        ("protocol", _protocols(session)),
        ("margin", f"{positive(session['margin']) * 100:g}%"),
        ("blocks a benchmark, at most", session.get("blocks")),
        ("measured until", session.get("until")),
        ("builds of each arm", session.get("replicas")),
        ("budget", _duration(session.get("budget"))),
        ("timing took", _duration(session.get("seconds"))),
        ("arms' processes at work", _duration(session.get("busy_seconds"))),
        ("seed", session["seed"]),
        ("protocols chosen by", session.get("calibration")),
        ("base against base called different", _false_calls(session.get("false_calls"))),
        ("disturbance", _counts(session.get("disturbance"))),
    ]
    return tuple((label, str(value)) for label, value in told if value not in (None, ""))


def _protocols(session: Mapping[str, Any]) -> str:
    by_benchmark = session.get("protocols") or {}
    names = sorted(set(by_benchmark.values()))
    if len(names) < 2:
        return str(names[0] if names else session["protocol"])
    counted = [f"{name} ({list(by_benchmark.values()).count(name)} benchmarks)" for name in names]
    return ", ".join(counted)


def _false_calls(calls: Mapping[str, Any] | None) -> str:
    if calls is None:
        return "not measured on this host"
    upper = f"at most {float(calls['upper']) * 100:.1f}% with 95% confidence"
    return f"{calls['called']} of {calls['of']}; {upper}"


def _counts(data: Mapping[str, Any] | None) -> str:
    simple = {k: v for k, v in (data or {}).items() if isinstance(v, str | int | float)}
    return ", ".join(f"{key.replace('_', ' ')}: {value}" for key, value in simple.items())


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes = float(seconds) / 60
    return f"{float(seconds):.0f} s" if minutes < 3 else f"{minutes:.0f} min"
