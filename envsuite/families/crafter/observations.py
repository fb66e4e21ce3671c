"""What an agent sees of a world: the picture, its symbols, or a description in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envsuite.families.crafter.describe import describe_view, merged
from envsuite.families.crafter.engine.worlds import Worlds
from envsuite.families.crafter.options import Options
from envsuite.families.crafter.rules import ACTIONS, FACINGS, ITEMS, SEMANTICS, SPRITES

Observe = Literal["pixels", "symbols", "text"]
TEXT_BYTES = 2048
"""Room of a description, in bytes of UTF-8; the rest is zeros."""


def checked_observe(value: Any) -> Observe:
    """Returns the kind of observation; raises ValueError for another name."""
    if value not in get_args(Observe):
        raise ValueError(f"observe: expected one of {', '.join(map(repr, get_args(Observe)))}, got {value!r}")
    kind: Observe = value
    return kind


def space_of(observe: Observe, options: Options) -> spaces.Space[Any]:
    """Returns the observation space."""
    if observe == "pixels":
        return spaces.Box(0, 255, (options.size[1], options.size[0], 3), np.uint8)
    if observe == "text":
        return spaces.Box(0, 255, (TEXT_BYTES,), np.uint8)
    columns, rows = options.map_view
    return spaces.Dict(
        {
            "material": spaces.Box(0, len(SEMANTICS) - 1, (rows, columns), np.uint8),
            "thing": spaces.Box(0, len(SPRITES) - 1, (rows, columns), np.uint8),
            "inventory": spaces.Box(0, 9, (len(ITEMS),), np.uint8),
            "facing": spaces.Discrete(len(FACINGS)),
            "daylight": spaces.Box(0.0, 1.0, (1,), np.float32),
            "sleeping": spaces.Discrete(2),
        }
    )


def symbols_of(worlds: Worlds, row: int) -> dict[str, Any]:
    """Returns the symbolic observation of one world."""
    return {
        "material": worlds.results.material[row].copy(),
        "thing": worlds.results.thing[row].copy(),
        "inventory": worlds.inventory[row].astype(np.uint8),
        "facing": np.int64(worlds.facing_number[row]),
        "daylight": worlds.daylight[row : row + 1].astype(np.float32),
        "sleeping": np.int64(worlds.sleeping[row]),
    }


def write_symbols(worlds: Worlds, out: Mapping[str, NDArray[Any]]) -> None:
    """Writes what of all symbolic observations the engine has not written itself."""
    out["inventory"][:] = worlds.inventory
    out["facing"][:] = worlds.facing_number
    out["daylight"][:, 0] = worlds.daylight
    out["sleeping"][:] = worlds.sleeping


def text_of(worlds: Worlds, row: int, action: int | None) -> NDArray[np.uint8]:
    """Returns the description of one world after an action, uint8 (2048,)."""
    text = describe_view(
        action=None if action is None else ACTIONS[action],
        seen=merged(worlds.results.material[row], worlds.results.thing[row]),
        facing=int(worlds.facing_number[row]),
        inventory=dict(zip(ITEMS, worlds.inventory[row].tolist(), strict=True)),
        sleeping=bool(worlds.sleeping[row]),
    )
    data = np.frombuffer(text.encode("utf-8"), np.uint8)
    out = np.zeros(TEXT_BYTES, np.uint8)
    out[: len(data)] = data
    return out
