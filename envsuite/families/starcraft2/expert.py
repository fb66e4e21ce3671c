"""Scripted players of the mini-games that see only the feature layers, as pysc2's scripted agents do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.families.starcraft2.functions import OF_MINI_GAME
from envsuite.families.starcraft2.observations import DEFAULT_LAYERS, ECONOMY_LAYERS
from envsuite.families.starcraft2.teams.expert import Attacker, make_attacker
from envsuite.task import TaskInfo

SELF, NEUTRAL, ENEMY = 1, 3, 4
"""Of the layer `player_relative`."""
_COMMAND_CENTER, _FIELD, _DEPOT, _BARRACKS = 18, 341, 19, 21
"""Of the layer `unit_type`."""
Observation = dict[str, NDArray[Any]]
Action = NDArray[np.int64]
_OF_TASK = {
    "move-to-beacon": "MoveToBeacon",
    "collect-mineral-shards": "CollectMineralShards",
    "find-and-defeat-zerglings": "FindAndDefeatZerglings",
    "defeat-roaches": "DefeatRoaches",
    "defeat-zerglings-and-banelings": "DefeatZerglingsAndBanelings",
    "collect-minerals-and-gas": "CollectMineralsAndGas",
    "build-marines": "BuildMarines",
}


class LayersPlayer:
    """What the scripted players have in common: functions by name, points of a layer."""

    names: tuple[str, ...]
    layers: tuple[str, ...] = DEFAULT_LAYERS

    def __init__(self, mini_game: str) -> None:
        """Takes the functions of a mini-game's task."""
        self.names = OF_MINI_GAME[mini_game]

    def reset(self, seed: int) -> None:
        """Begins an episode; the script draws nothing."""
        del seed

    def act(self, observation: Observation) -> Action:
        """Returns the script's action."""
        raise NotImplementedError

    def can(self, observation: Observation, name: str) -> bool:
        """Tells whether a function can be called now."""
        return bool(observation["action_mask"][self.names.index(name)])

    def call(self, name: str, point: Any = (0, 0)) -> Action:
        """Returns the action that calls a function at a point (x, y)."""
        return np.array([self.names.index(name), int(point[0]), int(point[1])], np.int64)

    def points(self, observation: Observation, layer: str, value: int) -> NDArray[np.int64]:
        """Returns where a screen layer has a value, (n, 2) of x and y."""
        rows, columns = np.nonzero(observation["screen"][self.layers.index(layer)] == value)
        return np.stack([columns, rows], axis=1)


class Mover(LayersPlayer):
    """Goes to the middle of the beacon, or to the shard that is nearest to the marines."""

    def __init__(self, mini_game: str) -> None:
        """Takes the functions of a mini-game's task."""
        super().__init__(mini_game)
        self._nearest = mini_game == "CollectMineralShards"

    def act(self, observation: Observation) -> Action:
        """Returns a selection of the marines, then moves."""
        if not self.can(observation, "Move_screen"):
            return self.call("select_army")
        goals = self.points(observation, "player_relative", NEUTRAL)
        if not len(goals):
            return self.call("no_op")
        if not self._nearest:
            return self.call("Move_screen", goals.mean(axis=0).round())
        own = self.points(observation, "player_relative", SELF)
        middle = own.mean(axis=0).round() if len(own) else np.array([32.0, 32.0])
        return self.call("Move_screen", goals[np.argmin(np.linalg.norm(goals - middle, axis=1))])


class Fighter(LayersPlayer):
    """Lets all marines attack one enemy: the one lowest on the screen."""

    def act(self, observation: Observation) -> Action:
        """Returns a selection of the marines, then attacks."""
        if not self.can(observation, "Attack_screen"):
            return self.call("select_army" if self.can(observation, "select_army") else "no_op")
        enemies = self.points(observation, "player_relative", ENEMY)
        if not len(enemies):
            return self.call("no_op")
        return self.call("Attack_screen", enemies[np.argmax(enemies[:, 1])])


