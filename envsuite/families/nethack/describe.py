"""English for what an observation of NetHack says; names of events, reward factors and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

EVENTS = (
    "descended",
    "climbed",
    "new_depth",
    "level_up",
    "experience",
    "gold",
    "fed",
    "hurt",
    "died",
    "ascended",
    "success",
)
"""What a step may have brought:

descended, climbed: the depth in levels below the surface rose, fell; new_depth: deeper than ever in this
game; level_up: experience level; experience: experience points rose; gold: gold carried rose; fed:
nutrition rose; hurt: hit points fell; died: any death; ascended: the game is won; success: the task's goal.
"""
FACTORS = ("score", "gold", "nutrition", "discovery", "goal", "time_penalty")
"""The parts of the reward; `objectives` has their formulas."""
METRICS = ("depth", "score", "turns", "experience_level", "gold", "died", "ascended")
"""Deepest level reached, then what the status line last said, then how the episode ended (0 or 1)."""

HUNGER = ("satiated", "not hungry", "hungry", "weak from hunger", "fainting", "fainted", "starved")
CONDITIONS = (
    "turning to stone",
    "turning to slime",
    "strangled",
    "food-poisoned",
    "terminally ill",
    "blind",
    "deaf",
    "stunned",
    "confused",
    "hallucinating",
    "levitating",
    "flying",
    "riding",
)
"""In the order of the bits of the condition mask."""
_X, _Y, _GOLD, _HP, _HP_MAX, _DEPTH, _AC, _LEVEL, _TIME, _HUNGER, _CONDITION = 0, 1, 13, 10, 11, 12, 16, 18, 20, 21, 25
_BACKGROUND = frozenset({"dark part of a room", "wall", "floor of a room", "corridor", "lit corridor", ""})
_DIRECTIONS = {
    (0, -1): "north",
    (1, -1): "northeast",
    (1, 0): "east",
    (1, 1): "southeast",
    (0, 1): "south",
    (-1, 1): "southwest",
    (-1, 0): "west",
    (-1, -1): "northwest",
}
_MOST_THINGS = 20


class Thing(NamedTuple):
    """Something on the map that is not mere floor or wall."""

    name: str
    east: int
    south: int


def describe(observation: Mapping[str, NDArray[Any]], info: Mapping[str, Any]) -> str:
    """Returns lines for the message, the status, what is adjacent, what else is in view, and the inventory.

    `observation` is the Dict of arrays; a line is left out where its arrays are missing. Of `info`
    `success` and `end_status` are used where they exist. The same input gives the same text.
    """
    lines = []
    if "message" in observation:
        lines.append(f"Message: {text(observation['message']) or '(none)'}")
    if "misc" in observation and observation["misc"][0]:
        lines.append("The game waits for the key that answers.")
    if "blstats" in observation:
        lines.append(_status(observation["blstats"]))
        if "glyphs" in observation:
            lines += _surroundings(observation["glyphs"], observation["blstats"])
    if "inv_letters" in observation and "inv_strs" in observation:
        lines.append(_inventory(observation["inv_letters"], observation["inv_strs"]))
    if info.get("success"):
        lines.append("The task is solved.")
    elif info.get("end_status", "running") != "running":
        lines.append(f"The game is over: {info['end_status']}.")
    return "\n".join(lines)


def text(characters: NDArray[np.uint8]) -> str:
    """Returns the string that a zero-terminated array of characters holds."""
    return characters.tobytes().split(b"\0", 1)[0].decode("latin-1").strip()


def things(glyphs: NDArray[np.int16], x: int, y: int) -> list[Thing]:
    """Returns what is on the map besides floor, walls and the square (x, y), nearest first."""
    found = []
    for row, column in np.argwhere(_notable()[glyphs]):
        east, south = int(column) - x, int(row) - y
        if east or south:
            found.append(Thing(glyph_name(int(glyphs[row, column])), east, south))
    return sorted(found, key=lambda thing: (max(abs(thing.east), abs(thing.south)), thing.south, thing.east))


def _status(stats: NDArray[np.int64]) -> str:
    hunger = HUNGER[int(stats[_HUNGER])] if 0 <= stats[_HUNGER] < len(HUNGER) else "unknown"
    ills = [name for bit, name in enumerate(CONDITIONS) if int(stats[_CONDITION]) >> bit & 1]
    return (
        f"Status: dungeon level {stats[_DEPTH]}, hit points {stats[_HP]} of {stats[_HP_MAX]}, "
        f"armour class {stats[_AC]}, experience level {stats[_LEVEL]}, gold {stats[_GOLD]}, turn {stats[_TIME]}, "
        + ", ".join([hunger, *ills])
        + "."
    )


def _surroundings(glyphs: NDArray[np.int16], stats: NDArray[np.int64]) -> list[str]:
    x, y = int(stats[_X]), int(stats[_Y])
    adjacent = []
    for (east, south), name in _DIRECTIONS.items():
        row, column = y + south, x + east
        if 0 <= row < glyphs.shape[0] and 0 <= column < glyphs.shape[1]:
            what = glyph_name(int(glyphs[row, column]))
            adjacent.append(f"{name} {what or 'nothing known'}")
    far = [thing for thing in things(glyphs, x, y) if max(abs(thing.east), abs(thing.south)) > 1]
    listed = [f"{thing.name} {_offset(thing)}" for thing in far[:_MOST_THINGS]]
    if len(far) > _MOST_THINGS:
        listed.append(f"{len(far) - _MOST_THINGS} more")
    return [f"Adjacent: {', '.join(adjacent)}.", f"Farther: {'; '.join(listed) or 'nothing of note'}."]


def _offset(thing: Thing) -> str:
    parts = []
    if thing.south:
        parts.append(f"{abs(thing.south)} {'south' if thing.south > 0 else 'north'}")
    if thing.east:
        parts.append(f"{abs(thing.east)} {'east' if thing.east > 0 else 'west'}")
    return " ".join(parts)


def _inventory(letters: NDArray[np.uint8], names: NDArray[np.uint8]) -> str:
    items = [f"{chr(letter)}: {text(name)}" for letter, name in zip(letters, names, strict=True) if letter]
    return f"Inventory: {'; '.join(items) or 'empty'}."


@cache
def _notable() -> NDArray[np.bool_]:
    """Returns bool (number of glyphs + 1,): whether a glyph is worth a word."""
    from nle import nethack

    return np.array([glyph_name(glyph) not in _BACKGROUND for glyph in range(nethack.MAX_GLYPH + 1)])


@cache
def glyph_name(glyph: int) -> str:
    """Returns what a glyph of nle shows: "tame kitten", "staircase down", ...; "" for blank stone.

    Objects whose kind must first be identified are named by their class: "potion", "scroll".
    """
    from nle import nethack

    if nethack.glyph_is_cmap(glyph):
        return "" if glyph == nethack.GLYPH_CMAP_OFF else _cmap_name(glyph)
    if nethack.glyph_is_statue(glyph):
        return f"statue of {nethack.permonst(glyph - nethack.GLYPH_STATUE_OFF).mname}"
    if nethack.glyph_is_body(glyph):
        return f"{nethack.permonst(glyph - nethack.GLYPH_BODY_OFF).mname} corpse"
    if nethack.glyph_is_object(glyph):
        return _object_name(nethack.glyph_to_obj(glyph))
    if nethack.glyph_is_invisible(glyph):
        return "unseen monster"
    if nethack.glyph_is_swallow(glyph):
        return "inside of a monster"
    if nethack.glyph_is_warning(glyph):
        return "sensed danger"
    if nethack.glyph_is_monster(glyph):
        name = str(nethack.permonst(nethack.glyph_to_mon(glyph)).mname)
        return f"tame {name}" if nethack.glyph_is_pet(glyph) else name
    return ""


def _cmap_name(glyph: int) -> str:
    from nle import nethack

    index = nethack.glyph_to_cmap(glyph)
    if index >= nethack.MAXPCHARS or glyph >= nethack.GLYPH_EXPLODE_OFF:
        return "flash"
    return str(nethack.symdef.from_idx(index).explanation)


def _object_name(number: int) -> str:
    from nle import nethack

    kind = nethack.objclass(number)
    name, appearance = nethack.OBJ_NAME(kind), nethack.OBJ_DESCR(kind)
    if name and not appearance:
        return str(name)
    return _CLASSES.get(ord(kind.oc_class), "object")


_CLASSES = {
    1: "strange object",
    2: "weapon",
    3: "armour",
    4: "ring",
    5: "amulet",
    6: "tool",
    7: "food",
    8: "potion",
    9: "scroll",
    10: "spellbook",
    11: "wand",
    12: "gold",
    13: "gem or stone",
    14: "boulder or statue",
    15: "iron ball",
    16: "iron chain",
    17: "venom",
}
"""NetHack's object classes by number."""
