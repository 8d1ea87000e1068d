"""The output of a user's program uncompiled, and checks that compiled runs give the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.jobs.hot.analysis import difference
from bench.jobs.hot.profile import ProfiledCommand, ProgramRun, ProgramRunner, refuse_failure
from builder.errors import DifferentError, MeasureError

Arm = Mapping[str, tuple[Path, Path]]
"""The compiled modules of an arm by name: the compiled file, and its source. Empty: the base."""

# Hash seeds of the runs before measuring; measured runs have random ones.
SEED = 1
_OTHER_SEED = 2


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The uncompiled run. `any_seed`: its output does not depend on the hash seed."""

    ran: ProgramRun
    any_seed: bool
    warnings: tuple[str, ...]


def observe(program: ProfiledCommand, programs: ProgramRunner) -> Reference:
    """Run the uncompiled program: directly, and through run_program.py with another hash seed.

    Raises MeasureError if it fails, reports no times, or if two runs differ: then no equality can
    be checked.
    """
    first = programs.run_directly(SEED)
    refuse_failure(program, first)
    warnings = []
    if not programs.can_scan:
        warnings.append(
            "files-not-seen: the folder has too many files to look for those that the program "
            "writes; name them with --file"
        )
    other = programs.run(_OTHER_SEED)
    any_seed = not difference(first.outcome, other.outcome)
    if not any_seed:
        other = programs.run(SEED)
        differences = difference(first.outcome, other.outcome)
        if differences:
            raise _unequal(first, programs.run_directly(SEED), differences)
        warnings.append(
            "hash-seed: the output depends on the hash seed; measured with one seed only"
        )
    if other.cost is None:
        raise MeasureError(
            "The program ends without shutting down its interpreter, so there are no times.",
            where=str(program.script),
            hint="os._exit and signals do that: let the program return.",
        )
    return Reference(ran=other, any_seed=any_seed, warnings=tuple(warnings))


def check(reference: Reference, ran: ProgramRun, arm: Arm) -> None:
    """Raise DifferentError if a compiled run differs from the reference."""
    differences = difference(reference.ran.outcome, ran.outcome)
    if differences and not arm:
        raise _not_repeatable(differences)
    if differences:
        raise DifferentError(
            f"Compiled ({', '.join(arm)}), the program behaves differently.",
            where=differences,
            hint="Compile fewer modules with --modules. The difference shows where the program "
            "relies on being interpreted.",
        )
    if ran.cost is None:
        raise MeasureError("A run ended without reporting its times.", where=str(ran.report))


def common_output(reference: Reference) -> dict[str, Any]:
    """The output that all runs have in common, for the document."""
    outcome = reference.ran.outcome
    return {
        "status": outcome.status,
        "stdout": len(outcome.stdout),
        "stderr": len(outcome.stderr),
        "files": dict(outcome.files),
    }


def _not_repeatable(differences: str) -> MeasureError:
    return MeasureError(
        "Two runs of the program differ, so that no equality can be checked.",
        where=differences,
        hint="Fix its seed, its time and where it writes; or give it other arguments.",
    )


def _unequal(first: ProgramRun, again: ProgramRun, differences: str) -> MeasureError:
    """The error for a program whose run by patchbench differs from a direct one: `again` is another
    direct run, which may differ as well.
    """
    direct = difference(first.outcome, again.outcome)
    if direct:
        return _not_repeatable(direct)
    return MeasureError(
        "The program behaves differently when patchbench runs it: no equality can be checked.",
        where=differences,
        hint="Its direct runs are equal, so it depends on what runs it. It must not look at the "
        "frames below its own (inspect.stack), at the modules imported before (sys.modules), or "
        "at its signal handlers.",
    )
