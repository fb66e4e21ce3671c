"""CrafterEnv: Crafter under the contract."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envsuite.env import Info, TaskEnv, Transition
from envsuite.families.crafter.game import Game
from envsuite.families.crafter.rules import ACHIEVEMENTS, ACTIONS
from envsuite.task import Family, Task

FRAME_UNIT = 64
"""Side of a tile in a picture for people: four times that of the textures."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An episode of Crafter at one moment, for `CrafterEnv.restore`; it may be restored any number of times."""

    game: Any
    unlocked: frozenset[str]
    counters: Mapping[str, Any]


class CrafterEnv(TaskEnv):
    """Crafter with its own reward, or with none.

    Observation: uint8 (64, 64, 3), 9 x 7 tiles of the map around the player over two rows of inventory.
    Action: Discrete(17), see `rules.ACTIONS`. The reward of a step is 1 if it has unlocked one or more
    achievements, plus a tenth of the change in health. The episode terminates at health zero.

    `info` also holds `inventory` and `achievements` (how often each was done), dicts of ints; `semantic`,
    uint8 (64, 64) of `rules.SEMANTICS` numbers with the first axis x; `player_pos` and `player_facing`,
    int64 (2,) as x, y; `sleeping`, a bool; `daylight`, a float in [0, 1].

    `info["invalid_action"]` counts actions whose preconditions did not hold: a move against an obstacle
    already faced; "do" on what gives nothing, or without the tool it needs; "sleep" at full energy;
    "place" and "make" without material, place or table; and anything but "noop" and "sleep" while asleep.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array", "human"], "render_fps": 10}  # type: ignore[misc]  # gymnasium declares it per instance

    def __init__(
        self, *, task: Task, family: Family, reward: bool, render_mode: str | None = None, copy: bool = True
    ) -> None:
        super().__init__(task=task, family=family, render_mode=render_mode, copy=copy)
        self.observation_space = spaces.Box(0, 255, (64, 64, 3), np.uint8)
        self.action_space = spaces.Discrete(len(ACTIONS))
        self.action_names = ACTIONS
        self._reward = reward
        self._game = Game()
        self._unlocked: frozenset[str] = frozenset()

    def snapshot(self) -> Snapshot:
        """Returns the whole state of the episode and of the stream of seeds, detached from the environment.

        Raises Gymnasium's `ResetNeeded` before the first `reset`.
        """
        self._require_episode("snapshot()")
        counters = {name: getattr(self, name) for name in _COUNTERS}
        return Snapshot(self._game.state(), self._unlocked, copy.deepcopy(counters))

    def restore(self, snapshot: Snapshot) -> None:
        """Continues from a snapshot of this or another Crafter environment: the same actions give the same bytes.

        Raises TypeError for anything but a `Snapshot`.
        """
        if not isinstance(snapshot, Snapshot):
            raise TypeError(f"snapshot: expected what snapshot() returned, got {type(snapshot).__name__}")
        self._game.set_state(snapshot.game)
        self._unlocked = snapshot.unlocked
        for name, value in copy.deepcopy(dict(snapshot.counters)).items():
            setattr(self, name, value)

    def _begin(self, seed: int, task_value: Any) -> tuple[NDArray[np.uint8], Info]:
        del task_value
        self._unlocked = frozenset()
        return self._game.begin(seed), self._extra()

    def _advance(self, action: Any) -> Transition:
        game, index = self._game, int(action)
        player = game.player
        effect = game.can_act(index)
        health, asleep = player.health, player.sleeping
        observation = game.advance(index)
        fresh = [name for name in ACHIEVEMENTS if player.achievements[name] and name not in self._unlocked]
        self._unlocked |= frozenset(fresh)
        died = player.health <= 0
        happened = {
            "damaged": player.health < health,
            "died": died,
            "fell_asleep": player.sleeping and not asleep,
            "woke_up": asleep and not player.sleeping,
        }
        factors = {"achievement": 1.0 if fresh else 0.0, "health": (player.health - health) / 10}
        return Transition(
            observation=observation,
            reward=factors["health"] + factors["achievement"] if self._reward else 0.0,
            terminated=died,
            events=(*fresh, *(name for name, happens in happened.items() if happens)),
            factors=factors,
            no_effect=not effect,
            extra=self._extra(),
        )

    def _frame(self) -> NDArray[np.uint8]:
        return self._game.picture(FRAME_UNIT)

    def _metrics(self) -> Mapping[str, float]:
        return {name: float(name in self._unlocked) for name in ACHIEVEMENTS}

    def _extra(self) -> Info:
        player = self._game.player
        return {
            "inventory": dict(player.inventory),
            "achievements": dict(player.achievements),
            "semantic": self._game.semantic(),
            "player_pos": player.pos.copy(),
            "player_facing": np.array(player.facing, np.int64),
            "sleeping": bool(player.sleeping),
            "daylight": float(self._game.daylight),
        }


_COUNTERS = ("_running", "_elapsed_steps", "_no_effect_count", "_task_value", "_np_random", "_np_random_seed")
"""The attributes of `TaskEnv` and Gymnasium that an episode changes."""
