"""Pictures for people of what the game shows its player: the screen's layers, and the minimap beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 512
"""Of the screen in the picture, in pixels; the minimap has half of it."""
SCREEN = ("height_map", "visibility_map", "player_relative", "selected", "unit_hit_points_ratio")
MINIMAP = ("height_map", "visibility_map", "player_relative", "camera")
"""The layers that a picture is drawn from."""
_FRAME, _CAMERA, _RING = (16, 18, 22), (220, 220, 220), (250, 250, 250)
_COLOURS = {1: (94, 172, 255), 2: (120, 220, 120), 3: (214, 180, 90), 4: (236, 96, 84)}
"""Of own, allied, neutral and enemy units."""
_SEEN = 2
_FOGGED, _FAINTEST = 0.45, 0.45


def draw(screen: Mapping[str, Any], minimap: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Returns a picture, uint8 (512, 768, 3), of `SCREEN` and `MINIMAP` layers; None for a layer leaves it out.

    Units have the colours of their side, fainter the less life is left; selected ones are rimmed in white.
    """
    picture = np.full((SIDE, SIDE + SIDE // 2, 3), _FRAME, np.uint8)
    canvas = _ground(screen)
    life = screen["unit_hit_points_ratio"]
    _paint_units(canvas, screen["player_relative"], life)
    canvas = _enlarged(canvas, SIDE)
    if screen["selected"] is not None:
        canvas[_rim(_enlarged(screen["selected"] != 0, SIDE))] = _RING
    picture[:, :SIDE] = canvas
    small = _ground(minimap)
    _paint_units(small, minimap["player_relative"], None)
    small = _enlarged(small, SIDE // 2)
    if minimap["camera"] is not None:
        small[_rim(_enlarged(minimap["camera"] != 0, SIDE // 2))] = _CAMERA
    picture[: SIDE // 2, SIDE:] = small
    return picture


def _ground(layers: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Returns grey ground, lighter the higher it lies and dark where it is not seen now."""
    height = layers["height_map"]
    shape = next((layer.shape for layer in layers.values() if layer is not None), (1, 1))
    light = np.full(shape, 60.0) if height is None else 30.0 + height * 0.3
    visibility = layers["visibility_map"]
    if visibility is not None:
        light = light * np.where(visibility >= _SEEN, 1.0, _FOGGED)
    return np.repeat(light[:, :, None], 3, axis=2).astype(np.uint8)


def _paint_units(canvas: NDArray[np.uint8], sides: NDArray[Any] | None, life: NDArray[Any] | None) -> None:
    if sides is None:
        return
    strength = np.ones(sides.shape) if life is None else _FAINTEST + (1.0 - _FAINTEST) * life / 255.0
    for side, colour in _COLOURS.items():
        where = sides == side
        # What has no life, such as a beacon, keeps its full colour.
        shown = np.where((life == 0) if life is not None else False, 1.0, strength)[where]
        canvas[where] = (shown[:, None] * np.array(colour)).astype(np.uint8)


def _enlarged(layer: NDArray[Any], side: int) -> NDArray[Any]:
    """Returns a square layer at another size, by its nearest pixels."""
    columns = np.arange(side) * layer.shape[1] // side
    rows = np.arange(side) * layer.shape[0] // side
    enlarged: NDArray[Any] = layer[np.ix_(rows, columns)]
    return enlarged


def _rim(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Returns the outermost pixels of what is inside."""
    padded = np.pad(inside, 1)
    core = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return inside & ~core
