"""Observations of a mini-game: feature layers or units in arrays, the player's numbers, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from gymnasium import spaces

from envsuite.errors import unknown_name
from envsuite.families.starcraft2.functions import Function

OBSERVE = ("layers", "units")
PLAYER_COLUMNS = (
    *("player_id", "minerals", "vespene", "food_used", "food_cap", "food_army", "food_workers"),
    *("idle_worker_count", "army_count", "warp_gate_count", "larva_count"),
)
"""Of `player`, as pysc2 orders them."""
UNIT_COLUMNS = (
    *("x", "y", "health", "shield", "energy", "cooldown", "selected", "idle", "progress", "contents", "carries"),
    *("own", "neutral", "enemy"),
)
"""Of `units`. x and y are shares of the screen from its upper left corner; health, shield and energy those of the most;
cooldown is in seconds of the game; contents in thousands; the rest is 0 or 1, progress between. cooldown, idle and
carries are told of the player's own units only."""
MAX_UNITS = 64
"""Rows of `units`: what is on the screen and visible, in order of pysc2's feature units; further ones are left out."""
WIDE_LAYERS = frozenset({"unit_type", "unit_hit_points", "unit_energy", "unit_shields", "buffs", "buff_duration"})
"""Screen layers whose numbers do not fit a byte."""
SCREEN_LAYERS = (
    *("height_map", "visibility_map", "creep", "power", "player_id", "player_relative", "unit_type", "selected"),
    *("unit_hit_points", "unit_hit_points_ratio", "unit_energy", "unit_energy_ratio", "unit_shields"),
    *("unit_shields_ratio", "unit_density", "unit_density_aa", "effects", "hallucinations", "cloaked", "blip"),
    *("buffs", "buff_duration", "active", "build_progress", "pathable", "buildable", "placeholder"),
)
"""In pysc2's order."""
MINIMAP_LAYERS = (
    *("height_map", "visibility_map", "creep", "camera", "player_id", "player_relative", "selected", "unit_type"),
    *("alerts", "pathable", "buildable"),
)
"""In pysc2's order."""
DEFAULT_LAYERS = (
    *("player_relative", "selected", "visibility_map", "unit_hit_points_ratio", "unit_density", "unit_density_aa"),
    *("active", "build_progress"),
)
"""Eight that fit a byte."""
ECONOMY_LAYERS = ("player_relative", "selected", "unit_type", "unit_hit_points_ratio", "unit_density", "build_progress")
DEFAULT_MINIMAP_LAYERS = ("visibility_map", "camera", "player_relative", "selected")


INFO_ARRAYS: Mapping[str, tuple[tuple[int, ...], str]] = MappingProxyType(
    {"loop": ((), "int64"), "score": ((), "float64"), "minerals": ((), "int64"), "vespene": ((), "int64")}
)
"""What of an info a vector env carries."""


def checked_observe(observe: str) -> str:
    """Returns a known kind of observation; raises `UnknownName` with suggestions for another."""
    if observe not in OBSERVE:
        raise unknown_name("kind of observation", observe, OBSERVE)
    return observe


def checked_layers(names: tuple[str, ...] | list[str], known: tuple[str, ...], what: str) -> tuple[str, ...]:
    """Returns names of layers as a tuple.

    Raises `UnknownName` with the nearest names, ValueError for a name twice.
    """
    for name in names:
        if name not in known:
            raise unknown_name(what, name, known)
    if len(set(names)) < len(names):
        raise ValueError(f"{what}s: expected every name once, got {tuple(names)}")
    return tuple(names)


def checked_size(size: int) -> int:
    """Returns the side of the screen and the minimap in pixels; raises ValueError unless 16 to 256."""
    if not isinstance(size, int) or isinstance(size, bool) or not 16 <= size <= 256:
        raise ValueError(f"size: expected an integer from 16 to 256, got {size!r}")
    return size


def layer_dtype(layers: tuple[str, ...]) -> type:
    """Returns uint8 where every layer's numbers fit a byte, else int32."""
    return np.int32 if WIDE_LAYERS & set(layers) else np.uint8


def space_of(
    observe: str, functions: tuple[Function, ...], size: int, layers: tuple[str, ...], minimap_layers: tuple[str, ...]
) -> spaces.Dict:
    """Returns the space of a mini-game's observations.

    - `screen`, `minimap`: (layers, size, size), uint8, or int32 where a layer needs it; with "layers" only, and no
      minimap without layers of it;
    - `units`: float32 (`MAX_UNITS`, `UNIT_COLUMNS`), and `unit_type`, int32 (`MAX_UNITS`,), the protocol's numbers,
      both with rows of zeros behind the units; with "units" only;
    - `player`: int32 (11,), `PLAYER_COLUMNS`;
    - `action_mask`: int8, for each function whether it can be called now, then ones for x and for y.
    """
    parts: dict[str, spaces.Space] = {}  # type: ignore[type-arg]  # of any kind
    if observe == "layers":
        parts["screen"] = _layer_space(layers, size)
        if minimap_layers:
            parts["minimap"] = _layer_space(minimap_layers, size)
    else:
        parts["units"] = spaces.Box(-np.inf, np.inf, (MAX_UNITS, len(UNIT_COLUMNS)), np.float32)
        parts["unit_type"] = spaces.Box(0, np.iinfo(np.int32).max, (MAX_UNITS,), np.int32)
    parts["player"] = spaces.Box(0, np.iinfo(np.int32).max, (len(PLAYER_COLUMNS),), np.int32)
    parts["action_mask"] = spaces.Box(0, 1, (len(functions) + 2 * size,), np.int8)
    return spaces.Dict(parts)


def _layer_space(layers: tuple[str, ...], size: int) -> spaces.Box:
    dtype = layer_dtype(layers)
    return spaces.Box(0, np.iinfo(dtype).max, (len(layers), size, size), dtype)


def action_space_of(functions: tuple[Function, ...], size: int) -> spaces.MultiDiscrete:
    """Returns the space of actions: (function, x, y) in pixels from the upper left corner."""
    return spaces.MultiDiscrete([len(functions), size, size])
