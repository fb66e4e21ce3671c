"""Crafter's rules on the objects of the installed package, with an order for everything that upstream leaves open.

What differs from `crafter.Env`, and why:

- A chunk keeps its creatures in the order of their arrival. Upstream keeps them in a set, whose order
  depends on memory addresses, so which of several creatures vanishes changes between runs.
- The world is generated from whole arrays of noise, the creatures in reach are found on the map, and the
  picture is put together from whole tiles. Every byte and every random draw is the same.
- A picture for people is drawn without a trace: upstream draws the noise of the night from the stream that
  moves the creatures.
"""

from __future__ import annotations

import collections
import copy
from typing import Any

import crafter
import numpy as np
from crafter import constants, engine, objects
from numpy.typing import NDArray

from envsuite.families.crafter.rules import ACTIONS, AREA, MATERIAL_COUNT, SEMANTICS, VIEW
from envsuite.families.crafter.terrain import make_terrain
from envsuite.families.crafter.view import GRID, Image, LocalView, draw_items, textures

CHUNK = (12, 12)
REACH = 18
"""Objects nearer than this to the player, in steps, are updated."""
BALANCE_PERIOD = 10
_KIND = {
    objects.Player: SEMANTICS.index("player"),
    objects.Cow: SEMANTICS.index("cow"),
    objects.Zombie: SEMANTICS.index("zombie"),
    objects.Skeleton: SEMANTICS.index("skeleton"),
    objects.Arrow: SEMANTICS.index("arrow"),
    objects.Plant: SEMANTICS.index("plant"),
}


class _Chunk(dict[Any, None]):
    """The objects of a chunk in the order of their arrival; what upstream uses of a set."""

    def add(self, obj: Any) -> None:
        self[obj] = None

    def remove(self, obj: Any) -> None:
        del self[obj]


class _World(engine.World):  # type: ignore[misc]  # crafter has no types
    """The world, its chunks in order."""

    def reset(self, seed: int | None = None) -> None:
        super().reset(seed)
        self._chunks: dict[tuple[int, ...], _Chunk] = collections.defaultdict(_Chunk)

    def populate(self, player: Any) -> None:
        """Makes the terrain around the player and puts the creatures on it."""
        random = self.random
        centre = (int(player.pos[0]), int(player.pos[1]))
        noise_seed = int(random.randint(0, 2**31 - 1))
        self._mat_map, tunnels = make_terrain(noise_seed, centre, self.area, random.uniform)
        distance = np.sqrt(sum((axis - at) ** 2 for axis, at in zip(np.indices(self.area), centre, strict=True)))
        names = [self._mat_names[number] for number in range(MATERIAL_COUNT)]
        walkable = np.isin(self._mat_map, [names.index(name) for name in constants.walkable])
        grass = self._mat_map == names.index("grass")
        facts = np.stack([distance > 3, distance > 10, grass, tunnels], axis=2)[walkable]
        for (x, y), (apart, far, on_grass, in_tunnel) in zip(
            np.argwhere(walkable).tolist(), facts.tolist(), strict=True
        ):
            if apart and on_grass and random.uniform() > 0.985:
                self.add(objects.Cow(self, (x, y)))
            elif far and random.uniform() > 0.993:
                self.add(objects.Zombie(self, (x, y), player))
            elif in_tunnel and random.uniform() > 0.95:
                self.add(objects.Skeleton(self, (x, y), player))

    def within(self, pos: NDArray[np.int64], distance: int) -> list[Any]:
        """Returns the objects nearer than `distance` steps to `pos`, oldest first."""
        (x, y), reach = pos.tolist(), distance - 1
        left, top = max(0, x - reach), max(0, y - reach)
        window = self._obj_map[left : x + reach + 1, top : y + reach + 1]
        columns, rows = window.nonzero()
        near = np.abs(columns + (left - x)) + np.abs(rows + (top - y)) < distance
        return [self._objects[index] for index in np.sort(window[columns[near], rows[near]]).tolist()]

    def semantic(self) -> Image:
        """Returns what `Game.semantic` does."""
        canvas: Image = self._mat_map.copy()
        where = self._obj_map.nonzero()
        canvas[where] = [_KIND[type(self._objects[index])] for index in self._obj_map[where].tolist()]
        return canvas


