"""What a user's program gives as it is, and whether it still does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.jobs.hot.analysis import difference
from bench.jobs.hot.profile import ProfiledCommand, Programs, Ran, refuse_failure
from builder.errors import DifferentError, MeasureError

Arm = Mapping[str, tuple[Path, Path]]
"""The compiled modules of an arm by name: the compiled file, and its source. Empty: the base."""

# Hash seeds of the runs that only look; measured ones draw theirs.
SEED = 1
_OTHER_SEED = 2


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What the program gives as it is. `any_seed`: whatever the hash seed."""

    ran: Ran
    any_seed: bool
    warnings: tuple[str, ...]


def observe(program: ProfiledCommand, programs: Programs) -> Reference:
    """Run it as it is, by itself and under our hands, with another hash seed.

    Raises MeasureError when it fails, tells no times, does not do the same twice or does something
    else under our hands: then nothing can be proved to be the same.
    """
    first = programs.plain(SEED)
    refuse_failure(program, first)
    warnings = []
    if not programs.looks:
        warnings.append(
            "files-not-seen: the folder has so many files that those which it writes are not "
            "looked for; name them with --file"
        )
    other = programs.run(_OTHER_SEED)
    any_seed = not difference(first.outcome, other.outcome)
    if not any_seed:
        other = programs.run(SEED)
        differs = difference(first.outcome, other.outcome)
        if differs:
            raise _why(first, programs.plain(SEED), differs)
        warnings.append(
            "hash-seed: what it does depends on the hash seed; measured with one seed alone"
        )
    if other.cost is None:
        raise MeasureError(
            "The program ends without its interpreter's own end, so that it tells no times.",
            where=str(program.script),
            hint="os._exit and a signal do that: let it return.",
        )
    return Reference(ran=other, any_seed=any_seed, warnings=tuple(warnings))


def check(reference: Reference, ran: Ran, arm: Arm) -> None:
    """Raises DifferentError when a compiled program does something else than it does as it is."""
    differs = difference(reference.ran.outcome, ran.outcome)
    if differs and not arm:
        raise _not_twice(differs)
    if differs:
        raise DifferentError(
            f"Compiled ({', '.join(arm)}), the program does something else.",
            where=differs,
            hint="Compile fewer with --modules; what differs shows where the program relies on "
            "being interpreted.",
        )
    if ran.cost is None:
        raise MeasureError("A run ended without telling its times.", where=str(ran.report))


def proved(reference: Reference) -> dict[str, Any]:
    """What was the same in every run: for a document."""
    outcome = reference.ran.outcome
    return {
        "status": outcome.status,
        "stdout": len(outcome.stdout),
        "stderr": len(outcome.stderr),
        "files": dict(outcome.files),
    }


def _not_twice(differs: str) -> MeasureError:
    return MeasureError(
        "The program does not do the same twice, so that nothing can be proved.",
        where=differs,
        hint="Fix its seed, its time and where it writes; or give it other arguments.",
    )


def _why(first: Ran, again: Ran, differs: str) -> MeasureError:
    """What to say of a program that differs under our hands from a run by itself: by itself it may
    differ as well.
    """
    by_itself = difference(first.outcome, again.outcome)
    if by_itself:
        return _not_twice(by_itself)
    return MeasureError(
        "The program does something else when patchbench runs it, so that nothing can be proved.",
        where=differs,
        hint="By itself it does the same twice, but it can see what runs it. Let it not look at "
        "the frames below its own (inspect.stack), at what is imported already (sys.modules), or "
        "at its handlers of signals.",
    )
