"""history: import nights from other programs, and export them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bench.cli import arguments
from bench.cli.common import Add, json_option
from builder.errors import UsageError

if TYPE_CHECKING:
    from bench.context import Context

_IMPORT, _EXPORT = "import", "export"
# The formats of `bench.history.exchange`, which is not imported here because it loads SQLAlchemy.
_FORMATS = ("jsonl", "csv")


def add_commands(add: Add) -> None:
    """Add the command of this module."""
    parser = add("history", _history)
    parser.add_argument(
        "action",
        choices=(_IMPORT, _EXPORT),
        metavar="import|export",
        help="import: add nights from pyperf files; export: write nights to a file",
    )
    parser.add_argument(
        "where",
        type=arguments.nonempty,
        metavar="HISTORY",
        help="a file, or postgresql://USER@HOST/DATABASE",
    )
    parser.add_argument(
        "places",
        nargs="*",
        type=arguments.path,
        metavar="PATH",
        help="import: pyperf files (.json, .json.gz), folders of them, or an export (.jsonl)",
    )
    _which(parser.add_argument_group("which nights"))
    writing = parser.add_argument_group("export")
    writing.add_argument(
        "--format",
        choices=_FORMATS,
        help="jsonl (default): one line per night, can be imported again; csv: one line per "
        "benchmark and night",
    )
    writing.add_argument(
        "--out", type=arguments.path, metavar="FILE", help="file to write; default: stdout"
    )
    json_option(parser)


def _which(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--host",
        type=arguments.nonempty,
        help="import: host of these files, instead of the recorded one; export: only this host",
    )
    group.add_argument("--branch", type=arguments.nonempty, help="like --host, for the branch")
    group.add_argument("--flavor", type=arguments.nonempty, help="like --host, for the flavor")
    group.add_argument(
        "--date",
        type=arguments.day,
        metavar="YYYY-MM-DD",
        help="import: date of a single file, instead of the recorded one",
    )


def _history(context: Context, options: argparse.Namespace) -> int:
    return _import(context, options) if options.action == _IMPORT else _export(context, options)


def _import(context: Context, options: argparse.Namespace) -> int:
    from bench.history import HistoryImport, exchange

    if options.format or options.out:
        raise UsageError("--format and --out go with `history export`.", hint="Leave them out.")
    if not options.places:
        raise UsageError(
            "There is no path to import from.",
            hint="patchbench history import HISTORY PATH...: pyperf files, or folders of them.",
        )
    request = HistoryImport(
        where=options.where,
        places=tuple(options.places),
        host=options.host or "",
        branch=options.branch or "",
        flavor=options.flavor or "",
        day=options.date,
    )
    return exchange.import_nights(context, request, as_json=options.json)


def _export(context: Context, options: argparse.Namespace) -> int:
    from bench.history import HistoryExport, exchange

    if options.places or options.date:
        raise UsageError(
            "Paths and --date go with `history import`.",
            hint="patchbench history export HISTORY --out FILE",
        )
    request = HistoryExport(
        where=options.where,
        format=options.format or _FORMATS[0],
        out=options.out,
        host=options.host or "",
        branch=options.branch or "",
        flavor=options.flavor or "",
    )
    return exchange.export_nights(context, request, as_json=options.json)
