"""Rows, blocks and drawings for the tests of the charts."""

from __future__ import annotations

import dataclasses

from bench.report.charts.page import Piece
from bench.report.model import BlockPoint, ReportRow

MARGINS = (1 / 1.01, 1.01)


def row(
    ratio: float, low: float | None, high: float | None, verdict: str = "faster", **more: object
) -> ReportRow:
    plain = ReportRow(
        name="nbody",
        metric="time",
        ratio=ratio,
        low=low,
        high=high,
        low95=low,
        high95=high,
        verdict=verdict,
        blocks=12,
        builds=1,
    )
    return dataclasses.replace(plain, **more)  # type: ignore[arg-type]


def point(ratio: float, *, replica: int = 0, disturbed: str = "", order: int = 0) -> BlockPoint:
    return BlockPoint(
        order=order, number=order, ratio=ratio, drift=1.0, replica=replica, disturbed=disturbed
    )


def marks(piece: Piece) -> dict[str, str]:
    return dict(piece.marks)
