"""The game's constants, read from the installed package: its `data.yaml`, and daylight by its formula."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import ruamel.yaml
from numpy.typing import NDArray

from envsuite.families.crafter.rules import ACHIEVEMENTS, ACTIONS, ITEMS, MATERIAL_COUNT, SEMANTICS

ON_FOOT, AS_PLAYER, AS_ARROW = 1, 2, 4
"""Who may enter a material: bits of `WALKABLE`."""
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def package_folder() -> Path:
    """Returns where the `crafter` package is, without importing it."""
    spec = importlib.util.find_spec("crafter")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'crafter'")
    return Path(spec.origin).parent


@functools.cache
def load_data() -> dict[str, Any]:
    """Returns the installed package's `data.yaml`."""
    text = (package_folder() / "data.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = ruamel.yaml.YAML(typ="safe", pure=True).load(text)
    return data


def _of_actions(data: dict[str, Any], verb: str) -> list[tuple[str, dict[str, Any]]]:
    """Returns names and rules of "place" or "make", in the order of the actions."""
    names = [action.removeprefix(f"{verb}_") for action in ACTIONS if action.startswith(f"{verb}_")]
    return [(name, data[verb][name]) for name in names]


def _achievement(name: str) -> int:
    return ACHIEVEMENTS.index(name) if name in ACHIEVEMENTS else 0


def _amounts(rules: list[dict[str, int]]) -> Ints:
    return np.array([[rule.get(item, 0) for item in ITEMS] for rule in rules], np.int64)


def _materials(rules: list[list[str]]) -> Bools:
    return np.array([[name in rule for name in SEMANTICS[:MATERIAL_COUNT]] for rule in rules], np.bool_)


def _walkable(on_foot: list[str]) -> NDArray[np.uint8]:
    """Returns who may enter each material: on foot, the player besides lava, arrows besides water and lava."""
    bits = np.zeros(MATERIAL_COUNT, np.uint8)
    bits[[SEMANTICS.index(name) for name in on_foot]] = ON_FOOT | AS_PLAYER | AS_ARROW
    bits[SEMANTICS.index("lava")] |= AS_PLAYER | AS_ARROW
    bits[SEMANTICS.index("water")] |= AS_ARROW
    return bits


_DATA = load_data()
_COLLECT = [_DATA["collect"].get(name) for name in SEMANTICS[:MATERIAL_COUNT]]
_PLACE, _MAKE = _of_actions(_DATA, "place"), _of_actions(_DATA, "make")

# The compiler takes these as constants. They are indexed by the numbers of `rules.SEMANTICS` and `rules.ITEMS`, and
# by the places of the "place" and the "make" actions among their kind.
WALKABLE = _walkable(_DATA["walkable"])
ITEM_MAX = np.array([_DATA["items"][name]["max"] for name in ITEMS])
ITEM_INITIAL = np.array([_DATA["items"][name]["initial"] for name in ITEMS])
COLLECTABLE = np.array([rule is not None for rule in _COLLECT])
COLLECT_NEEDS = _amounts([rule["require"] if rule else {} for rule in _COLLECT])
COLLECT_GIVES = _amounts([rule["receive"] if rule else {} for rule in _COLLECT])
COLLECT_LEAVES = np.array([SEMANTICS.index(rule["leaves"]) if rule else 0 for rule in _COLLECT])
COLLECT_CHANCE = np.array([float(rule.get("probability", 1)) if rule else 0.0 for rule in _COLLECT])
COLLECT_ACHIEVEMENT = np.array([_achievement(f"collect_{name}") for name in ITEMS])
"""By item, 0 for those that cannot be collected."""
PLACE_WHERE = _materials([rule["where"] for _, rule in _PLACE])
PLACE_USES = _amounts([rule["uses"] for _, rule in _PLACE])
PLACE_MATERIAL = np.array([SEMANTICS.index(name) if rule["type"] == "material" else 0 for name, rule in _PLACE])
"""0 for a plant, which is no material."""
PLACE_ACHIEVEMENT = np.array([ACHIEVEMENTS.index(f"place_{name}") for name, _ in _PLACE])
MAKE_NEARBY = _materials([rule["nearby"] for _, rule in _MAKE])
MAKE_USES = _amounts([rule["uses"] for _, rule in _MAKE])
MAKE_GIVES = _amounts([{name: rule["gives"]} for name, rule in _MAKE])
MAKE_ACHIEVEMENT = np.array([ACHIEVEMENTS.index(f"make_{name}") for name, _ in _MAKE])


def daylight_at(step: int) -> float:
    """Returns how bright it is after `step` steps, from 0 to 1; a day has 300 steps.

    In the reference's operations on numpy's scalars: those on arrays may differ in the last bit.
    """
    progress = (step / 300) % 1 + 0.3
    return float(1 - np.abs(np.cos(np.pi * progress)) ** 3)


class Daylight:
    """The brightness after each step, as an array that grows; one for all worlds."""

    def __init__(self) -> None:
        self.table: NDArray[np.float64] = np.zeros(0)

    def upto(self, step: int) -> NDArray[np.float64]:
        """Returns a table that reaches `step` at least."""
        known = len(self.table)
        if step >= known:
            wanted = range(known, max(step + 1, 2 * known, 1024))
            self.table = np.concatenate([self.table, [daylight_at(each) for each in wanted]])
        return self.table


DAYLIGHT = Daylight()
