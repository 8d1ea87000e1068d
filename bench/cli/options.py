"""Options that several commands take."""

from __future__ import annotations

import argparse
from typing import Any

from bench.benchmarks import VARIANTS
from bench.cli import arguments as types
from bench.experiments import GATES, PROTOCOLS, UNTIL

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
        "type": types.whole(2, 1000),
        "metavar": "N",
        "help": "blocks a benchmark, at most",
    },
    "until": {"choices": UNTIL, "help": "stop when all is decided, or after the blocks"},
    "replicas": {
        "type": types.whole(1, 20),
        "metavar": "N",
        "help": "builds of each arm; default: 1",
    },
    "margin": {"type": types.number(0.0001, 0.5), "default": 0.01, "help": "default: 0.01 (1%%)"},
    "protocol": {"choices": PROTOCOLS, "help": "how a block's processes share the CPU"},
    "seed": {
        "type": types.whole(0, 2**32 - 1),
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
        "file", nargs="?", type=types.path, metavar="FILE", help="an experiment (TOML)"
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
        type=types.whole(0, 20),
        metavar="N",
        help="add N arms of which nothing but the layout differs from the base",
    )
    several(both, "protocol", "seed", "wheels")
