"""One module for each format of a report."""

from bench.report.formats import catalogue, html, index, markdown, terminal
from bench.report.formats.catalogue import FORMATS, OF_A_RUN, PRINTED
from bench.report.formats.html import REPORT, OverviewLine, overview
from bench.report.formats.terminal import verdict_cell

__all__ = [
    "FORMATS",
    "OF_A_RUN",
    "PRINTED",
    "REPORT",
    "OverviewLine",
    "catalogue",
    "html",
    "index",
    "markdown",
    "overview",
    "terminal",
    "verdict_cell",
]
