"""Access to git: repositories, fetching from remotes, writing trees to disk."""

from builder.git import condition, fetch
from builder.git.fetch import FetchFailure
from builder.git.refs import Answer, Meaning, Refs, RemoteBranch, refs_of
from builder.git.repository import (
    ApplyFailure,
    AuthoredCommit,
    LineChange,
    Repository,
    TreeChange,
    locate,
)
from builder.git.trees import LINK, leads_outside, link_leads_outside, scratch
from builder.git.worktree import TreeState, WorkTree, binary_diff, work_tree

__all__ = [
    "LINK",
    "Answer",
    "ApplyFailure",
    "AuthoredCommit",
    "FetchFailure",
    "LineChange",
    "Meaning",
    "Refs",
    "RemoteBranch",
    "Repository",
    "TreeChange",
    "TreeState",
    "WorkTree",
    "binary_diff",
    "condition",
    "fetch",
    "leads_outside",
    "link_leads_outside",
    "locate",
    "refs_of",
    "scratch",
    "work_tree",
]
