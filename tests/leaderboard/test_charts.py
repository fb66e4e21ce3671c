"""Charts: numbers have the places that their axis says, and what lies beyond is cut visibly."""

import pytest

from envsuite.leaderboard.charts import WIDEST, curve, mark, unit_axis, zero_axis
from envsuite.leaderboard.intervals import Estimate


def test_an_axis_of_scores_shows_floor_and_ceiling_and_room_on_either_side():
    axis = unit_axis([Estimate(0.5, 0.4, 0.6), None])
    assert axis.place(0.0) == pytest.approx(100 * 0.04 / 1.08, abs=1e-3)
    assert axis.place(1.0) == pytest.approx(100 * 1.04 / 1.08, abs=1e-3)
    assert [(tick.kind, tick.at) for tick in axis.ticks if tick.kind != "plain"] == [
        ("floor", axis.place(0.0)),
        ("ceiling", axis.place(1.0)),
    ]


def test_an_outlier_does_not_squeeze_the_others():
    axis = unit_axis([Estimate(-30.0, -40.0, -20.0), Estimate(9.0, 8.0, 10.0)])
    assert (axis.low, axis.high) == pytest.approx((WIDEST[0] - 0.07, WIDEST[1] + 0.07))
    far = mark(axis, Estimate(-30.0, -40.0, -20.0))
    assert (far.at, far.cut_low, far.cut_high) == (0.0, True, False)
    assert mark(axis, Estimate(0.5, 0.4, 9.0)).cut_high


def test_a_bar_reaches_from_the_floor_to_its_value_on_either_side():
    axis = unit_axis([Estimate(-0.2, -0.2, 0.0)])
    zero = axis.place(0.0)
    right, left = mark(axis, Estimate(0.5, 0.4, 0.6)), mark(axis, Estimate(-0.2, -0.2, 0.0))
    assert (right.start, right.start + right.width) == pytest.approx((zero, right.at))
    assert (left.start, left.start + left.width) == pytest.approx((left.at, zero))


def test_an_axis_of_differences_has_zero_in_the_middle():
    axis = zero_axis([Estimate(0.2, -0.1, 0.5)])
    assert axis.place(0.0) == 50.0
    assert [tick.label for tick in axis.ticks] == ["\N{MINUS SIGN}0.50", "0", "+0.50"]
    assert zero_axis([None]).place(0.1) < 100, "an empty chart has a width, too"


def test_a_curve_fills_its_field_and_its_band_is_closed():
    shares = [Estimate(1.0, 0.9, 1.0), Estimate(0.25, 0.0, 0.5)]
    drawn = curve("a", 0, (0.0, 1.25), shares)
    assert drawn.line == "0.00,0.00 100.00,75.00"
    assert drawn.band == "0.00,0.00 100.00,50.00 100.00,100.00 0.00,10.00"