class Game(crafter.Env):  # type: ignore[misc]  # crafter has no types
    """One episode at a time; `crafter.Env` lends its rules for day, spawning and despawning."""

    def __init__(self) -> None:
        # Not upstream's constructor: it draws from numpy's global generator and reads 56 files.
        self._view = np.array([GRID, GRID])
        self._restore_world(_World(AREA, constants.materials, CHUNK))

    def begin(self, seed: int) -> Image:
        """Returns the first observation of what a new `crafter.Env(seed=seed)` gives in its first episode."""
        self._step = 0
        self._world.reset(seed=hash((seed, 1)) % (2**31 - 1))
        self._update_time()
        self._player = objects.Player(self._world, (AREA[0] // 2, AREA[1] // 2))
        self._world.add(self._player)
        self._world.populate(self._player)
        return self._observe()

    def advance(self, action: int) -> Image:
        """Returns the observation after one step, uint8 (64, 64, 3)."""
        world, player = self._world, self._player
        self._step += 1
        self._update_time()
        player.action = constants.actions[action]
        newest = len(world._objects)
        player.update()
        # Nothing moves or removes another object, so those in reach may be listed after the player's turn,
        # less the one that it has just placed.
        placed = world._objects[newest:]
        for obj in world.within(player.pos, REACH):
            if obj is not player and obj not in placed:
                obj.update()
        if self._step % BALANCE_PERIOD == 0:
            for chunk, members in world.chunks.items():
                self._balance_chunk(chunk, members)
        return self._observe()

    def can_act(self, action: int) -> bool:
        """Returns whether the preconditions of `action` hold now; True for "noop".

        A turn counts as acting, and so does a try whose outcome is drawn (a sapling from grass). Asleep
        and not rested, nothing but "noop" and "sleep" can act.
        """
        player, name = self._player, ACTIONS[action]
        tired: bool = player.inventory["energy"] < constants.items["energy"]["max"]
        if name == "noop":
            return True
        if player.sleeping and tired:
            return name == "sleep"
        verb, _, what = name.partition("_")
        if verb == "move":
            return self._can_move(what)
        if verb == "sleep":
            return tired
        if verb == "do":
            return self._can_do()
        if verb == "place":
            return self._can_place(what)
        return self._can_make(what)

    @property
    def player(self) -> Any:
        """The player of the episode, alive: its values change with every step."""
        return self._player

    @property
    def daylight(self) -> float:
        """How bright it is, from 0 to 1."""
        return float(self._world.daylight)

    def semantic(self) -> Image:
        """Returns a fresh uint8 (64, 64) map of what is where, the numbers of `SEMANTICS`, first axis x."""
        return self._world.semantic()

    def picture(self, unit: int) -> Image:
        """Returns the state as uint8 (9 unit, 9 unit, 3) and leaves the random stream where it was."""
        state = self._world.random.get_state()
        try:
            return self._draw(unit, unit * GRID)
        finally:
            self._world.random.set_state(state)

    def state(self) -> Any:
        """Returns a deep copy of the episode."""
        return copy.deepcopy((self._world, self._player, self._step))

    def set_state(self, state: Any) -> None:
        """Continues the episode of `state()`, which stays untouched."""
        world, self._player, self._step = copy.deepcopy(state)
        self._restore_world(world)

    def _restore_world(self, world: _World) -> None:
        self._world = world
        self._local_view = LocalView(world, textures(), VIEW)

    def _observe(self) -> Image:
        return self._draw(64 // GRID, 64)

    def _draw(self, unit: int, side: int) -> Image:
        canvas = np.zeros((side, side, 3), np.uint8)
        view = self._local_view(self._player, unit)
        width, height = view.shape[:2]
        # Fractions are cut off, as upstream's assignment does.
        canvas[:height, :width] = view.transpose(1, 0, 2)
        canvas[height : GRID * unit, :width] = draw_items(self._player.inventory, unit)
        return canvas

    def _target(self) -> tuple[Any, str | None, Any]:
        pos = self._player.pos + np.array(self._player.facing)
        return (pos, *self._world[pos])

    def _can_move(self, direction: str) -> bool:
        player = self._player
        step = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}[direction]
        return tuple(player.facing) != step or bool(player.is_free(player.pos + np.array(step)))

    def _can_do(self) -> bool:
        _, material, obj = self._target()
        if obj is not None:
            return bool(obj.ripe) if isinstance(obj, objects.Plant) else not isinstance(obj, objects.Arrow)
        rule = constants.collect.get(material)
        return bool(rule) and self._owns(rule["require"])

    def _can_place(self, what: str) -> bool:
        _, material, obj = self._target()
        rule = constants.place[what]
        return obj is None and material in rule["where"] and self._owns(rule["uses"])

    def _can_make(self, what: str) -> bool:
        rule = constants.make[what]
        nearby, _ = self._world.nearby(self._player.pos, 1)
        return all(name in nearby for name in rule["nearby"]) and self._owns(rule["uses"])

    def _owns(self, amounts: dict[str, int]) -> bool:
        return all(self._player.inventory[name] >= amount for name, amount in amounts.items())
