"""The one room that talks to git: repositories, trees written to disk, fetches."""

from builder.git import fetch
from builder.git.fetch import FetchFailure
from builder.git.repository import ApplyFailure, Authored, Refs, Repository, TreeChange, locate
from builder.git.trees import LINK, leads_outside, link_leads_outside, scratch

__all__ = [
    "LINK",
    "ApplyFailure",
    "Authored",
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
