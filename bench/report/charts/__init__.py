"""The charts of a report. matplotlib is imported only to draw, because that takes a second."""

from bench.report.charts import files, ladder, page, session
from bench.report.charts.page import WIDTH, Piece, percents
from bench.report.charts.scale import Scale, height_of, scale_over

__all__ = [
    "WIDTH",
    "Piece",
    "Scale",
    "files",
    "height_of",
    "ladder",
    "page",
    "percents",
    "scale_over",
    "session",
]
