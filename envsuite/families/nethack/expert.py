"""A scripted explorer: sees what any agent sees, walks, fights, eats, searches and goes down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envsuite.families.nethack import navigation as nav
from envsuite.families.nethack.describe import glyph_name, text
from envsuite.families.nethack.plans import GOOD_CORPSES, LASTING_FOOD, NEVER_TOUCH, PLANS, Plan
from envsuite.task import TaskInfo, parse_id

Observation = Mapping[str, NDArray[Any]]

_X, _Y, _HP, _HP_MAX, _TIME, _HUNGER, _BRANCH, _LEVEL = 0, 1, 10, 11, 20, 21, 23, 24
_SATIATED, _HUNGRY = 0, 2
_FOOD = 7
_KICK, _MORE, _ESCAPE = 4, 13, 27
"""Keys of commands."""
_MINES = 2
_FRESH_TURNS = 20
_SEARCHES = 10
_MOST_KICKS = 25
_PATIENCE = 25
"""How many squares of a level are searched from before another branch of the dungeon will do."""
_LONG_BLOCK = 10**9
_PET_PATIENCE = 15
_PRAYER_TURNS = 1000


def make_expert(task: TaskInfo) -> Explorer:
    """Returns the explorer with the plan for the task."""
    return Explorer(PLANS[parse_id(task.id).name], action_keys(task.action_space))


def action_keys(space: spaces.Space[Any]) -> tuple[int, ...]:
    """Returns the key of every action of the tasks' space (23) or the challenge's (121)."""
    from nle import nethack
    from nle.env.tasks import TASK_ACTIONS

    return tuple(int(action) for action in (nethack.ACTIONS if space.contains(len(TASK_ACTIONS)) else TASK_ACTIONS))


@cache
def _never_touched() -> frozenset[int]:
    from nle import nethack

    return frozenset(glyph for glyph in range(nethack.GLYPH_PET_OFF) if glyph_name(glyph) in NEVER_TOUCH)


class Explorer:
    """Walks to the nearest square from which something new can be seen, and on from level to level."""

    def __init__(self, plan: Plan, keys: Sequence[int]) -> None:
        self._plan = plan
        self._actions = {key: np.int64(index) for index, key in reversed(list(enumerate(keys)))}
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forgets everything and seeds the few choices left to chance."""
        self._rng = np.random.default_rng(seed)
        self._levels: dict[tuple[int, int], nav.Level] = {}
        self._queue: list[int] = []
        self._here: tuple[tuple[int, int], int] | None = None
        self._step_to: int | None = None
        self._turn = 0
        self._still = 0
        self._kills: dict[tuple[tuple[int, int], int], int] = {}
        self._fought: int | None = None
        self._attacked: int | None = None
        self._under = ""
        self._mines_accepted = False
        self._rested = 0
        self._prayed = -_PRAYER_TURNS + 300
        self._waited = 0
        self._errand: int | None = None
        self._hp = 0
        self._spot: tuple[tuple[int, int], int] | None = None

    def act(self, observation: Observation) -> np.int64:
        """Returns the action whose key `_choose` names; MORE where the task has no such key."""
        key = self._choose(observation)
        return self._actions.get(key, self._actions[_MORE])

    def _choose(self, observation: Observation) -> int:
        self._take_in(observation)
        if observation["misc"].any():
            return self._answer(observation)
        if self._disturbed():
            self._queue.clear()
        if self._queue:
            return self._queue.pop(0)
        if self._still > 6:
            self._still = 0
            self._step_to = None
            if _ESCAPE in self._actions and self._rng.random() < 0.5:
                return _ESCAPE
            return ord(str(self._rng.choice(list("hjklyubn"))))
        for choose in (self._pray, self._fight, self._eat, self._rest, self._pursue):
            key = choose()
            if key is not None:
                return key
        return ord("s")

    def _disturbed(self) -> bool:
        """Whether something came up that matters more than what was planned."""
        near = [self._square + step for step in nav.MOVES]
        return self._hurt or bool((self._level.kinds[near] == nav.CREATURE).any())

    # Perception.

    def _take_in(self, observation: Observation) -> None:
        stats = observation["blstats"].tolist()
        self._hurt = stats[_HP] < self._hp
        self._hp = stats[_HP]
        self._stats = stats
        self._message = text(observation["message"])
        self._letters = observation["inv_letters"], observation["inv_oclasses"]
        self._still = self._still + 1 if stats[_TIME] == self._turn else 0
        passed = stats[_TIME] - self._turn
        self._turn = stats[_TIME]
        key = (stats[_BRANCH], stats[_LEVEL])
        level = self._level = self._levels.setdefault(key, nav.Level())
        square = nav.square_at(stats[_X], stats[_Y])
        level.turns += max(0, passed)
        if (key, square) != self._here:
            self._under = glyph_name(int(level.glyphs[square]))
        level.see(observation["glyphs"], square)
        level.shop |= any(glyph_name(int(glyph)) == "shopkeeper" for glyph in level.glyphs[level.kinds == nav.CREATURE])
        self._learn(key, square)
        self._key, self._square = key, square
        self._here = (key, square)

    def _learn(self, key: tuple[int, int], square: int) -> None:
        """Learns from what the last action came to."""
        if self._here is not None and self._here[0] != key:
            if key[0] == _MINES and self._here[0][0] != _MINES:
                self._levels[self._here[0]].wrong_downs.add(self._here[1])
        elif self._step_to is not None and self._here == (key, square):
            self._stopped(self._step_to)
        if self._fought is not None and ("You kill" in self._message or "You destroy" in self._message):
            self._kills[key, self._fought] = self._turn
        self._fought = None
        self._step_to = None

    def _stopped(self, there: int) -> None:
        """Learns why a step to `there` did not happen."""
        level = self._level
        if "locked" in self._message:
            if level.kicks.get(there, 0) < _MOST_KICKS:
                level.kicks[there] = level.kicks.get(there, 0) + 1
                self._queue = [_KICK, ord(nav.MOVES[there - self._square])]
            else:
                level.blocked_until[there] = self._turn + 500
        elif "wall" in self._message or "solid" in self._message or "in vain" in self._message:
            level.blocked_until[there] = _LONG_BLOCK
        elif level.kinds[there] not in (nav.CREATURE, nav.CLOSED_DOOR):
            level.kicks[-there] = level.kicks.get(-there, 0) + 1
            if level.kicks[-there] % 6 == 0:
                level.blocked_until[there] = self._turn + 60

    def _answer(self, observation: Observation) -> int:
        asks_key = bool(observation["misc"][0])
        if asks_key and "here; eat" in self._message:
            return ord("y") if self._is_good(self._message) else ord("n")
        if asks_key and "want to eat" in self._message:
            return self._food_letter() or _MORE
        if asks_key and "direction" in self._message and self._queue:
            return self._queue.pop(0)
        if asks_key and "Really attack" in self._message and self._attacked is not None:
            self._level.peaceful.add(self._attacked)
        if asks_key and "want to pray" in self._message:
            return ord("y")
        self._queue.clear()
        return _ESCAPE if observation["misc"][1] and _ESCAPE in self._actions else _MORE

    # What to do, most urgent first; None where there is nothing to do.

    def _pray(self) -> int | None:
        hp, most = self._stats[_HP], self._stats[_HP_MAX]
        in_need = hp < max(6, most / 7) or self._stats[_HUNGER] > _HUNGRY
        pray = 0x80 | ord("p")
        if not in_need or pray not in self._actions or self._turn < self._prayed + _PRAYER_TURNS:
            return None
        self._prayed = self._turn
        return pray

    def _fight(self) -> int | None:
        level = self._level
        self._attacked = None
        for step, key in nav.MOVES.items():
            there = self._square + step
            if level.kinds[there] != nav.CREATURE:
                continue
            glyph = int(level.glyphs[there])
            diagonal = step not in nav.STRAIGHT
            if glyph in _never_touched() or glyph in level.peaceful or glyph_name(glyph) == self._plan.look_for:
                continue
            if diagonal and (self._square in level.doors or there in level.doors):
                continue
            if level.blocked_until[there] > self._turn:
                continue
            self._attacked, self._fought = glyph, there
            return ord(key)
        if glyph_name(int(level.glyphs[self._square - 1])) == "inside of a monster":
            return ord("h")
        return None

    def _eat(self) -> int | None:
        hunger = self._stats[_HUNGER]
        if hunger == _SATIATED:
            return None
        if self._edible(self._square, self._under):
            self._under = ""
            self._kills.pop((self._key, self._square), None)
            return ord("e")
        if (hunger >= _HUNGRY or self._plan.feast) and self._food_letter() is not None:
            return ord("e")
        return None

    def _food_letter(self) -> int | None:
        letters, classes = self._letters
        food = [int(letter) for letter, kind in zip(letters, classes, strict=True) if kind == _FOOD]
        return next((letter for letter in food if letter in self._actions), None)

    def _is_good(self, question: str) -> bool:
        """Whether the food that the game offers by "There is a newt corpse here; eat it?" does no harm."""
        name = question.partition(" here; eat")[0]
        lasting = any(food in name for food in LASTING_FOOD)
        return lasting or (name.endswith(" corpse") and any(f" {kind} corpse" in name for kind in GOOD_CORPSES))

    def _rest(self) -> int | None:
        hp, most = self._stats[_HP], self._stats[_HP_MAX]
        if self._rested:
            self._rested -= 1
        elif hp < 0.4 * most:
            self._rested = 150
        enemies = self._level.kinds == nav.CREATURE
        if not self._rested or hp > 0.75 * most or self._stats[_HUNGER] > _HUNGRY or enemies.any():
            self._rested = 0 if hp > 0.75 * most else self._rested
            return None
        return ord("s")

    def _pursue(self) -> int | None:
        """Pursues the plan: fresh corpses, gold, the goal, the way down, the unknown, the hidden."""
        level, plan = self._level, self._plan
        allowed = level.passable(self._turn, _never_touched(), push=False)
        for targets in (self._food(), self._sought(), self._gold(allowed)):
            key = self._toward(targets, allowed)
            if key is not None:
                return key
        if self._key[0] == _MINES and not self._mines_accepted and plan.descend and level.ups:
            return self._leave(level.ups, "<", allowed)
        if self._hurries():
            key = self._leave(self._downs(), ">", allowed)
            if key is not None:
                return key
        key = self._toward(level.frontier(allowed), allowed)
        if key is None and plan.descend:
            key = self._leave(self._downs(), ">", allowed)
        if key is None:
            pushing = level.passable(self._turn, _never_touched(), push=True)
            key = self._toward(level.frontier(pushing), pushing) or self._search(allowed)
        return key

    def _hurries(self) -> bool:
        plan, depth = self._plan, self._key[1]
        if not plan.descend:
            return True
        if plan.look_for is not None and depth >= plan.look_from:
            return self._level.turns > 1200
        if self._stats[_HUNGER] >= _HUNGRY and not plan.feast:
            return True
        return self._turn >= plan.explore_until or depth > plan.deepest_explored or self._level.turns > 1500

    def _downs(self) -> set[int]:
        level = self._level
        self._mines_accepted |= level.rounds >= _PATIENCE and bool(level.wrong_downs)
        return level.downs if self._mines_accepted else level.downs - level.wrong_downs

    def _meals(self) -> set[int]:
        """Returns the squares of this level where there is good food, as far as is known."""
        level = self._level
        found = [] if level.shop else np.flatnonzero(level.kinds == nav.OBJECT).tolist()
        return {square for square in found if self._edible(square, glyph_name(int(level.glyphs[square])))}

    def _edible(self, square: int, name: str) -> bool:
        if name in LASTING_FOOD:
            return True
        fresh = self._turn - self._kills.get((self._key, square), -_FRESH_TURNS) < _FRESH_TURNS
        return fresh and name.endswith(" corpse") and name.removesuffix(" corpse") in GOOD_CORPSES

    def _food(self) -> NDArray[np.bool_]:
        return nav.squares(*(() if self._stats[_HUNGER] == _SATIATED else self._meals()))

    def _sought(self) -> NDArray[np.bool_]:
        if self._plan.look_for is None:
            return nav.squares()
        level = self._level
        creatures = np.flatnonzero(level.kinds == nav.CREATURE).tolist()
        return nav.squares(*(at for at in creatures if glyph_name(int(level.glyphs[at])) == self._plan.look_for))

    def _gold(self, allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        gold = (self._level.kinds == nav.GOLD) & allowed
        return gold if self._plan.descend else nav.squares()

    def _toward(self, targets: NDArray[np.bool_], allowed: NDArray[np.bool_]) -> int | None:
        if not targets.any():
            return None
        first = nav.nearest(self._level, self._square, allowed, targets)
        if first is None or first == self._square:
            return None
        self._step_to = first
        return ord(nav.MOVES[first - self._square])

    def _leave(self, exits: set[int], key: str, allowed: NDArray[np.bool_]) -> int | None:
        if not exits:
            return None
        if self._plan.stay_on_stairs:
            return self._fetch_pet(exits, allowed)
        return ord(key) if self._square in exits else self._toward(nav.squares(*exits), allowed)

    def _fetch_pet(self, exits: set[int], allowed: NDArray[np.bool_]) -> int | None:
        """Waits for the pet on the stairs, and now and then walks off to look for it."""
        pets = self._level.kinds == nav.PET
        near = [self._square + step for step in nav.MOVES]
        if self._errand is not None and (pets[near].any() or self._square == self._errand):
            self._errand = None
        if self._errand is None:
            if self._square not in exits:
                return self._toward(nav.squares(*exits), allowed)
            self._waited += 1
            if self._waited % _PET_PATIENCE:
                return ord("s")
            known = np.flatnonzero(self._level.visited & allowed)
            self._errand = int(self._rng.choice(known)) if known.size else self._square
        key = self._toward(pets, allowed) or self._toward(nav.squares(self._errand), allowed)
        if key is None:
            self._errand = None
        return key

    def _search(self, allowed: NDArray[np.bool_]) -> int | None:
        """Searches for what is hidden, where it is most promising for the walk."""
        level = self._level
        if self._spot is None or self._spot[0] != self._key:
            self._spot = self._key, self._best_spot(allowed)
        spot = self._spot[1]
        key = None if spot == self._square else self._toward(nav.squares(spot), allowed)
        if key is not None:
            return key
        self._spot = None
        level.rounds += 1
        for step in (0, *nav.MOVES):
            level.searched[spot + step] += _SEARCHES
        self._queue = [ord("s")] * (_SEARCHES - 1)
        return ord("s")

    def _best_spot(self, allowed: NDArray[np.bool_]) -> int:
        worth = self._level.places_to_search(allowed)
        reached = nav.flood(self._level, self._square, allowed)
        return max(reached, key=lambda way: (int(worth[way[0]]) - way[1], -way[1]))[0]
