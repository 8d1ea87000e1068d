"""Access to git: repositories, fetching from remotes, writing trees to disk."""

from builder.git import fetch
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
    "fetch",
    "leads_outside",
    "link_leads_outside",
    "locate",
    "refs_of",
    "scratch",
]