class Searcher(LayersPlayer):
    """Keeps the camera over the marines and attacks what is seen, or goes on along a lap round the map."""

    _LAP = ((16, 40), (16, 20), (48, 20), (48, 40), (32, 30))
    """Of the minimap in 64ths."""

    def reset(self, seed: int) -> None:
        """Begins a lap."""
        super().reset(seed)
        self._leg = 0
        self._steps = 0

    def act(self, observation: Observation) -> Action:
        """Returns a selection, a move of the camera or an attack, in turns."""
        self._steps += 1
        if not self.can(observation, "Attack_screen"):
            return self.call("select_army" if self.can(observation, "select_army") else "no_op")
        minimap = observation["minimap"][2]
        rows, columns = np.nonzero(minimap == SELF)
        if not len(rows):
            return self.call("no_op")
        here = np.array([columns.mean(), rows.mean()])
        if self._steps % 2:
            return self.call("move_camera", here.round())
        enemies = self.points(observation, "player_relative", ENEMY)
        own = self.points(observation, "player_relative", SELF)
        if len(enemies) and len(own):
            return self.call("Attack_screen", enemies[np.argmin(np.linalg.norm(enemies - own.mean(axis=0), axis=1))])
        size = minimap.shape[0]
        goal = np.array(self._LAP[self._leg]) * size / 64
        if np.linalg.norm(goal - here) < size / 16:
            self._leg = (self._leg + 1) % len(self._LAP)
        direction = (goal - here) / max(np.linalg.norm(goal - here), 1e-9)
        point = (size / 2 + direction * size * 0.45).clip(0, size - 1)
        return self.call("Attack_screen", point)


class Worker(LayersPlayer):
    """Trains workers and sends the idle ones to the fields; in BuildMarines depots, barracks and marines too."""

    layers = ECONOMY_LAYERS
    _SITES = ((44, 14), (44, 22), (44, 36), (44, 46), (52, 14), (52, 22), (52, 36), (52, 46))
    """Of barracks, in 64ths of the screen."""
    _DEPOTS = tuple((x, y) for y in (8, 54) for x in range(22, 46, 4))

    def reset(self, seed: int) -> None:
        """Begins with no plan."""
        super().reset(seed)
        self._site = self._depot = 0
        self._turn = 0
        self._holds_idle = False

    def act(self, observation: Observation) -> Action:
        """Returns what is most wanted of what can be done."""
        self._turn += 1
        makes = "Train_Marine_quick" in self.names
        size = observation["screen"].shape[-1]
        for name in ("Train_Marine_quick", "Train_SCV_quick"):
            if makes or name != "Train_Marine_quick":
                workers = int(observation["player"][6])
                if self.can(observation, name) and (name != "Train_SCV_quick" or workers < 22):
                    return self.call(name)
        if makes and self.can(observation, "Build_SupplyDepot_screen") and self._short_of_supply(observation):
            self._depot = (self._depot + 1) % len(self._DEPOTS)
            return self.call("Build_SupplyDepot_screen", np.array(self._DEPOTS[self._depot]) * size / 64)
        if makes and self.can(observation, "Build_Barracks_screen") and self._turn % 3 == 0:
            self._site = (self._site + 1) % len(self._SITES)
            return self.call("Build_Barracks_screen", np.array(self._SITES[self._site]) * size / 64)
        fields = self.points(observation, "unit_type", _FIELD)
        idle = int(observation["player"][7])
        if idle and self._holds_idle and self.can(observation, "Harvest_Gather_screen") and len(fields):
            self._holds_idle = False
            return self.call("Harvest_Gather_screen", fields[(self._turn * 37) % len(fields)])
        return self._select(observation, makes)

    def _short_of_supply(self, observation: Observation) -> bool:
        used, cap = observation["player"][3:5]
        return bool(cap - used < 6)

    def _select(self, observation: Observation, makes: bool) -> Action:
        self._holds_idle = False
        if self.can(observation, "select_idle_worker") and self._turn % 2:
            self._holds_idle = True
            return self.call("select_idle_worker")
        kinds = (_COMMAND_CENTER, _BARRACKS) if makes else (_COMMAND_CENTER,)
        places = self.points(observation, "unit_type", kinds[self._turn // 2 % len(kinds)])
        if not len(places):
            places = self.points(observation, "unit_type", _COMMAND_CENTER)
        if makes and self._turn % 4 == 0:
            workers = self.points(observation, "unit_type", 45)
            places = workers if len(workers) else places
        return self.call("select_point", places[(self._turn * 61) % len(places)]) if len(places) else self.call("no_op")


_PLAYERS = {
    "MoveToBeacon": Mover,
    "CollectMineralShards": Mover,
    "FindAndDefeatZerglings": Searcher,
    "DefeatRoaches": Fighter,
    "DefeatZerglingsAndBanelings": Fighter,
    "CollectMineralsAndGas": Worker,
    "BuildMarines": Worker,
}


def make_expert(task: TaskInfo) -> LayersPlayer | Attacker:
    """Returns the scripted player of a mini-game's task, for its own functions and layers, or of a battle's.

    Raises LookupError for a task that has no script.
    """
    name = task.id.removeprefix("envsuite/starcraft2-").removeprefix("sim-").rsplit("-v", 1)[0]
    if name.startswith("smac"):
        return make_attacker(task)
    if name not in _OF_TASK:
        raise LookupError(f"task: expected one of the seven mini-games or a battle, got {task.id}: it has no script")
    mini_game = _OF_TASK[name]
    player: LayersPlayer = _PLAYERS[mini_game](mini_game)
    return player
