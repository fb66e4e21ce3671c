"""A scripted player of Crafter that sees only the picture.

It reads tiles and numbers off the picture, draws a map, and takes the first of a fixed list of wishes that
it can act on: fight what is beside it, drink, eat, sleep behind stone, climb the tree of tools, explore.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from envsuite.families.crafter.atlas import (
    GRASS,
    PATH,
    SAND,
    STEPS,
    STONE,
    WALKABLE,
    Atlas,
    Tile,
    distance,
)
from envsuite.families.crafter.perception import Reader, daylight, is_asleep
from envsuite.families.crafter.rules import ACTIONS, SEMANTICS
from envsuite.families.crafter.walking import ANYWHERE, MOVES, NEAR, Walker
from envsuite.seeding import stream
from envsuite.task import TaskInfo

_ACTION = {name: index for index, name in enumerate(ACTIONS)}
_WATER, _TREE, _COAL, _IRON, _DIAMOND, _TABLE, _FURNACE = (
    SEMANTICS.index(name) for name in ("water", "tree", "coal", "iron", "diamond", "table", "furnace")
)
_NEEDS = {"water": 3, "cow": 4, "sleep": 3}
"""Drink, food and energy at or below which a need comes before everything but a fight."""
_COMFORT = 6
"""Drink and food at or below which a need comes before exploring."""
_WOOD_FOR_TOOLS = 5
"""A pickaxe and a sword of stone and of iron, and one log to spare."""
_WOOD_FOR_ALL = 9
_STONES_KEPT = 6
_TOOLS = ("wood_pickaxe", "wood_sword", "stone_pickaxe", "stone_sword", "iron_pickaxe", "iron_sword")
"""In the order in which they are made."""


class Expert:
    """Plays by rules; every choice but the way of a random walk is determined by the pictures."""

    def __init__(self) -> None:
        self._read = Reader()
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Begins an episode with an empty map; the random walk comes from the seed."""
        self._atlas = Atlas()
        self._walker = Walker(self._atlas, stream(seed, "crafter expert"))
        self._step = 0
        self._last = 0
        self._done: set[str] = set()
        self._inventory: dict[str, int] = {}
        self._slept = False
        self._dig: list[int] = []

    def act(self, observation: NDArray[np.uint8]) -> int:
        """Returns the action for the picture, uint8 (64, 64, 3)."""
        if is_asleep(observation):
            self._slept, action = True, _ACTION["sleep"]
        else:
            self._look(observation)
            # The last wish, a random walk, is never None.
            action = next(choice for wish in self._wishes() if (choice := wish()) is not None)
        self._step += 1
        self._last = action
        return action

    def _look(self, observation: NDArray[np.uint8]) -> None:
        sight = self._read(observation, self._step)
        before, self._inventory = self._inventory, sight.inventory
        attempted = STEPS[self._last - 1] if 1 <= self._last <= len(STEPS) else None
        self._atlas.update(sight, attempted)
        self._done |= {name for name, amount in self._inventory.items() if amount}
        if self._inventory["food"] > before.get("food", 9):
            self._done.add("eat")
        if self._slept and self._inventory["energy"] >= 9:
            self._done.add("wake_up")
        self._slept = False

    def _wishes(self) -> tuple[Callable[[], int | None], ...]:
        """Returns what to do, most urgent first; each wish gives an action or None."""
        return (
            self._fight,
            self._follow_dig,
            lambda: self._drink(_NEEDS["water"]),
            lambda: self._eat(_NEEDS["cow"]),
            self._sleep,
            self._craft,
            self._place,
            self._sapling,
            self._nap,
            lambda: self._drink(8 if "drink_once" not in self._done else _COMFORT, NEAR),
            lambda: self._eat(9 if "eat" not in self._done else _COMFORT, NEAR),
            self._gather,
            self._hunt,
            lambda: self._walker.explore(self._passable()),
            self._walker.wander,
        )

    # Needs.

    def _fight(self) -> int | None:
        here = self._atlas.position
        reach = 3 if self._inventory["health"] >= 5 and self._armed() else 1
        foes = [
            (distance(here, tile), tile)
            for tile, name in self._atlas.things.items()
            if (name == "zombie" and distance(here, tile) <= reach)
            or (name == "skeleton" and distance(here, tile) == 1)
        ]
        if not foes:
            return None
        self._dig = []
        return self._walker.approach({min(foes)[1]})

    def _armed(self) -> bool:
        return any(self._inventory[name] for name in ("wood_sword", "stone_sword", "iron_sword"))

    def _drink(self, level: int, limit: int = ANYWHERE) -> int | None:
        if self._inventory["drink"] > level:
            return None
        action = self._walker.use({_WATER}, self._passable(), limit)
        if action == _ACTION["do"]:
            self._done.add("drink_once")
        return action

    def _eat(self, level: int, limit: int = ANYWHERE) -> int | None:
        if self._inventory["food"] > level:
            return None
        food = {tile for tile, name in self._atlas.things.items() if name in ("cow", "plant-ripe")}
        return self._walker.approach(food, limit)

    def _sleep(self) -> int | None:
        """Sleeps when tired, or at night if somewhat tired; behind stone where it can."""
        energy, dark = self._inventory["energy"], daylight(self._step) < 0.35
        if not (energy <= _NEEDS["sleep"] or (dark and energy <= 6)):
            return None
        if self._atlas.enclosed():
            return _ACTION["sleep"]
        shelter = self._seek_shelter()
        if shelter is not None:
            return shelter
        return _ACTION["sleep"] if energy <= 1 and not self._atlas.threatened() else None

    def _nap(self) -> int | None:
        """Sleeps for the few steps that restore one energy, by day with nobody near: it counts as waking up."""
        tired = self._inventory["energy"] in (7, 8)
        if "wake_up" in self._done or not tired or daylight(self._step) < 0.6 or self._atlas.threatened():
            return None
        return _ACTION["sleep"]

    # Shelter: two tiles dug into rock, the entrance closed with a stone.

    def _seek_shelter(self) -> int | None:
        if not self._inventory["wood_pickaxe"]:
            return None
        way = self._atlas.route(lambda tile: any(self._atlas.diggable(tile, step) for step in STEPS), WALKABLE, 600)
        if way is None:
            return None
        if way:
            return self._walker.towards(way[0])
        step = next(step for step in STEPS if self._atlas.diggable(self._atlas.position, step))
        back = (-step[0], -step[1])
        ahead, dig = MOVES[step], _ACTION["do"]
        self._dig = [ahead, dig, ahead, dig, ahead, MOVES[back], _ACTION["place_stone"]]
        return self._follow_dig()

    def _follow_dig(self) -> int | None:
        return self._dig.pop(0) if self._dig else None

    # Tools and things to place.

    def _craft(self) -> int | None:
        """Makes the first missing tool that can be made here, or goes to the table to make it."""
        tool = self._next_tool()
        if tool is None:
            return None
        near = {_TABLE, _FURNACE} if tool.startswith("iron") else {_TABLE}
        around = self._atlas.around(self._atlas.position)
        if near <= around:
            return _ACTION[f"make_{tool}"]
        if tool.startswith("iron") and _FURNACE not in around and _TABLE in around and self._inventory["stone"] >= 4:
            return self._put("place_furnace")
        beyond = 60 if self._inventory["wood"] >= 4 else ANYWHERE
        way = self._atlas.route(self._workplace(near), self._passable(), beyond * 8)
        if way:
            return self._walker.towards(way[0])
        return self._put("place_table") if self._inventory["wood"] >= 4 and way is None else None

    def _workplace(self, near: set[int]) -> Callable[[Tile], bool]:
        furnace_known = bool((self._atlas.material == _FURNACE).any())

        def goal(tile: Tile) -> bool:
            around = self._atlas.around(tile)
            return near <= around if furnace_known else _TABLE in around

        return goal

    def _next_tool(self) -> str | None:
        have = self._inventory
        for tool in _TOOLS:
            if have[tool]:
                continue
            needs = {"wood": {"wood": 1}, "stone": {"wood": 1, "stone": 1}, "iron": {"wood": 1, "coal": 1, "iron": 1}}
            if all(have[name] >= amount for name, amount in needs[tool.partition("_")[0]].items()):
                if tool.startswith("wood") and not (self._atlas.material == _TABLE).any():
                    return None
                return tool
        return None

    def _place(self) -> int | None:
        have = self._inventory
        no_table = not (self._atlas.material == _TABLE).any()
        if no_table and have["wood"] >= (_WOOD_FOR_TOOLS if not have["wood_pickaxe"] else _WOOD_FOR_ALL):
            return self._put("place_table")
        if "place_stone" not in self._done and have["stone"]:
            return self._put("place_stone")
        if not (self._atlas.material == _FURNACE).any() and have["stone"] >= 4 and have["stone_pickaxe"]:
            way = self._atlas.route(self._workplace({_TABLE}), self._passable(), 300)
            if way:
                return self._walker.towards(way[0])
            return self._put("place_furnace")
        return None

    def _put(self, action: str) -> int | None:
        """Places something on the tile ahead, or turns until that can take it."""
        where = {GRASS, SAND, PATH} | ({_WATER} if action == "place_stone" else set())
        if action == "place_plant":
            where = {GRASS}
        ahead = self._atlas.target
        if self._atlas.at(ahead) in where and ahead not in self._atlas.things:
            self._done.add(action)
            return _ACTION[action]
        return self._walker.wander()

    def _sapling(self) -> int | None:
        """Plants a sapling; looks for one in the grass while it has none and has never had one."""
        if self._inventory["sapling"] and "place_plant" not in self._done:
            return self._put("place_plant")
        ahead = self._atlas.target
        on_grass = self._atlas.at(ahead) == GRASS and ahead not in self._atlas.things
        return _ACTION["do"] if "sapling" not in self._done and on_grass else None

    # Getting about.

    def _gather(self) -> int | None:
        have = self._inventory
        wants: list[tuple[bool, int, int]] = [
            (bool(have["iron_pickaxe"]) and "diamond" not in self._done, _DIAMOND, ANYWHERE),
            (bool(have["stone_pickaxe"]) and have["iron"] < 2 and not have["iron_sword"], _IRON, ANYWHERE),
            (bool(have["wood_pickaxe"]) and have["coal"] < 2 and not have["iron_sword"], _COAL, ANYWHERE),
            (not have["wood_pickaxe"] and have["wood"] < _WOOD_FOR_TOOLS, _TREE, ANYWHERE),
            (bool(have["wood_pickaxe"]) and have["wood"] < self._wood_wanted(), _TREE, 400),
            (bool(have["wood_pickaxe"]) and have["stone"] < _STONES_KEPT, STONE, ANYWHERE),
            (have["wood"] < self._wood_wanted(), _TREE, ANYWHERE),
        ]
        for wanted, material, limit in wants:
            action = self._walker.use({material}, self._passable(), limit) if wanted else None
            if action is not None:
                return action
        return None

    def _wood_wanted(self) -> int:
        missing = sum(not self._inventory[tool] for tool in _TOOLS)
        return min(_WOOD_FOR_ALL, missing + 2) if missing else 0

    def _hunt(self) -> int | None:
        """Goes after creatures not yet defeated, in good health and armed."""
        if self._inventory["health"] < 6 or not self._armed():
            return None
        return self._walker.approach(
            {tile for tile, name in self._atlas.things.items() if name in ("zombie", "skeleton")}
        )

    def _passable(self) -> frozenset[int]:
        mined = {_TREE}
        if self._inventory["wood_pickaxe"]:
            mined |= {STONE, _COAL}
        return WALKABLE | mined


def make_expert(task: TaskInfo) -> Expert:
    """Returns the scripted player; it is the same for every task of the family."""
    del task
    return Expert()
