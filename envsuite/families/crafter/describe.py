"""Crafter's state in English: what is in view, what the player faces, how it fares, what it carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.families.crafter.rules import ACHIEVEMENTS, ITEMS, SEMANTICS, STATE_EVENTS, STATUS, VIEW

EVENTS = (*ACHIEVEMENTS, *STATE_EVENTS)
"""The names in `info["events"]`, in order."""
FACTORS = ("achievement", "health")
"""The names in `info["factors"]`, in order."""
METRICS = ACHIEVEMENTS
"""The names in `info["metrics"]`, in order: 1 for what was unlocked in the episode, else 0."""
_PLAYER = SEMANTICS.index("player")


def describe(observation: Any, info: Mapping[str, Any]) -> str:
    """Returns the state as short English sentences, a line each; equal inputs give equal text.

    Of everything in the 9 x 7 tiles of the picture the nearest instance is named, with its offset in
    steps, nearest first. The text comes from `info` of `CrafterEnv`, so it also sees through the night.
    """
    del observation
    x, y = (int(value) for value in info["player_pos"])
    semantic, inventory = info["semantic"], info["inventory"]
    lines = [
        _condition(info),
        f"In view: {_listed(_in_view(semantic, x, y)) or 'nothing'}.",
        f"You face {_facing(semantic, x, y, info['player_facing'])}.",
        f"Status: {_listed(f'{name} {inventory[name]}/9' for name in STATUS)}.",
        f"You carry {_listed(_belongings(inventory)) or 'nothing'}.",
    ]
    if info.get("events"):
        lines.append(f"Just happened: {_listed(_spaced(name) for name in info['events'])}.")
    return "\n".join(lines)


def _condition(info: Mapping[str, Any]) -> str:
    light = "It is night." if info["daylight"] < 0.5 else "It is day."
    if info["inventory"]["health"] <= 0:
        return f"You are dead. {light}"
    return f"You are {'asleep' if info['sleeping'] else 'awake'}. {light}"


def _in_view(semantic: NDArray[np.uint8], x: int, y: int) -> list[str]:
    """Returns each kind of thing in view with the offset of its nearest instance, nearest first."""
    half_x, half_y = VIEW[0] // 2, VIEW[1] // 2
    left, top = max(0, x - half_x), max(0, y - half_y)
    window = semantic[left : x + half_x + 1, top : y + half_y + 1]
    found = []
    for number in np.unique(window).tolist():
        if number == _PLAYER:
            continue
        offsets = [(i + left - x, j + top - y) for i, j in np.argwhere(window == number).tolist()]
        nearest = min((abs(column) + abs(row), row, column) for column, row in offsets)
        found.append((nearest, SEMANTICS[number]))
    return [f"{name} {_offset(column, row)}" for (_, row, column), name in sorted(found)]


def _offset(east: int, south: int) -> str:
    """Returns "2 north 1 west" and the like."""
    parts = []
    if south:
        parts.append(f"{abs(south)} {'south' if south > 0 else 'north'}")
    if east:
        parts.append(f"{abs(east)} {'east' if east > 0 else 'west'}")
    return " ".join(parts)


def _facing(semantic: NDArray[np.uint8], x: int, y: int, facing: NDArray[np.int64]) -> str:
    east, south = (int(value) for value in facing)
    column, row = x + east, y + south
    inside = 0 <= column < semantic.shape[0] and 0 <= row < semantic.shape[1]
    thing = SEMANTICS[int(semantic[column, row])] if inside else "the edge of the world"
    return f"{_offset(east, south).split()[-1]}, towards {thing}"


def _belongings(inventory: Mapping[str, int]) -> list[str]:
    return [f"{inventory[name]} {_spaced(name)}" for name in ITEMS if name not in STATUS and inventory[name] > 0]


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _listed(parts: Any) -> str:
    return ", ".join(parts)
