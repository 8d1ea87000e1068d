from __future__ import annotations

import re

import pytest

from bench.report import reading
from bench.report.charts.page import (
    LANE,
    PANEL,
    ROW,
    WIDTH,
    candidate_charts,
    lane_charts,
    ratio_pieces,
    share,
)
from tests.bench.report.big import big
from tests.bench.report.drawn import MARGINS, marks, row
from tests.bench.results.given import given

view_of = given(reading.view_of)


def test_a_row_is_its_interval_and_its_ratio_on_the_axis_of_the_frame() -> None:
    frame, pieces = ratio_pieces([row(0.9, 0.85, 0.95), row(1.1, 1.05, 1.15, "slower")], MARGINS)
    places = {label: float(place.rstrip("%")) * WIDTH / 100 for place, label in frame.across}
    left, right, first = re.fullmatch(  # type: ignore[union-attr]
        r"M(\d+) 12H(\d+)/M(\d+) 12h0", f"{marks(pieces[0])['wide']}/{marks(pieces[0])['dot']}"
    ).groups()

    assert int(left) < int(first) < int(right) < places["1"]
    assert int(first) == pytest.approx(places["0.9"], abs=1)
    assert marks(frame)["one"] == f"M{round(places['1'])} 0V{ROW}"
    assert marks(frame)["margin"].endswith("z")
    # The second row lies below the first, and its piece begins at its own top.
    assert "12h0" in marks(pieces[1])["dot"]


def test_an_undecided_dot_is_open_and_a_ratio_alone_has_no_line() -> None:
    _, (piece,) = ratio_pieces([row(1.0, None, None, "undecided")], MARGINS)
    assert list(marks(piece)) == ["dot", "hole"]


def test_an_interval_beyond_the_axis_has_an_arrow() -> None:
    rows = [row(1.0, 0.99, 1.01)] * 20
    _, pieces = ratio_pieces([*rows, row(1.0, 0.2, 1.0)], MARGINS)
    assert "off" in marks(pieces[-1])
    assert marks(pieces[-1])["off"].startswith("M12 ")
    assert "off" not in marks(pieces[0])


def test_a_placebo_band_is_a_box() -> None:
    _, (piece,) = ratio_pieces([row(1.0, 0.99, 1.01, placebo=(0.98, 1.02))], MARGINS)
    assert re.fullmatch(r"M\d+ \d+H\d+V\d+H\d+z", marks(piece)["placebo"])


def test_blocks_are_dots_in_order_and_disturbed_ones_crosses() -> None:
    view = view_of(big(benchmarks=2, blocks=30, arms=1, replicas=3))
    for drawn in candidate_charts(view.candidates[0], view.margins).rows:
        assert drawn.blocks is not None
        assert drawn.distribution is not None
        doubted = [one for one in drawn.row.points if one.disturbed]
        dots = re.findall(r"M(\d+) (\d+)h0", marks(drawn.blocks)["dot"])
        assert len(dots) == 30 - len(doubted)
        assert marks(drawn.blocks).get("cross", "").count("M") == 2 * len(doubted)
        assert [int(x) for x, _ in dots] == sorted(int(x) for x, _ in dots)
        assert all(0 < int(y) < PANEL for _, y in dots)
        # A bar's length is a count: all bars of all builds together are all blocks.
        assert marks(drawn.distribution)["mean"].count("M") == 3


def test_the_session_sets_the_hosts_wandering_beside_the_ratios() -> None:
    drift, *ratios = lane_charts(view_of(big(benchmarks=5, blocks=20, arms=3)))
    assert drift.lane.kind == "drift"
    assert len(ratios) == 3
    assert all(one.spread < drift.spread / 2 for one in ratios)
    assert all(0 <= float(place.rstrip("%")) <= 100 for place, _ in drift.piece.upward)
    assert "0" in [label for _, label in drift.piece.upward]


def test_a_session_without_blocks_has_no_chart() -> None:
    content = big(benchmarks=1, blocks=2, arms=1)
    content["blocks"] = []
    view = view_of(content)
    assert lane_charts(view) == ()
    (drawn,) = candidate_charts(view.candidates[0], view.margins).rows
    assert drawn.blocks is None


@pytest.mark.parametrize(("ratio", "told"), [(1, "0"), (1.1, "+10%"), (0.75, "-25%")])
def test_a_share_is_told_as_a_change(ratio: float, told: str) -> None:
    assert share(ratio) == told


def test_lanes_are_as_high_as_they_say() -> None:
    for one in lane_charts(view_of(big(benchmarks=2, blocks=5, arms=2))):
        heights = [int(y) for _, y in re.findall(r"M(\d+) (-?\d+)", marks(one.piece)["dot"])]
        assert all(0 < y < LANE for y in heights)
