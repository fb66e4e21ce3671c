"""Pictures: the feature layers of an observation, in the protocol's bits."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from s2clientprotocol import spatial_pb2

from envsuite.families.starcraft2.engine.console import Console
from envsuite.families.starcraft2.engine.layers import MINIMAP_LAYERS, SCREEN_LAYERS

BITS: dict[str, int] = {
    **dict.fromkeys(("creep", "power", "selected", "hallucinations", "cloaked", "blip", "active", "buildable"), 1),
    **dict.fromkeys(("pathable", "placeholder", "camera"), 1),
    **dict.fromkeys(("height_map", "visibility_map", "player_id", "player_relative", "unit_hit_points_ratio"), 8),
    **dict.fromkeys(("unit_energy_ratio", "unit_shields_ratio", "unit_density", "unit_density_aa", "effects"), 8),
    **dict.fromkeys(("buff_duration", "build_progress", "alerts"), 8),
    **dict.fromkeys(("unit_type", "unit_hit_points", "unit_energy", "unit_shields", "buffs"), 32),
}
"""Bits of a pixel by the layer's name, as the game sends them."""
EMPTY = frozenset(
    {"creep", "power", "effects", "hallucinations", "cloaked", "blip", "buffs", "buff_duration", "placeholder"}
)
"""Layers of what the simulator does not have: zeros."""
_CHEATING = "unit_type"
"""The layer of the minimap that only those get who ask to cheat."""


class Pictures:
    """Draws the layers that a client gets, into messages that are all of one form."""

    def __init__(self, console: Console, setup: Any) -> None:
        """Takes whose eyes look, and the protocol's SpatialCameraSetup."""
        self._console = console
        minimap = [name for name in MINIMAP_LAYERS if name != _CHEATING or setup.allow_cheating_layers]
        self._form = spatial_pb2.ObservationFeatureLayer()
        screen = console.screen
        self._screen = _drawn(SCREEN_LAYERS)
        self._minimap = _drawn(minimap)
        _fill(self._form.renders, SCREEN_LAYERS, screen.columns, screen.rows)
        _fill(self._form.minimap_renders, minimap, screen.map_columns, screen.map_rows)
        self._screen_numbers = np.array([SCREEN_LAYERS.index(name) for name in self._screen], np.int64)
        self._minimap_numbers = np.array([MINIMAP_LAYERS.index(name) for name in self._minimap], np.int64)

    def write(self, message: Any) -> None:
        """Writes the layers to an ObservationFeatureLayer."""
        message.CopyFrom(self._form)
        screen, minimap = self._console.draw(self._screen_numbers, self._minimap_numbers)
        for layers, names, pixels in (
            (message.renders, self._screen, screen),
            (message.minimap_renders, self._minimap, minimap),
        ):
            flat = pixels.reshape(len(names), -1)
            for first, end, bits in _runs(names):
                for name, layer in zip(names[first:end], _pack(flat[first:end], bits), strict=True):
                    getattr(layers, name).data = layer.tobytes()


def image(message: Any, grid: NDArray[Any], bits: int) -> None:
    """Writes a grid of (rows, columns) to an ImageData."""
    message.bits_per_pixel = bits
    message.size.y, message.size.x = grid.shape
    message.data = _pack(grid.reshape(1, -1), bits)[0].tobytes()


def _drawn(names: Any) -> tuple[str, ...]:
    """Returns the layers that are drawn, those of equal bits together."""
    return tuple(sorted((name for name in names if name not in EMPTY), key=BITS.__getitem__))


def _fill(layers: Any, names: Any, columns: int, rows: int) -> None:
    for name in names:
        layer = getattr(layers, name)
        layer.bits_per_pixel = BITS[name]
        layer.size.x, layer.size.y = columns, rows
        if name in EMPTY:
            layer.data = bytes((columns * rows * BITS[name] + 7) // 8)


@functools.cache
def _runs(names: tuple[str, ...]) -> tuple[tuple[int, int, int], ...]:
    """Returns where layers of equal bits begin and end, and their bits."""
    bits = [BITS[name] for name in names]
    return tuple((bits.index(value), len(bits) - bits[::-1].index(value), value) for value in sorted(set(bits)))


def _pack(rows: NDArray[Any], bits: int) -> NDArray[Any]:
    """Returns rows of numbers in so many bits each: bits as the game orders them, the first in a byte's highest."""
    if bits == 1:
        return np.packbits(rows.astype(np.bool_), axis=1)
    return rows.astype(np.uint8 if bits == 8 else "<i4")
