"""Reads Crafter's picture back into tiles and numbers: maximum likelihood under the game's light and noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.families.crafter.options import Options
from envsuite.families.crafter.rules import ITEMS, MATERIAL_COUNT, SEMANTICS, SPRITES, VIEW

Floats = NDArray[np.float64]

UNIT = 7
"""Side of a tile in an observation, in pixels."""
FACINGS = {"player-left": (-1, 0), "player-right": (1, 0), "player-up": (0, -1), "player-down": (0, 1)}
_GROUND = ("grass", "sand", "path")
_SPRITES = {
    **dict.fromkeys(("cow", "zombie", "skeleton"), _GROUND),
    **dict.fromkeys(("arrow-left", "arrow-right", "arrow-up", "arrow-down"), (*_GROUND, "water", "lava")),
    **dict.fromkeys(("plant", "plant-ripe"), ("grass",)),
    **dict.fromkeys(FACINGS, _GROUND),
}
_LUMA = np.array([0.299, 0.587, 0.114])
_TINT = np.array([0.0, 16.0, 64.0])
_NOISE_MEAN, _NOISE_VARIANCE = (32 + 127) / 2, (127 - 32) ** 2 / 12
_ROUNDING_VARIANCE = 2.0
"""What cutting off fractions three times leaves, in squared grey levels."""
_MIN_MARGIN = 14.0
"""How much worse the second-best reading of a tile must be for the best to count as seen."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a picture shows; arrays are indexed [column, row] of the 9 x 7 tiles."""

    material: NDArray[np.int64]
    """Numbers of `SEMANTICS`, -1 where the night hides the tile."""
    thing: NDArray[np.object_]
    """The name of the texture that stands on the tile, or an empty string."""
    facing: tuple[int, int]
    inventory: dict[str, int]


def daylight(step: int) -> float:
    """Returns how bright it is after `step` steps, 0 to 1; a day has 300 steps."""
    return 1 - abs(math.cos(math.pi * (step / 300 % 1 + 0.3))) ** 3


def is_asleep(picture: NDArray[np.uint8]) -> bool:
    """Returns whether the picture has the grey of sleep: red equals green everywhere in the view."""
    view = picture[: VIEW[1] * UNIT, : VIEW[0] * UNIT]
    return bool((view[..., 0] == view[..., 1]).all())


class Reader:
    """Compares every tile of a picture with every picture a tile can have."""

    def __init__(self) -> None:
        from envsuite.families.crafter.engine.art import make_art  # reads the simulator's textures

        options = Options()
        art = make_art(options.size, options.view)
        ground = art.tiles[:MATERIAL_COUNT, 0]
        tiles: list[NDArray[np.uint8]] = list(ground[1:])
        labels: list[tuple[int, str]] = [(number, "") for number in range(1, len(tiles) + 1)]
        tiles.append(np.full((UNIT, UNIT, 3), 127, np.uint8))
        labels.append((0, ""))
        for name, grounds in _SPRITES.items():
            for number in map(SEMANTICS.index, grounds):
                tiles.append(art.tiles[number, SPRITES.index(name)])
                labels.append((number, name))
        self._labels = labels
        self._is_player = np.array([name in FACINGS for _, name in labels])
        pixels = np.stack(tiles).reshape(len(tiles), UNIT * UNIT, 3).astype(np.float64)
        # Noise is grey, so brightness and colour are compared apart.
        self._bright = pixels.mean(axis=2)
        self._muted = 0.4 * self._bright + 0.6 * pixels @ _LUMA
        self._colour = (pixels - self._bright[..., None]).reshape(len(tiles), -1)
        x, y = np.meshgrid(np.linspace(-1, 1, VIEW[0] * UNIT), np.linspace(-1, 1, VIEW[1] * UNIT))
        self._vignette = _cut(1 - np.exp(-2 * (x**2 + y**2)))
        self._items = art.items.reshape(len(ITEMS), 10, -1).astype(np.int64)

    def __call__(self, picture: NDArray[np.uint8], step: int) -> Sight:
        """Returns what the observation uint8 (64, 64, 3) shows `step` steps after the reset, awake."""
        costs = self._costs(picture[: VIEW[1] * UNIT, : VIEW[0] * UNIT].astype(np.float64), daylight(step))
        centre = VIEW[1] // 2 * VIEW[0] + VIEW[0] // 2
        at_centre = np.arange(len(costs)) == centre
        costs[at_centre[:, None] != self._is_player] = np.inf
        best = costs.argmin(axis=1)
        margin = np.partition(costs, 1, axis=1)[:, 1] - costs.min(axis=1)
        seen = margin > _MIN_MARGIN
        material = np.array([self._labels[k][0] if sure else -1 for k, sure in zip(best, seen, strict=True)])
        thing = np.array([self._labels[k][1] if sure else "" for k, sure in zip(best, seen, strict=True)], object)
        grid = (VIEW[1], VIEW[0])
        return Sight(
            material=material.reshape(grid).T,
            thing=thing.reshape(grid).T,
            facing=FACINGS[self._labels[best[centre]][1]],
            inventory=self._inventory(picture),
        )

    def _costs(self, view: Floats, light: float) -> Floats:
        """Returns minus twice the log-likelihood of every template for every tile, (63, templates)."""
        shade = 1 - light
        mask = self._vignette * (2 * (0.5 - light) if light < 0.5 else 0.0)
        fade = 0.5 * shade * (1 - mask)
        tiles = _cut(view)
        bright = tiles.mean(axis=2)
        colour = tiles - bright[..., None] - shade * 0.5 * (_TINT - _TINT.mean())
        bright -= shade * 0.5 * (mask * _NOISE_MEAN + _TINT.mean())
        weight = 1 / (_ROUNDING_VARIANCE + (shade * 0.5 * mask) ** 2 * _NOISE_VARIANCE)
        # Squares of differences from a template linear in two pictures, multiplied out into products of matrices.
        first, second = self._bright.T, self._muted.T
        costs: Floats = (weight * bright**2).sum(axis=1)[:, None] - 2 * light * (weight * bright) @ first
        costs += -2 * (weight * fade * bright) @ second + light**2 * weight @ first**2
        costs += 2 * light * (weight * fade) @ (first * second) + (weight * fade**2) @ second**2
        gain = np.repeat(light + 0.4 * fade, 3, axis=1)
        flat = colour.reshape(len(colour), -1)
        chroma = (flat**2).sum(axis=1)[:, None] - 2 * (gain * flat) @ self._colour.T + gain**2 @ self._colour.T**2
        costs += chroma / _ROUNDING_VARIANCE
        return costs

    def _inventory(self, picture: NDArray[np.uint8]) -> dict[str, int]:
        top = VIEW[1] * UNIT
        rows = picture[top : top + 2 * UNIT, : VIEW[0] * UNIT].reshape(2, UNIT, VIEW[0], UNIT, 3)
        cells = rows.transpose(0, 2, 1, 3, 4).reshape(2 * VIEW[0], 1, -1)[: len(ITEMS)].astype(np.int64)
        amounts: Any = np.abs(cells - self._items).sum(axis=2).argmin(axis=1)
        return dict(zip(ITEMS, amounts.tolist(), strict=True))


def _cut(view: Floats) -> Floats:
    """Returns a picture (49, 63, ...) as its tiles in reading order, (63, 49, ...)."""
    rest = view.shape[2:]
    tiles = view.reshape(VIEW[1], UNIT, VIEW[0], UNIT, *rest).swapaxes(1, 2)
    return tiles.reshape(VIEW[0] * VIEW[1], UNIT * UNIT, *rest)
