"""What may be chosen of a Crafter world, as the reference's constructor takes it: area, view, size and length."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from envsuite.families.crafter.rules import ITEMS

Pair = tuple[int, int]
MAX_SIDE = 4096
"""Tiles or pixels along a side, at most."""
LEAST_TILE = 2
"""Pixels along a tile of a picture, at least: an amount in the inventory takes six tenths of a tile."""
ENDLESS = sys.maxsize


@dataclass(frozen=True, slots=True)
class Options:
    """The shape of a world and of its picture."""

    area: Pair = (64, 64)
    """Width and height of the world, in tiles."""
    view: Pair = (9, 9)
    """Columns and rows of tiles that a picture shows; the last rows are the inventory's."""
    size: Pair = (64, 64)
    """Width and height of the picture that is observed, in pixels."""
    length: int = 10_000
    """Steps after which an episode is truncated."""

    @property
    def item_rows(self) -> int:
        """Rows that the inventory takes of the view."""
        return -(-len(ITEMS) // self.view[0])

    @property
    def map_view(self) -> Pair:
        """Columns and rows of the map in a picture."""
        return self.view[0], self.view[1] - self.item_rows

    @property
    def unit(self) -> Pair:
        """Width and height of a tile in a picture, in pixels."""
        return self.size[0] // self.view[0], self.size[1] // self.view[1]

    @property
    def map_pixels(self) -> int:
        """How many pixels the map has in a picture."""
        return self.map_view[0] * self.unit[0] * self.map_view[1] * self.unit[1]

    @property
    def reach(self) -> int:
        """How near, in steps, a thing must be to the player to act, exclusive."""
        return 2 * max(self.view)


def checked_options(area: Any, view: Any, size: Any, length: Any) -> Options:
    """Returns the options of an environment.

    Args:
        area: a pair of at least 1, or one number for both.
        view: likewise; its rows must be more than the inventory takes.
        size: likewise; at least two pixels a tile.
        length: at least 1; 0 or None for an episode without a limit.

    Raises ValueError that names the argument.
    """
    options = Options(
        area=checked_pair("area", area),
        view=checked_pair("view", view),
        size=checked_pair("size", size),
        length=_length(length),
    )
    columns, rows = options.view
    if rows <= options.item_rows:
        raise ValueError(
            f"view: expected more rows than the {options.item_rows} that the inventory of {len(ITEMS)} items takes "
            f"at {columns} a row, got {options.view}"
        )
    if min(options.unit) < LEAST_TILE:
        least = (LEAST_TILE * columns, LEAST_TILE * rows)
        raise ValueError(
            f"size: expected at least two pixels a tile, {least} for a view of {options.view}, got {options.size}"
        )
    return options


def checked_pair(name: str, value: Any) -> Pair:
    """Returns two numbers; raises ValueError that names the argument."""
    values = list(value) if isinstance(value, tuple | list | np.ndarray) else [value, value]
    numbers = [item for item in values if isinstance(item, int | np.integer) and not isinstance(item, bool)]
    if len(values) != 2 or len(numbers) != 2 or not all(1 <= number <= MAX_SIDE for number in numbers):
        raise ValueError(f"{name}: expected two whole numbers from 1 to {MAX_SIDE}, or one for both, got {value!r}")
    return int(numbers[0]), int(numbers[1])


def _length(value: Any) -> int:
    if value is None or value is False or value == 0:
        return ENDLESS
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"length: expected a whole number of steps, or 0 or None for no limit, got {value!r}")
    return int(value)
