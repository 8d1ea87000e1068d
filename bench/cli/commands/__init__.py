"""The commands: what `patchbench --help` lists, and the module that each is loaded from.

No command's module is imported before the command is asked for. Its `add_commands` adds the options
of every command that it has; the functions that run a command import the job that they call.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CommandEntry:
    """A command's name, its module in this package, and one line on what it does."""

    name: str
    module: str
    text: str


COMMANDS = tuple(
    CommandEntry(name=name, module=module, text=text)
    for name, module, text in (
        ("doctor", "inventory", "check this machine, and what it means for measuring"),
        ("sources", "inventory", "list where CPython can be had from, with versions"),
        (
            "series",
            "inventory",
            "list the series of patches with their verdicts, show one, or record a run's",
        ),
        ("builds", "inventory", "list the stored builds, or show the facts of one"),
        ("compare", "inventory", "compare two files of pyperf or pyperformance results"),
        ("gc", "inventory", "remove stored builds and runtimes that are not needed"),
        ("run", "run", "run an experiment: build, gate, measure, compare, report"),
        ("build", "run", "build the arms of an experiment, and stop there"),
        ("ladder", "ladder", "gotos, PGO, LTO, patches, compiled code, PyPy: step by step"),
        ("report", "report", "render the reports of results folders again"),
        (
            "calibrate",
            "calibrate",
            "measure how far off each protocol is on this host, and choose by it",
        ),
        ("bundle", "bundle", "pack a run's patches, plan, raw data and reports into a file"),
        ("verify", "bundle", "recompute every figure of a bundle from its raw data"),
        ("reproduce", "bundle", "run a bundle's experiment again on this machine"),
        ("runtimes", "runtimes", "list other runtimes (PyPy, ...), provide or remove one"),
        ("hot", "hot", "profile a program of yours, compile what is hot in it, and measure"),
        ("nightly", "nightly", "measure every branch and flavor whose head moved, and tell"),
        (
            "history",
            "history",
            "add files of pyperf to a history of nights, or export its nights",
        ),
        ("bisect", "bisect", "find the commit that made a benchmark faster or slower"),
        ("study", "study", "how often the verdicts are right: writes docs/validation.md"),
    )
)
"""In the order in which `patchbench --help` lists them."""

__all__ = [
    "COMMANDS",
    "CommandEntry",
]
