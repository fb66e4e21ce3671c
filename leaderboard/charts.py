"""Charts without a drawing library: positions in percent of a width, which templates turn into SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from envsuite.leaderboard.board import NOTHING, show_estimate
from envsuite.leaderboard.intervals import Estimate

HUES = 8
"""Agents told apart by colour; further ones share the last, and names tell them apart."""
MARGIN = 0.04
"""Room left and right of what a chart shows, as a share of its range."""


class Tick(NamedTuple):
    """A vertical line of a chart."""

    at: float
    """Position in percent of the width."""
    label: str
    kind: str
    """`floor`, `ceiling` or `plain`."""


class Bar(NamedTuple):
    """One agent in a chart; positions in percent of the width."""

    agent: str
    hue: int
    value: str
    interval: str
    start: float
    width: float
    low: float
    high: float
    faint: bool
    """Whether the result is incomplete."""
    empty: bool
    """Whether there is no score to draw."""


class Chart(NamedTuple):
    """Bars over one scale."""

    title: str
    caption: str
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]


class Axis(NamedTuple):
    """A range of numbers and the lines that mark it."""

    low: float
    high: float
    ticks: tuple[Tick, ...]

    def place(self, value: float) -> float:
        """Returns the value's position in percent of the width, at an end where it lies beyond."""
        return round(min(100.0, max(0.0, 100 * (value - self.low) / (self.high - self.low))), 3)


class Mark(NamedTuple):
    """An estimate on an axis; positions in percent of the width."""

    at: float
    low: float
    high: float
    start: float
    """Where a bar from 0 begins."""
    width: float
    """Of that bar."""
    cut_low: bool
    """Whether the interval goes on beyond the left end."""
    cut_high: bool


class Curve(NamedTuple):
    """A step function with a band, as points of SVG in a field of 100 by 100."""

    name: str
    hue: int
    line: str
    band: str


class Row(NamedTuple):
    """One agent's number before it has a place on a scale."""

    agent: str
    hue: int
    estimate: Estimate | None
    faint: bool


def unit_chart(title: str, caption: str, bars: Sequence[Row], *, marked: bool) -> Chart:
    """Returns a chart that shows at least 0 to 1; `marked` says that these are floor and ceiling."""
    kinds = ("floor", "ceiling") if marked else ("plain", "plain")
    ticks = [(0.0, "0", kinds[0]), (0.25, "0.25", "plain"), (0.5, "0.5", "plain"), (0.75, "0.75", "plain")]
    return chart(title, caption, bars, [*ticks, (1.0, "1", kinds[1])], base=0.0, digits=2)


def chart(
    title: str,
    caption: str,
    rows: Sequence[Row],
    ticks: Sequence[tuple[float, str, str]],
    *,
    base: float,
    digits: int | None,
) -> Chart:
    """Returns the chart with positions in percent of a range that holds base, ticks and intervals."""
    shown = [base, *(at for at, _, _ in ticks), *(end for row in rows if row.estimate for end in row.estimate)]
    span = (max(shown) - min(shown)) or 1.0
    left, width = min(shown) - MARGIN * span, span * (1 + 2 * MARGIN)

    def place(value: float) -> float:
        return round(100 * (value - left) / width, 3)

    return Chart(
        title,
        caption,
        tuple(_bar(row, place(base), [place(end) for end in row.estimate or ()], digits) for row in rows),
        tuple(Tick(place(at), label, kind) for at, label, kind in ticks),
    )


def _bar(row: Row, base: float, places: Sequence[float], digits: int | None) -> Bar:
    if row.estimate is None:
        return Bar(row.agent, row.hue, NOTHING, "", 0.0, 0.0, 0.0, 0.0, row.faint, empty=True)
    at, low, high = places
    value, _, interval = show_estimate(row.estimate, digits).partition(" ")
    start, width = min(base, at), round(abs(at - base), 3)
    return Bar(row.agent, row.hue, value, interval, start, width, low, high, row.faint, empty=False)


def hue(index: int) -> int:
    """Returns the colour of the index-th agent, from 0."""
    return min(index, HUES - 1)


WIDEST = (-0.25, 1.5)
"""Of normalised scores, so much is drawn at most; what lies beyond is cut, and drawn so."""


def unit_axis(estimates: Iterable[Estimate | None]) -> Axis:
    """Returns an axis of normalised scores: 0 to 1, wider where estimates need it, at most `WIDEST`."""
    ends = [end for estimate in estimates if estimate is not None for end in estimate]
    low = max(WIDEST[0], min([0.0, *ends]))
    high = min(WIDEST[1], max([1.0, *ends]))
    marks = [
        (0.0, "0", "floor"),
        (0.25, "", "plain"),
        (0.5, "0.5", "plain"),
        (0.75, "", "plain"),
        (1.0, "1", "ceiling"),
    ]
    return _axis(low, high, marks)


def zero_axis(estimates: Iterable[Estimate | None], least: float = 0.1) -> Axis:
    """Returns an axis of differences, symmetric around 0 and at least `least` wide to either side."""
    ends = [abs(end) for estimate in estimates if estimate is not None for end in estimate]
    reach = max([least, *ends])
    told = f"{reach:.1f}" if reach >= 1 else f"{reach:.2f}"
    left, right = f"\N{MINUS SIGN}{told}", f"+{told}"
    return _axis(-reach, reach, [(-reach, left, "plain"), (0.0, "0", "floor"), (reach, right, "plain")])


def _axis(low: float, high: float, marks: Sequence[tuple[float, str, str]]) -> Axis:
    room = MARGIN * (high - low)
    bare = Axis(low - room, high + room, ())
    return bare._replace(ticks=tuple(Tick(bare.place(at), label, kind) for at, label, kind in marks))


def mark(axis: Axis, estimate: Estimate) -> Mark:
    """Returns where an estimate lies on an axis."""
    at, low, high = (axis.place(end) for end in estimate)
    zero = axis.place(0.0)
    return Mark(
        at, low, high, min(at, zero), round(abs(at - zero), 3), estimate.low < axis.low, estimate.high > axis.high
    )


def curve(name: str, hue: int, at: Sequence[float], values: Sequence[Estimate]) -> Curve:
    """Returns the curve of `values` in [0, 1] at ascending places `at`, drawn over their whole range."""
    first, span = at[0], (at[-1] - at[0]) or 1.0

    def point(x: float, y: float) -> str:
        return f"{100 * (x - first) / span:.2f},{100 * (1 - y):.2f}"

    line = " ".join(point(x, value.value) for x, value in zip(at, values, strict=True))
    upper = [point(x, value.high) for x, value in zip(at, values, strict=True)]
    lower = [point(x, value.low) for x, value in zip(at, values, strict=True)]
    return Curve(name, hue, line, " ".join([*upper, *reversed(lower)]))
