"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bench.benchmarks import VARIANTS
from bench.cli import arguments
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

_OPTIONS: dict[str, dict[str, Any]] = {
    "series": {
        "action": "append",
        "default": [],
        "type": arguments.nonempty,
        "metavar": "BRANCH/NAME",
        "help": "a series in patches/; may be repeated",
    },
    "source": {
        "type": arguments.nonempty,
        "metavar": "WHERE",
        "help": "where CPython comes from: git, debian, a URL or a path",
    },
    "gate": {"choices": GATES, "help": "tests to pass before any timing; default: core"},
    "budget": {
        "type": arguments.duration,
        "metavar": "TIME",
        "help": "longest time for the timing part: 90s, 10m, 2h",
    },
    "blocks": {
        "type": arguments.integer(*whole_range("blocks")),
        "metavar": "N",
        "help": "largest number of blocks per benchmark",
    },
    "until": {
        "choices": choices_of("until"),
        "help": "stop when every benchmark is decided, or after all blocks",
    },
    "replicas": {
        "type": arguments.integer(*whole_range("replicas")),
        "metavar": "N",
        "help": "number of builds of each arm; default: 1",
    },
    "margin": {
        "type": arguments.number(*number_range("margin")),
        "default": 0.01,
        "help": "difference that counts as none; default: 0.01 (1%%)",
    },
    "protocol": {
        "choices": choices_of("protocol"),
        "help": "how the processes of a block share the CPU",
    },
    "seed": {
        "type": arguments.integer(*whole_range("seed")),
        "metavar": "N",
        "help": "seed of all random choices",
    },
    "wheels": {
        "type": arguments.nonempty,
        "metavar": "DIR",
        "help": "install requirements from this folder only",
    },
}


def option(group: argparse._ActionsContainer, name: str, **changed: Any) -> None:
    """Add a shared option; `changed` replaces arguments of add_argument, such as its default."""
    group.add_argument(f"--{name}", **{**_OPTIONS[name], **changed})


def several(group: argparse._ActionsContainer, *names: str) -> None:
    """Add several shared options, in this order."""
    for name in names:
        option(group, name)


def experiment_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of an experiment: a file, or the keys of one, and changes to it."""
    parser.add_argument(
        "file",
        nargs="?",
        type=arguments.path,
        metavar="FILE",
        help="an experiment file (TOML), or the name of an included one: quickstart",
    )
    arms = parser.add_argument_group("instead of a file")
    arms.add_argument(
        "--base", type=arguments.nonempty, metavar="REV", help="branch, tag or commit of the base"
    )
    arms.add_argument(
        "--patch",
        action="extend",
        nargs="+",
        default=[],
        type=arguments.nonempty,
        metavar="FILE",
        help="a diff, - for stdin; several are applied in this order; may be repeated",
    )
    option(arms, "series")
    arms.add_argument(
        "--candidate",
        type=arguments.nonempty,
        metavar="REV",
        help="branch, tag or commit of a candidate; without --base: against where it branched off",
    )
    arms.add_argument(
        "--worktree",
        action="store_true",
        help="the work tree of --source PATH as the candidate, uncommitted changes included; "
        "default of --base then: its HEAD",
    )
    arms.add_argument(
        "--variant",
        choices=VARIANTS,
        help="run compiled code: the benchmarks' Python unchanged, with types, or written by hand",
    )
    arms.add_argument(
        "--runtime",
        type=arguments.nonempty,
        metavar="NAME",
        help="another Python as a candidate: a name or a path",
    )
    option(arms, "source")
    arms.add_argument("--pgo", action="store_true", help="build all arms with PGO")
    arms.add_argument("--lto", action="store_true", help="build all arms with LTO")
    _flavor_options(arms)
    both = parser.add_argument_group("changes to the experiment")
    both.add_argument(
        "--suite",
        type=arguments.suite,
        metavar="NAMES",
        help="quick, core, full, or names and tags, separated by commas; repeated ones add up",
    )
    several(both, "gate", "budget", "blocks", "until", "replicas")
    # None when not given: an experiment file may set it.
    both.add_argument(
        "--aa", action="store_true", default=None, help="add an A/A arm: the base against itself"
    )
    both.add_argument(
        "--placebos",
        type=arguments.integer(*whole_range("placebos")),
        metavar="N",
        help="add N arms that differ from the base only in layout",
    )
    several(both, "protocol", "seed", "wheels")


def _flavor_options(group: argparse._ActionsContainer) -> None:
    """Add the rarer options of a flavor; the texts of all of them may be repeated."""
    group.add_argument(
        "--thin-lto", action="store_true", help="build all arms with clang's thin LTO"
    )
    group.add_argument("--bolt", action="store_true", help="optimize all builds with LLVM's BOLT")
    group.add_argument(
        "--cc", type=arguments.nonempty, metavar="PROGRAM", help="compiler of all arms"
    )
    texts = {
        "configure": ("OPTION", "of configure for all arms: --configure=--disable-gil"),
        "configure-var": ("NAME=VALUE", "variable of configure for all arms: LLVM_PROFDATA=..."),
        "build-env": ("NAME=VALUE", "environment variable of all builds"),
        "run-env": ("NAME=VALUE", "environment variable of the measured processes of all arms"),
        "try-env": (
            "NAME=VALUE",
            "the same for the candidate alone, another arm of the same build: PYTHON_JIT=1",
        ),
    }
    for name, (metavar, text) in texts.items():
        group.add_argument(
            f"--{name}",
            action="append",
            default=[],
            metavar=metavar,
            help=f"{text}; may be repeated",
        )


def experiment_request(options: argparse.Namespace) -> ExperimentRequest:
    """Return the request that the options of `experiment_options` describe."""
    return ExperimentRequest(
        file=options.file,
        base=options.base or "",
        candidate=options.candidate or "",
        patches=tuple(options.patch),
        series=tuple(options.series),
        variant=options.variant or "",
        runtime=options.runtime or "",
        worktree=options.worktree,
        source=options.source or "",
        pgo=options.pgo,
        lto=options.lto,
        thin_lto=options.thin_lto,
        bolt=options.bolt,
        cc=options.cc or "",
        configure=tuple(options.configure),
        configure_variables=tuple(options.configure_var),
        build_environment=tuple(options.build_env),
        run_environment=tuple(options.run_env),
        candidate_environment=tuple(options.try_env),
        changes=condition_changes(options),
    )


def condition_changes(options: argparse.Namespace) -> ConditionChanges:
    """The changes to suite, gate, wheels and session; a command need not have all these options."""
    names = vars(SessionChanges())
    values = {name: getattr(options, name, None) for name in names}
    budget = values["budget"]
    session = SessionChanges(**values | {"budget": seconds_of(budget) if budget else None})
    return ConditionChanges(
        suite=tuple(options.suite or ()),
        gate=options.gate or "",
        wheels=str(Path(options.wheels).resolve()) if options.wheels else "",
        session=session,
    )
