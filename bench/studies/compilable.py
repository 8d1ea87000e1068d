"""What came of trying to compile benchmarks: judged, read, and written. Pure, but for `read`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.suites import Benchmark

# Less of its time in its own Python, and compiling that shows nothing of the benchmark.
LEAST_OWN = 0.1
_MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A benchmark that was tried. `own` is the share of its time in its own Python, `called` that
    in C which this calls; both without a profile -1. `reason`: why it cannot be compiled, or "".
    """

    benchmark: str
    script: str
    own: float = -1.0
    called: float = -1.0
    reason: str = ""


def judged(tried: Tried, spent: Mapping[str, Any]) -> Tried:
    """What a profile says of a benchmark (see inside/answers.py)."""
    rest: Mapping[str, float] = spent["rest"]
    total = spent["own"] + spent["called"] + sum(rest.values())
    if total <= 0:
        return replace(tried, reason="it spends no time that a profile sees")
    own, called = spent["own"] / total, spent["called"] / total
    found = replace(tried, own=round(own, 3), called=round(called, 3))
    if own >= LEAST_OWN:
        return found
    elsewhere = sorted(rest, key=lambda name: -rest[name])[:_MOST_NAMED]
    if called > sum(rest.values()) / total:
        where = f"{called:.0%} in C that this calls"
    else:
        where = f"the rest in {', '.join(name.strip('<>') for name in elsewhere)}"
    return replace(found, reason=f"{own:.0%} of its time is in its own Python, {where}")


def scripts_that_can(tried: Sequence[Tried]) -> tuple[str, ...]:
    """The scripts of which at least one benchmark can be compiled."""
    return tuple(dict.fromkeys(one.script for one in tried if not one.reason))


def edition(benchmarks: Sequence[Benchmark]) -> str:
    """The release that the benchmarks are of, as variants-*.toml is named after it."""
    return benchmarks[0].folder.partition("/")[0]


def read(file: Path) -> dict[str, Tried]:
    """What was tried before, by benchmark."""
    if not file.exists():
        return {}
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    reasons = tables["cannot"]
    return {
        name: Tried(benchmark=name, reason=reasons.get(name, ""), **one)
        for name, one in tables["tried"].items()
    }


def as_toml(tried: Sequence[Tried]) -> str:
    """The data that experiments read: `cannot` with reasons, `tried` with what was seen."""
    lines = ["# Written by `patchbench study variants`: see docs/ladder.md.", "", "[cannot]"]
    lines += [f"{_key(one)} = {_text(one.reason)}" for one in tried if one.reason]
    lines += ["", "[tried]"]
    for one in tried:
        lines.append(
            f"{_key(one)} = {{ script = {_text(one.script)}, own = {one.own}, "
            f"called = {one.called} }}"
        )
    return "\n".join(lines) + "\n"


def _key(one: Tried) -> str:
    return _text(one.benchmark)


def _text(text: str) -> str:
    """A TOML string: those of JSON are."""
    return json.dumps(" ".join(text.split()))


def as_page(tried: Sequence[Tried], release: str) -> str:
    """docs/variants-*.md."""
    fit = scripts_that_can(tried)
    lines = [
        "# Which benchmarks can be compiled",
        "",
        f"Written by `patchbench study variants`, by trying each benchmark of {release}: it runs",
        "once under a profile; where a tenth of its time or more is in its own Python, its script",
        "is compiled unchanged with Cython, and its functions must return what they returned.",
        "",
        f"{len(fit)} scripts of {len({one.script for one in tried})} can be compiled.",
        "",
        "| benchmark | own Python | C that it calls | `--variant cython` |",
        "| --- | ---: | ---: | --- |",
    ]
    for one in tried:
        told = one.reason.replace("|", "\\|") if one.reason else "yes"
        lines.append(f"| {one.benchmark} | {_share(one.own)} | {_share(one.called)} | {told} |")
    return "\n".join(lines) + "\n"


def _share(share: float) -> str:
    return "" if share < 0 else f"{share:.0%}"
