"""Discs: which pixels of a picture a unit covers, and how much of each.

A pixel is covered when its middle is no farther from the unit's than the unit's radius; the pixel that the unit's
middle lies in always is, so that nothing is too small for a coarse picture.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from envsuite.families.starcraft2.engine.compiled import inlined, kernel
from envsuite.families.starcraft2.engine.screen import place_of
from envsuite.families.starcraft2.engine.units import RADIUS

FINE = 4
"""A pixel has FINE x FINE points that tell how much of it is covered: a full pixel counts 16, as in the game."""
_MOST = 255


class Disc(NamedTuple):
    """A unit in a picture, in pixels."""

    x: Any
    y: Any
    radius: Any
    column: Any
    """The pixel that its middle lies in."""
    row: Any
    first: Any
    """Rows that it reaches into, cut to the picture."""
    end: Any
    columns: Any
    """Of the picture."""


@inlined
def disc_of(view: Any, unit: Any) -> Any:
    """Returns a unit's disc; it covers nothing where `first` is not below `end`."""
    x, y = place_of(view, unit.x, unit.y)
    radius = RADIUS[unit.type] / view.scale
    column, row = int(np.floor(x)), int(np.floor(y))
    first, end = int(np.floor(y - radius)), int(np.floor(y + radius)) + 1
    if x + radius < 0.0 or x - radius > view.columns:
        end = first  # beside the picture
    return Disc(x, y, radius, column, row, max(first, 0), min(end, view.rows), view.columns)


@inlined
def span(disc: Any, row: Any) -> Any:
    """Returns the columns (first, end) that a disc covers in a row, cut to the picture."""
    first, last = disc.columns, -1
    dy = row + 0.5 - disc.y
    rest = disc.radius * disc.radius - dy * dy
    if rest >= 0.0:
        half = np.sqrt(rest)
        first, last = int(np.ceil(disc.x - half - 0.5)), int(np.floor(disc.x + half - 0.5))
    if row == disc.row:
        first, last = min(first, disc.column), max(last, disc.column)
    return max(first, 0), min(last + 1, disc.columns)


@inlined
def covers(disc: Any, column: Any, row: Any) -> Any:
    """Tells whether a disc covers a pixel of the picture."""
    if row < disc.first or row >= disc.end:
        return False
    first, end = span(disc, row)
    return first <= column < end


@kernel
def paint(disc: Any, value: Any, layer: Any) -> None:
    """Writes a value to every pixel that a disc covers."""
    for row in range(disc.first, disc.end):
        first, end = span(disc, row)
        for column in range(first, end):
            layer[row, column] = value


@kernel
def count(disc: Any, layer: Any) -> None:
    """Counts a unit in every pixel that its disc covers."""
    for row in range(disc.first, disc.end):
        first, end = span(disc, row)
        for column in range(first, end):
            layer[row, column] = min(_MOST, int(layer[row, column]) + 1)


@kernel
def shade(disc: Any, layer: Any) -> None:
    """Adds to every pixel how many of its points a disc covers."""
    for line in range(FINE * disc.first, FINE * disc.end):
        dy = (line + 0.5) / FINE - disc.y
        rest = disc.radius * disc.radius - dy * dy
        if rest < 0.0:
            continue
        half = np.sqrt(rest)
        first = max(int(np.ceil(FINE * (disc.x - half) - 0.5)), 0)
        end = min(int(np.floor(FINE * (disc.x + half) - 0.5)) + 1, FINE * disc.columns)
        row = line // FINE
        for column in range(first // FINE, (end + FINE - 1) // FINE):
            points = min(end, FINE * column + FINE) - max(first, FINE * column)
            layer[row, column] = min(_MOST, int(layer[row, column]) + points)
