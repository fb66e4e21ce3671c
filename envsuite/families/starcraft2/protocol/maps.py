"""Maps: which file names the simulator knows, and the scenarios that they stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from envsuite.families.starcraft2.engine.battles import BATTLES
from envsuite.families.starcraft2.engine.scenario import MINI_GAMES, Scenario, melee

_MINI_GAMES = {scenario.name: scenario for scenario in MINI_GAMES}
MELEE: Mapping[str, int] = {
    **{f"Flat{side}": side for side in (32, 48, 64, 96, 128)},
    **{f"Simple{side}": side for side in (64, 96, 128)},
}
"""Names of melee maps, and how many cells their sides have; the game's own maps of these names have hills."""
FOLDERS: Mapping[str, tuple[str, ...]] = {
    "mini_games": tuple(_MINI_GAMES),
    "SMAC_Maps": tuple(BATTLES),
    "Melee": tuple(MELEE),
}
"""Folders under Maps, and the maps in each."""
EXTENSION = ".SC2Map"
_PLAYERS = re.compile(r"^\(\d+\)")


def stub_of(name: str) -> bytes:
    """Returns what a map's file holds: programs for the game read it and send it on, and it must not be empty."""
    return f"A stub of envsuite's simulator in the place of the map {name}, which this is not.\n".encode()


def paths() -> list[str]:
    """Returns the paths of all maps below the folder Maps."""
    return [f"{folder}/{name}{EXTENSION}" for folder, names in FOLDERS.items() for name in names]


def name_of(path: str) -> str:
    """Returns the name of a map from the path of its file, in any folder, with or without a number of players."""
    name = re.split(r"[/\\]", path)[-1].removesuffix(EXTENSION)
    return _PLAYERS.sub("", name)


@cache
def find_map(path: str) -> Scenario | None:
    """Returns the scenario that the file name of a path stands for, None where there is none."""
    name = name_of(path)
    if name in _MINI_GAMES:
        return _MINI_GAMES[name]
    if name in BATTLES:
        return BATTLES[name]
    return melee(name, MELEE[name]) if name in MELEE else None
