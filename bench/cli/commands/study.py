"""study: how often the verdicts are right, by measurement, simulation and recorded results."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli import arguments
from bench.cli.common import Add
from bench.cli.options import option
from builder.errors import UsageError

if TYPE_CHECKING:
    from bench.context import Context
    from bench.jobs.study import study

_STUDIES = {
    "recorded": "split recorded results of one binary",
    "simulated": "simulate sessions whose true ratios are known",
    "real": "measure a binary against itself, and compare with pyperformance",
    "record": "record a binary, for `recorded` to split",
    "variants": "compile the Python of every benchmark and write docs/variants-*.md with data",
    "page": "write the page again from validation.json",
    "change-points": "simulate nights, and count false and missed change points",
}
# The studies that accept each option; options that all accept are not listed.
_STUDIES_OF_OPTION = {
    "data": ("recorded",),
    "base": ("real", "record", "variants"),
    "source": ("real", "record", "variants"),
    "benchmarks": ("real", "record", "variants"),
    "wheels": ("real", "record", "variants"),
    "processes": ("record",),
    "results": ("real",),
    "pairs": ("real",),
    "comparisons": ("real",),
    "slowdown": ("real",),
    "small": ("recorded", "simulated", "real", "change-points"),
    "seed": ("recorded", "simulated", "real", "change-points"),
    "json": ("change-points",),
}


def add_commands(add: Add) -> None:
    """Add the command of this module."""
    parser = add("study", _study)
    descriptions = "; ".join(f"{name}: {text}" for name, text in _STUDIES.items())
    parser.add_argument("which", choices=tuple(_STUDIES), metavar="STUDY", help=descriptions)
    parser.add_argument(
        "--out",
        type=arguments.path,
        metavar="DIR",
        help="folder of validation.json and validation.md; default: docs/ of the checkout. record: "
        "the file to write; change-points: a folder for change-points.json",
    )
    parser.add_argument(
        "--small", action="store_true", default=None, help="a very small study, to try it out"
    )
    option(parser, "seed", help="seed of all random choices; default: 1")
    parser.add_argument(
        "--data",
        type=arguments.path,
        metavar="DIR",
        help="recorded: pyperf results to split as well",
    )
    parser.add_argument(
        "--json", action="store_true", default=None, help="change-points: print the data as JSON"
    )
    _measuring_options(parser)


def _measuring_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("real and record")
    group.add_argument(
        "--base",
        type=arguments.nonempty,
        metavar="REV",
        help="a branch, tag or commit, or the key of a stored build",
    )
    option(group, "source")
    group.add_argument(
        "--benchmarks",
        type=arguments.nonempty,
        metavar="NAMES",
        help="names and tags, separated by commas",
    )
    option(group, "wheels")
    group.add_argument(
        "--processes",
        type=arguments.integer(4, 1000),
        metavar="N",
        help="record: processes of each benchmark; default: 40",
    )
    group.add_argument(
        "--results",
        type=arguments.path,
        metavar="DIR",
        help="real: folder for the measurements; default: results/study",
    )
    group.add_argument(
        "--pairs",
        type=arguments.integer(0, 100),
        metavar="N",
        help="real: comparisons by both patchbench and pyperformance; default: 3",
    )
    group.add_argument(
        "--comparisons",
        type=arguments.integer(0, 10**6),
        metavar="N",
        help="real: comparisons by patchbench only; default: 300",
    )
    group.add_argument(
        "--slowdown", type=arguments.path, metavar="DIR", help="real: results of a known slowdown"
    )


def _study(context: Context, options: argparse.Namespace) -> int:
    _refuse_others(options)
    functions: dict[str, Callable[[Context, argparse.Namespace], int]] = {
        "recorded": _recorded,
        "simulated": _simulated,
        "real": _real,
        "record": _record,
        "variants": _variants,
        "page": _page,
        "change-points": _change_points,
    }
    return functions[options.which](context, options)


def _refuse_others(options: argparse.Namespace) -> None:
    for name, studies in _STUDIES_OF_OPTION.items():
        if getattr(options, name) is not None and options.which not in studies:
            raise UsageError(
                f"--{name} has no effect on `study {options.which}`.",
                hint=f"It is for `study {'` and `study '.join(studies)}`.",
            )


def _request(options: argparse.Namespace) -> study.StudyRequest:
    from bench.jobs.study import study

    seed = 1 if options.seed is None else options.seed
    return study.StudyRequest(out=options.out, small=bool(options.small), seed=seed)


def _recorded(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.study import study

    return study.of_recorded(context, _request(options), data=options.data)


def _simulated(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.study import study

    return study.of_simulated(context, _request(options))


def _page(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.study import study

    return study.write_page(context, _request(options))


def _real(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.study import real, study

    request = _request(options)
    study_request = real.RealStudyRequest(
        out=options.results or Path("results/study"),
        base=options.base or "",
        source=options.source or "",
        words=_words(options),
        pairs=3 if options.pairs is None else options.pairs,
        comparisons=300 if options.comparisons is None else options.comparisons,
        slowdown=options.slowdown,
        seed=request.seed,
        wheels=options.wheels or "",
    )
    return study.of_real(context, request, study_request)


def _record(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.study import record, study

    if options.out is None:
        raise UsageError(
            "`study record` needs --out FILE.",
            hint=f"{study.RECORDINGS}/NAME.json.gz is where `study recorded` looks.",
        )
    study_request = record.RecordingRequest(
        out=options.out,
        base=options.base or "",
        source=options.source or "",
        words=_words(options),
        processes=options.processes or 40,
        wheels=options.wheels or "",
    )
    return record.record(context, study_request)


def _variants(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.study import variants

    study_request = variants.VariantsRequest(
        base=options.base or "",
        source=options.source or "",
        words=_words(options),
        wheels=options.wheels or "",
    )
    return variants.study(context, study_request, out=options.out)


def _change_points(context: Context, options: argparse.Namespace) -> int:
    from bench.jobs.study import change_points

    request = _request(options)
    study_request = change_points.ChangePointsRequest(
        out=request.out, small=request.small, seed=request.seed
    )
    return change_points.study(context, study_request, as_json=bool(options.json))


def _words(options: argparse.Namespace) -> tuple[str, ...]:
    return (options.benchmarks,) if options.benchmarks else ()
