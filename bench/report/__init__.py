"""The content of a report: a result as a view, its sentences, objections and tables."""

from bench.report.model import ReportRow
from bench.report.reading import session_facts, view_of
from bench.report.wording import broken_reason, headline, shown_ratio, without_times

__all__ = [
    "ReportRow",
    "broken_reason",
    "headline",
    "session_facts",
    "shown_ratio",
    "view_of",
    "without_times",
]
