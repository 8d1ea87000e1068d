"""Running a bundle's experiment again on this machine."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

from bench.context import Context
from bench.experiments import Document, experiment_from
from bench.jobs.bundle import report, reproduction
from bench.jobs.bundle.agreement import read_part
from bench.jobs.bundle.recipes import plan_of
from bench.jobs.bundle.reproduction import Wishes
from bench.jobs.bundle.verify import PLAN, archive_check, opened, refuse, unpacked_checks
from bench.results import Result
from bench.results import result as results
from bench.run import run as running
from bench.util import print_json, stdout_console
from builder.errors import EXIT_VERDICT, UsageError
from builder.files import guard_writes, sha256_of, write_atomically


def reproduce(
    context: Context, source: Path, *, out: Path | None, wishes: Wishes, as_json: bool
) -> int:
    """Run a bundle's experiment again on this machine, and set both results side by side.

    A bundle that does not verify is refused. The exit code is EXIT_VERDICT when the two results
    contradict each other, else that of the run.
    """
    with opened(source) as unpacked:
        checks = [archive_check(unpacked), *unpacked_checks(unpacked)]
        refuse(checks, "The bundle does not verify", source.name, unpacked.version)
        plan = plan_of(read_part(unpacked.folder / PLAN))
        before = results.read(unpacked.folder)
        content = reproduction.document(plan, unpacked.folder, wishes)
        asked = experiment_from(Document(content=content, file=source.name, folder=Path.cwd()))
        folder = out or Path("results") / f"{plan.name}-{plan.identity}-again"
        _refuse_the_same(folder, before)
        context.show.say("Its patches become programs that run here: read them if it is not yours.")
        # Its own report is no data of this command.
        with contextlib.redirect_stdout(sys.stderr):
            code = running.run(
                context, asked, out=folder, dry_run=False, fail_on=None, as_json=False
            )
    found = reproduction.side_by_side(before, results.read(folder))
    told = {"bundle": source.name, "sha256": sha256_of(source), **report.as_json(found)}
    with guard_writes(folder):
        write_atomically(folder / "reproduction.json", json.dumps(told, indent=1) + "\n")
    if as_json:
        print_json(told)
    else:
        report.show(found, stdout_console())
    return code or (0 if found.agrees else EXIT_VERDICT)


def _refuse_the_same(folder: Path, before: Result) -> None:
    """A folder that holds the bundle's own run would be set beside itself."""
    if (folder / results.FILE).exists():
        there = results.read(folder)
        if (there.when, there.session) == (before.when, before.session):
            raise UsageError(
                "The folder holds the very run that was bundled.",
                hint="Name another folder with --out.",
            )
