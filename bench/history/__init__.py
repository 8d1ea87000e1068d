"""The history of nights in a database: one row for each benchmark, build and night."""

from bench.history import epochs, exchange, models, reading
from bench.history.changes import Changes, spans, watch
from bench.history.columns import Columns, columns_of
from bench.history.epochs import of_host
from bench.history.exchange import HistoryExport, HistoryImport
from bench.history.from_result import night_of, ratio_of
from bench.history.models import (
    CONFIRMED,
    DISMISSED,
    MEASURED,
    SUSPECTED,
    UNCHANGED,
    VERDICTS,
    Alarm,
    HistoryRatio,
    NightEntry,
    NightSuite,
)
from bench.history.reading import LineKey, ReleaseTable
from bench.history.store import History

__all__ = [
    "CONFIRMED",
    "DISMISSED",
    "MEASURED",
    "SUSPECTED",
    "UNCHANGED",
    "VERDICTS",
    "Alarm",
    "Changes",
    "Columns",
    "History",
    "HistoryExport",
    "HistoryImport",
    "HistoryRatio",
    "LineKey",
    "NightEntry",
    "NightSuite",
    "ReleaseTable",
    "columns_of",
    "epochs",
    "exchange",
    "models",
    "night_of",
    "of_host",
    "ratio_of",
    "reading",
    "spans",
    "watch",
]
