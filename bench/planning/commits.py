"""Which commit each arm is: name, ref and commit, in a line for the plan and for a run's start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bench.experiments import BASE, PlannedArm
from bench.util import harmless
from builder.git import Repository
from builder.sources import Revision


def commit_lines(arms: Iterable[tuple[PlannedArm, Repository]]) -> Iterator[str]:
    """A line for each arm that is built from a commit of its own, the base first.

    Arms with the base's commit (patches, flavors, placebos) have none.
    """
    base: Revision | None = None
    for arm, repository in arms:
        revision = arm.recipe.revision
        if revision is base:
            continue
        base = base or revision
        subject = repository.authored(revision.commit).subject
        yield harmless(commit_line(arm.kind, arm.name, revision, subject))


def commit_line(kind: str, arm: str, revision: Revision, subject: str) -> str:
    """For example: candidate fix: refs/heads/fix, 1a2b3c4d5e6f "its subject"."""
    who = kind if kind == BASE or arm == revision.name else f"{kind} {arm},"
    commit = f'{revision.commit[:12]} "{subject}"'
    if not revision.ref:
        if revision.origin:
            return f"{who} = {revision.origin}: {commit}"
        return f"{who} {revision.name}: commit {commit}"
    if revision.name == revision.ref:
        return f"{who.removesuffix(',')}: {revision.ref}, {commit}"
    origin = f" ({revision.origin})" if revision.origin else ""
    return f"{who} {revision.name}: {revision.ref}{origin}, {commit}"
