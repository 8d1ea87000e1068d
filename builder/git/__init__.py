"""Access to git: repositories, fetching from remotes, writing trees to disk."""

from builder.git import fetch
from builder.git.fetch import FetchFailure
from builder.git.repository import (
    ApplyFailure,
    AuthoredCommit,
    Refs,
    Repository,
    TreeChange,
    locate,
)
from builder.git.trees import LINK, leads_outside, link_leads_outside, scratch

__all__ = [
    "LINK",
    "ApplyFailure",
    "AuthoredCommit",
    "FetchFailure",
    "Refs",
    "Repository",
    "TreeChange",
    "fetch",
    "leads_outside",
    "link_leads_outside",
    "locate",
    "scratch",
]
