"""Results of any size, and with all that later versions added, made by drawing from a seed."""

from __future__ import annotations

import math
import random
from typing import Any

from tests.golden.specimen import specimen

MARGIN = 0.01


def big(
    *, benchmarks: int, blocks: int, arms: int = 5, replicas: int = 1, seed: int = 1
) -> dict[str, Any]:
    """A result of `arms` candidates, the last two of them an A/A arm and a placebo."""
    draw = random.Random(seed)
    content = specimen()
    first = content["candidates"][0]
    names = [f"bm_{number:03d}" for number in range(benchmarks)]
    kinds = [*["candidate"] * max(1, arms - 2), "aa", "placebo"][:arms]
    effects = {
        f"{kind}-{number}": [draw.gauss(-0.03, 0.05) if kind == "candidate" else 0.0 for _ in names]
        for number, kind in enumerate(kinds)
    }
    content["blocks"] = _blocks(draw, names, blocks, effects, replicas)
    content["candidates"] = [
        first
        | {"name": name, "title": f"3.13.5 plain + 3.13/{name}", "kind": kind, "missing": []}
        | _compared(name, names, content["blocks"], replicas)
        for kind, name in zip(kinds, effects, strict=True)
    ]
    content["session"] |= {
        "protocols": {name: ("lockstep", "corun")[index % 2] for index, name in enumerate(names)},
        "calibration": "calibrated on this host",
        "false_calls": {"called": 3, "of": 200, "upper": 0.043, "origin": "calibration"},
        "disturbance": {"disturbed": 9, "measured again": 7, "kept": 2},
        "until": "decided",
        "replicas": replicas,
    }
    content["placebo_band"] = {
        "suite": [0.996, 1.004],
        "benchmarks": {name: [0.985, 1.012] for name in names},
    }
    return content


def _blocks(
    draw: random.Random,
    names: list[str],
    blocks: int,
    effects: dict[str, list[float]],
    replicas: int,
) -> list[dict[str, Any]]:
    made = []
    for number in range(blocks):
        for index, name in enumerate(names):
            drift = 0.15 * math.sin(len(made) / (blocks * len(names)) * 9) + draw.gauss(0, 0.04)
            disturbed = draw.random() < 0.02
            time = 0.02 * (1 + index) * math.exp(drift + 0.2 * disturbed)
            means = {"base": time}
            for arm, sizes in effects.items():
                noise = draw.gauss(0, 0.06 if disturbed else 0.02)
                means[arm] = time * math.exp(sizes[index] + noise)
            made.append(
                {
                    "number": number,
                    "benchmark": name,
                    "means": means,
                    "positions": {arm: place for place, arm in enumerate(means)},
                    "seconds": 2.5,
                    "state": {"load": 1.0, "steal": 0.0},
                    "replica": number % replicas,
                    "protocol": "lockstep",
                    "disturbed": "steal: 12% of the time" if disturbed else "",
                }
            )
    return made


def _compared(
    arm: str, names: list[str], blocks: list[dict[str, Any]], replicas: int
) -> dict[str, Any]:
    logs: dict[str, list[float]] = {name: [] for name in names}
    for block in blocks:
        logs[block["benchmark"]].append(math.log(block["means"][arm] / block["means"]["base"]))
    rows = [
        {"benchmark": name, **_row(found, 3.5, replicas), "warnings": _warnings(index)}
        for index, (name, found) in enumerate(logs.items())
    ]
    everything = [one for found in logs.values() for one in found]
    suite = _row(everything, 2.0, replicas) | {"warnings": []}
    return {"comparisons": rows, "suite": suite, "suites": [], "verdict": suite["verdict"]}


def _row(logs: list[float], factor: float, replicas: int) -> dict[str, Any]:
    mean = sum(logs) / len(logs)
    deviation = math.sqrt(sum((one - mean) ** 2 for one in logs) / max(1, len(logs) - 1))
    error = deviation / math.sqrt(len(logs))
    low, high = math.exp(mean - factor * error), math.exp(mean + factor * error)
    return {
        "metric": "time",
        "ratio": math.exp(mean),
        "low": low,
        "high": high,
        "low95": math.exp(mean - 2 * error),
        "high95": math.exp(mean + 2 * error),
        "verdict": _verdict(low, high),
        "blocks": len(logs),
        "builds": replicas,
    }


def _verdict(low: float, high: float) -> str:
    if low > 1 / (1 + MARGIN) and high < 1 + MARGIN:
        return "equivalent"
    return "faster" if high < 1 else "slower" if low > 1 else "undecided"


def _warnings(index: int) -> list[str]:
    return ["outlying-blocks: 3 of 60 blocks lie far out"] if index % 17 == 0 else []
