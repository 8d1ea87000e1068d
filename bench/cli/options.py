"""Options that several commands take."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bench.benchmarks import VARIANTS
from bench.cli import arguments as types
from bench.experiments import (
    GATES,
    ConditionChanges,
    ExperimentRequest,
    SessionChanges,
    choices_of,
    number_range,
    whole_range,
)
from bench.util import seconds_of

_KNOWN: dict[str, dict[str, Any]] = {
    "series": {
        "action": "append",
        "default": [],
        "type": types.filled,
        "metavar": "BRANCH/NAME",
        "help": "of patches/; again for more",
    },
    "source": {"type": types.filled, "metavar": "WHERE", "help": "git, debian, a URL or a path"},
    "gate": {"choices": GATES, "help": "tests before any timing; default: core"},
    "budget": {
        "type": types.duration,
        "metavar": "TIME",
        "help": "of the timing part: 90s, 10m, 2h",
    },
    "blocks": {
        "type": types.whole(*whole_range("blocks")),
        "metavar": "N",
        "help": "blocks a benchmark, at most",
    },
    "until": {
        "choices": choices_of("until"),
        "help": "stop when all is decided, or after the blocks",
    },
    "replicas": {
        "type": types.whole(*whole_range("replicas")),
        "metavar": "N",
        "help": "builds of each arm; default: 1",
    },
    "margin": {
        "type": types.number(*number_range("margin")),
        "default": 0.01,
        "help": "default: 0.01 (1%%)",
    },
    "protocol": {
        "choices": choices_of("protocol"),
        "help": "how a block's processes share the CPU",
    },
    "seed": {
        "type": types.whole(*whole_range("seed")),
        "metavar": "N",
        "help": "of all that is drawn",
    },
    "wheels": {
        "type": types.filled,
        "metavar": "DIR",
        "help": "install requirements from this folder alone",
    },
}


def option(group: argparse._ActionsContainer, name: str, **changed: Any) -> None:
    """An option that is the same wherever it is taken, but for what is `changed` (its default)."""
    group.add_argument(f"--{name}", **{**_KNOWN[name], **changed})


def several(group: argparse._ActionsContainer, *names: str) -> None:
    """Several of them, in this order."""
    for name in names:
        option(group, name)


def experiment_options(parser: argparse.ArgumentParser) -> None:
    """An experiment: a file, or what one would say, and changes to it."""
    parser.add_argument(
        "file",
        nargs="?",
        type=types.path,
        metavar="FILE",
        help="an experiment (TOML), or the name of a ready one: quickstart",
    )
    arms = parser.add_argument_group("instead of a file")
    arms.add_argument("--base", type=types.filled, metavar="REV", help="a branch, tag or commit")
    arms.add_argument(
        "--patch",
        action="append",
        default=[],
        type=types.filled,
        metavar="FILE",
        help="a diff, - for stdin; again for more",
    )
    option(arms, "series")
    arms.add_argument(
        "--candidate", type=types.filled, metavar="REV", help="a branch or commit of the source"
    )
    arms.add_argument(
        "--variant",
        choices=VARIANTS,
        help="run compiled code: the benchmarks' own Python unchanged, with types, or by hand",
    )
    arms.add_argument(
        "--runtime", type=types.filled, metavar="NAME", help="another Python: a name or a path"
    )
    option(arms, "source")
    arms.add_argument("--pgo", action="store_true", help="all arms with PGO")
    arms.add_argument("--lto", action="store_true", help="all arms with LTO")
    both = parser.add_argument_group("changes to the experiment")
    both.add_argument(
        "--suite",
        type=types.names,
        metavar="NAMES",
        help="quick, core, full, or names and tags, with ,",
    )
    several(both, "gate", "budget", "blocks", "until", "replicas")
    # None where it is not given: a file may ask for it.
    both.add_argument(
        "--aa", action="store_true", default=None, help="add an arm: the base against itself"
    )
    both.add_argument(
        "--placebos",
        type=types.whole(*whole_range("placebos")),
        metavar="N",
        help="add N arms of which nothing but the layout differs from the base",
    )
    several(both, "protocol", "seed", "wheels")


def experiment_request(options: argparse.Namespace) -> ExperimentRequest:
    """What `experiment_options` were given."""
    return ExperimentRequest(
        file=options.file,
        base=options.base or "",
        candidate=options.candidate or "",
        patches=tuple(options.patch),
        series=tuple(options.series),
        variant=options.variant or "",
        runtime=options.runtime or "",
        source=options.source or "",
        pgo=options.pgo,
        lto=options.lto,
        changes=condition_changes(options),
    )


def condition_changes(options: argparse.Namespace) -> ConditionChanges:
    """What the options say of suite, gate, wheels and session; a command need not have them all."""
    names = vars(SessionChanges())
    given = {name: getattr(options, name, None) for name in names}
    budget = given["budget"]
    session = SessionChanges(**given | {"budget": seconds_of(budget) if budget else None})
    return ConditionChanges(
        suite=tuple(options.suite or ()),
        gate=options.gate or "",
        wheels=str(Path(options.wheels).resolve()) if options.wheels else "",
        session=session,
    )
