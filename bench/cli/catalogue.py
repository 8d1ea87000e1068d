"""The commands that `patchbench --help` lists, and the module of `bench/cli/commands` of each.

It stands apart from them, so that listing the commands imports none of them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CommandEntry:
    """A command's name, its module in this package, and a one-line description."""

    name: str
    module: str
    text: str


COMMANDS = tuple(
    CommandEntry(name=name, module=module, text=text)
    for name, module, text in (
        ("doctor", "inventory", "check this machine and how well it can measure"),
        ("sources", "inventory", "list the sources of CPython with their versions"),
        (
            "series",
            "inventory",
            "list the patch series with their verdicts, show one, or record the result of a run",
        ),
        ("builds", "inventory", "list the stored builds, or show the facts of one"),
        ("compare", "inventory", "compare two files of pyperf or pyperformance results"),
        ("gc", "inventory", "remove stored builds and runtimes that are not needed"),
        ("run", "run", "run an experiment: build, gate, measure, compare, report"),
        ("build", "run", "build the arms of an experiment without measuring them"),
        (
            "ladder",
            "ladder",
            "measure gotos, PGO, LTO, patches, compiled code and PyPy step by step",
        ),
        ("report", "report", "write the reports of results folders again"),
        (
            "calibrate",
            "calibrate",
            "measure the error of each protocol on this host, and choose the best",
        ),
        ("bundle", "bundle", "pack a run's patches, plan, raw data and reports into a file"),
        ("verify", "bundle", "recompute every figure of a bundle from its raw data"),
        ("reproduce", "bundle", "run a bundle's experiment again on this machine"),
        ("runtimes", "runtimes", "list other runtimes (PyPy, ...), install or remove one"),
        ("hot", "hot", "profile a program, compile its hot modules, and measure the difference"),
        (
            "nightly",
            "nightly",
            "measure every branch and flavor whose head moved, and report changes",
        ),
        (
            "history",
            "history",
            "import pyperf files into a history of nights, or export its nights",
        ),
        ("bisect", "bisect", "find the commit that made a benchmark faster or slower"),
        ("study", "study", "measure how often the verdicts are right; writes docs/validation.md"),
    )
)
"""In the order of `patchbench --help`."""
