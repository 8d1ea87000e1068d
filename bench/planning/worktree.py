"""Work trees in a run: as a candidate, or left out with a line that says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bench.experiments import PlannedArm
from builder.errors import SourceError
from builder.patches import Series, adhoc
from builder.sources import Revision, Snapshot, Source, snapshot, uncommitted

_OFFER = "`patchbench run --worktree` measures them."


class WorkTrees:
    """The snapshots of a run: each source's is taken once, so that all arms see the same files."""

    def __init__(self) -> None:
        self._taken: dict[int, Snapshot] = {}

    def of(self, source: Source) -> Snapshot:
        """The snapshot of a source's work tree. Raises the errors of `snapshot`."""
        if id(source) not in self._taken:
            self._taken[id(source)] = snapshot(source)
        return self._taken[id(source)]

    def remarks(self, arms: Iterable[PlannedArm], base: Revision | None) -> tuple[str, ...]:
        """Lines for the plan: what each measured work tree is, and what it leaves out."""
        names = {arm.worktree["tree"]: arm.name for arm in arms if arm.worktree is not None}
        lines: list[str] = []
        for taken in self._taken.values():
            against = "" if base is None else f", base = {_base(base, taken)}"
            lines.append(f"{names.get(taken.tree, 'candidate')} = {taken.title}{against}")
            lines.extend(f"{note}." for note in taken.notes)
        return tuple(lines)

    def notices(self, sources: Iterable[Source]) -> dict[str, str]:
        """Lines on uncommitted changes that no arm measures, by the commit at their HEAD."""
        lines: dict[str, str] = {}
        for source in sources:
            if id(source) not in self._taken:
                lines.update(uncommitted_notices(source))
        return lines


def uncommitted_notices(source: Source) -> Mapping[str, str]:
    """The line on a source's uncommitted changes, by the commit at its HEAD; empty without any.

    That a work tree cannot be read is no reason to stop: its commits are what is measured.
    """
    try:
        state = uncommitted(source)
    except SourceError as error:
        problem = " ".join(error.where.split("\n")[1:]) or error.what
        return {"": f"Whether {error.where.split(chr(10))[0]} has uncommitted changes is not known "
                f"({problem}); none are measured."}  # fmt: skip
    return {} if state is None else {state.head: f"{state.notice} {_OFFER}"}


def series_of(taken: Snapshot) -> Series:
    """The changes of a work tree as an ad-hoc series, whose patch the results keep."""
    return replace(adhoc("worktree.diff", taken.patch), title=taken.title)


def check_applied(taken: Snapshot, tree: str) -> None:
    """Raise SourceError if `tree`, what the patch of a snapshot gave, is not its very tree: the
    snapshot then holds something that no patch can say.
    """
    if tree != taken.tree:
        raise SourceError(
            "The changes of the work tree cannot be written as a patch.",
            where=f"{taken.name}: {', '.join(taken.changed[:10])}",
            hint="Commit them, and name the commit with --candidate.",
        )


def warning_of(arm: PlannedArm) -> str:
    """The warning of an arm that is a work tree; "" for any other."""
    facts = arm.worktree
    if facts is None:
        return ""
    count = len(facts["changed"])
    files = f"{count} changed file{'' if count == 1 else 's'}"
    during = f", during {facts['operation']}" if facts["operation"] else ""
    return (
        f"work-tree: the candidate is a work tree as it stood: HEAD {facts['head'][:10]} + {files}"
        f"{during}, in no commit; the change is the patch in patches/{arm.name}"
    )


def _base(base: Revision, taken: Snapshot) -> str:
    return "HEAD" if base.commit == taken.head.commit else f"{base.name} ({base.commit[:10]})"
