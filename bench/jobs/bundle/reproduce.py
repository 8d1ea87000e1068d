"""Run a bundle's experiment again on this machine."""

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
from bench.jobs.bundle.reproduction import PlanOverrides
from bench.jobs.bundle.verify import PLAN, archive_check, opened, refuse, unpacked_checks
from bench.results import FILE, Result, read
from bench.run import run
from bench.util import print_json, stdout_console
from builder.errors import EXIT_VERDICT, UsageError
from builder.files import guard_writes, sha256_of, write_atomically


def reproduce(
    context: Context, source: Path, *, out: Path | None, overrides: PlanOverrides, as_json: bool
) -> int:
    """Run a bundle's experiment again on this machine, and compare both results.

    Raises VerifyError for a bundle that does not verify. The exit code is EXIT_VERDICT when the two
    results contradict each other, else that of the run.
    """
    with opened(source) as unpacked:
        checks = [archive_check(unpacked), *unpacked_checks(unpacked)]
        refuse(checks, "The bundle does not verify", source.name, unpacked.version)
        plan = plan_of(read_part(unpacked.folder / PLAN))
        before = read(unpacked.folder)
        content = reproduction.document(plan, unpacked.folder, overrides)
        experiment = experiment_from(Document(content=content, file=source.name, folder=Path.cwd()))
        folder = out or Path("results") / f"{plan.name}-{plan.identity}-again"
        _refuse_same_run(folder, before)
        context.show.say(
            "The bundle's patches are built and run on this machine: read them first if the bundle "
            "is not yours."
        )
        # The run's own report is not this command's output.
        with contextlib.redirect_stdout(sys.stderr):
            code = run.run(
                context, experiment, out=folder, dry_run=False, fail_on=None, as_json=False
            )
    comparison = reproduction.side_by_side(before, read(folder))
    document = {"bundle": source.name, "sha256": sha256_of(source), **report.as_json(comparison)}
    with guard_writes(folder):
        write_atomically(folder / "reproduction.json", json.dumps(document, indent=1) + "\n")
    if as_json:
        print_json(document)
    else:
        report.show(comparison, stdout_console())
    return code or (0 if comparison.agrees else EXIT_VERDICT)


def _refuse_same_run(folder: Path, before: Result) -> None:
    """Raise UsageError if the folder holds the bundled run: it would be compared with itself."""
    if (folder / FILE).exists():
        result = read(folder)
        if (result.when, result.session) == (before.when, before.session):
            raise UsageError(
                "The folder holds the same run that was bundled.",
                hint="Name another folder with --out.",
            )
