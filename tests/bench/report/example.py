"""A small result.json as a report is given it, with names that can be made hostile."""

from __future__ import annotations

from typing import Any


def _comparison(benchmark: str, ratio: float, verdict: str, **more: Any) -> dict[str, Any]:
    return {
        "benchmark": benchmark,
        "metric": "time",
        "ratio": ratio,
        "low": ratio * 0.99,
        "high": ratio * 1.01,
        "low95": ratio * 0.995,
        "high95": ratio * 1.005,
        "verdict": verdict,
        "blocks": 12,
        "builds": 1,
        "warnings": ["one-build: speaks of these two binaries only"],
    } | more


def _arm(name: str, jumps: int) -> dict[str, Any]:
    return {
        "name": name,
        "title": f"2.7.18 plain {name}",
        "revision": {"version": "2.7.18", "commit": "d" * 40},
        "series": [],
        "flavor": {"name": "plain"},
        "warnings": [],
        "build": {
            "key": "0123456789abcdef",
            "stages": [],
            "regenerated": [],
            "facts": {
                "compiler": "GNU C17 12.2.0",
                "computed_gotos": True,
                "indirect_jumps": jumps,
                "eval_bytes": 31533,
                "eval_function": "PyEval_EvalFrameEx",
                "pgo": False,
                "lto": False,
                "config": {"CONFIG_ARGS": "--prefix=PREFIX"},
            },
        },
    }


def result(
    name: str = "fast-paths", benchmark: str = "nbody", word: str = "some"
) -> dict[str, Any]:
    """A base and one candidate. `name` is the candidate's, `word` stands wherever text may."""
    suite = _comparison("", 0.9142, "faster")
    del suite["benchmark"]
    candidate = _arm(name, 203) | {
        "verdict": "faster",
        "broken": "",
        "gate": {
            "selection": "core",
            "tests": 62,
            "broken": [],
            "flaky": [word],
            "base_failed": [],
        },
        "differences": [
            {"fact": "indirect jumps", "base": "93", "candidate": "203", "asked": True}
        ],
        "margin": 0.01,
        "error": 0.05,
        "method": "Student's t",
        "comparisons": [
            _comparison(benchmark, 0.7074, "faster"),
            _comparison("richards", 1.02, "slower", low=None, high=None),
        ],
        "suite": suite,
        "suites": [],
        "missing": [{"benchmark": "go", "reason": word}],
        "warnings": [word],
    }
    return {
        "schema": 1,
        "patchbench": "0.1.0",
        "when": "2026-11-22T20:00:00+00:00",
        "experiment": {"name": word},
        "host": {
            "cpu": word,
            "cpus": 2,
            "hypervisor": "",
            "os": "Debian GNU/Linux 12",
            "kernel": "6.1",
            "libc": "glibc 2.36",
            "aslr": 2,
            "turbo": None,
            "smt": False,
        },
        "session": {
            "suite": "pyperformance 0.9.1",
            "protocol": "lockstep",
            "seed": 7,
            "margin": 0.01,
            "seconds": 240.0,
            "busy_seconds": 235.0,
        },
        "base": _arm("base", 93),
        "candidates": [candidate],
        "blocks": [],
        "warnings": [],
        "commands": [f"patchbench run {word} --seed 7"],
    }


# Text that would do something, if a format let it.
HOSTILE = (
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "a | b\n| --- | injected |",
    "```\n# heading",
    "@everyone #1 ![x](y)",
    "\x1b[31mred\x1b[0m\x07\x9b2J",
    "[bold]markup[/bold] [link=x]y[/link]",
    "__init__ *and* ~~strike~~ $math$",
)
