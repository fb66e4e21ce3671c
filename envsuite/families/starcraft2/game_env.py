"""StarCraft2GameEnv: a mini-game in StarCraft II itself, under the contract."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from envsuite.env import Info, TaskEnv, Transition
from envsuite.families.starcraft2 import game_view
from envsuite.families.starcraft2.game_client import GameClient
from envsuite.families.starcraft2.game_reading import Reader, make_call, minimap_layers, screen_layers, seen_units
from envsuite.families.starcraft2.game_tally import Tally, has_lost
from envsuite.families.starcraft2.observations import INFO_ARRAYS
from envsuite.families.starcraft2.options import checked_options
from envsuite.task import Family, Task

TIMEOUT_S = 120.0
"""Seconds that an answer of the game may take unless told otherwise: loading a map from a cold disk takes many."""


class StarCraft2GameEnv(TaskEnv):
    """A mini-game of StarCraft II in the game itself, without a window: one process for each environment.

    Observations, actions, steps and rewards are laid out as those of `SimulatorEnv`, the same mini-game on envsuite's
    simulator; an agent for one runs on the other, and the scores of the two do not compare.

    An action whose function the mask rules out is not sent; the step goes by as with `no_op` and is counted in
    `info["invalid_action"]`, as is a command that the game refuses.

    The episode terminates when all marines are dead where that loses, and is truncated when the map's timer, or the
    task's step limit, has run out. `info` also holds `loop`, `score`, `minerals`, `vespene`, `units` (name and "own",
    "enemy" or "neutral" of every unit the player sees), `available` (names of the functions that can be called),
    `game_version`, `map_sha256` (of the installed map's file) and `simulator`, False. Events, factors and metrics are
    inferred from the score and the player's units.

    The first `reset` starts the process, which takes tens of seconds. `reset(seed=s)` makes a game whose random seed
    is s; `reset()` restarts the map, which goes on with the game's own random numbers. When the game has crashed or has
    not answered within `timeout_s`, the step raises `GameCrashed` and the process is ended; the next `reset` starts
    another.

    Statistical: by the game's documentation a fixed seed takes the chance out of weapons' delays and of the order of
    updates; what a program without source does beyond that, on other machines and in other versions, is not ours to
    promise.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array", "human"], "render_fps": 2}  # type: ignore[misc]  # gymnasium declares it per instance

    def __init__(
        self,
        *,
        task: Task,
        family: Family,
        mini_game: str,
        observe: str = "layers",
        functions: Any = None,
        size: Any = 64,
        layers: Any = None,
        minimap_layers: Any = None,
        render_mode: str | None = None,
        copy: bool = True,
        version: str | None = None,
        timeout_s: float = TIMEOUT_S,
        allow_simulator: bool = False,
    ) -> None:
        """Finds the game, which the first `reset` starts.

        Args:
            task: the record in the catalogue.
            family: the record of its family.
            mini_game: its name in pysc2.
            observe: "layers" or "units".
            functions: names of pysc2's functions that the agent may call (`functions.FUNCTIONS`); None takes the
                mini-game's own.
            size: side of the screen and the minimap in pixels, which is also the grid of points.
            layers: names of screen layers; None takes the simulator's choice.
            minimap_layers: names of minimap layers; None takes the simulator's choice.
            render_mode: None, "rgb_array" or "human".
            copy: as in `TaskEnv`; observations are new arrays either way.
            version: which installed version of the game, such as "4.10"; None takes the newest.
            timeout_s: seconds that an answer of the game may take.
            allow_simulator: takes envsuite's simulator behind `SC2PATH` for the game, which otherwise is refused: its
                scores are none of the game's. For tests of what talks to the game.

        Raises:
            MissingSimulator: without pysc2, the game or the map, or with parts of them that do not work.
            UnknownName: for names that are not known.
            ValueError: for a size out of range or names given twice.
        """
        limit = task.max_episode_steps
        self.options = checked_options(mini_game, observe, functions, size, layers, minimap_layers, limit)
        super().__init__(task=task, family=family, render_mode=render_mode, copy=copy)
        self.observation_space = self.options.observation_space()
        self.action_space = self.options.action_space()
        self.function_names = tuple(function.name for function in self.options.functions)
        self.info_arrays = INFO_ARRAYS
        self._mini_game = mini_game
        self._reader = Reader(self.options)
        self.client = GameClient(
            mini_game, self.options.size, version=version, timeout_s=timeout_s, allow_simulator=allow_simulator
        )
        self._response: Any = None
        """The last observation, as the protocol has it."""
        self._observation: dict[str, NDArray[Any]] = {}
        self._tally: Tally

    def action_masks(self) -> NDArray[np.int8]:
        """Returns the observation's `action_mask`, int8: functions, then ones for x and for y.

        Raises Gymnasium's `ResetNeeded` before the first `reset`.
        """
        self._require_episode("action_masks()")
        mask: NDArray[np.int8] = self._observation["action_mask"].copy()
        return mask

    def close(self) -> None:
        """Ends the game's process and the window; may be called twice."""
        super().close()
        self.client.close()

    def _begin(self, seed: int, task_value: Any) -> tuple[Any, Info]:
        del task_value
        # Later episodes of a seed go on with the game's own random numbers, as pysc2's do.
        fresh = self._episode == 1 or not self.client.running
        self._take(self.client.begin(seed) if fresh else self.client.restart())
        self._tally = Tally(self._mini_game, self._response)
        return self._observation, self._extra()

    def _advance(self, action: Any) -> Transition:
        function, x, y = (int(part) for part in action)
        able = bool(self._observation["action_mask"][function])
        self._take(self.client.act(self._request(function, x, y) if able else None, self._loop))
        told = self._tally.step(self._response)
        over = bool(self._response.player_result)
        lost = over and has_lost(self._mini_game, self._response, self.options.scenario.limit_loops)
        return Transition(
            observation=self._observation,
            reward=told.reward,
            terminated=lost,
            stalled=over and not lost,
            events=told.events,
            factors=told.factors,
            no_effect=not able or bool(self._response.action_errors),
            extra=self._extra(),
        )

    def _request(self, function: int, x: int, y: int) -> Any:
        call = make_call(self.options.functions[function], x, y)
        # The mask has told already whether it is available.
        return self.client.features.transform_action(self._response.observation, call, skip_available=True)

    def _take(self, response: Any) -> None:
        self._response = response
        with self.client.guard("tell what pysc2 can read"):
            self._observation = self._reader.observation(response, self.client.features)

    @property
    def _loop(self) -> int:
        return int(self._response.observation.game_loop)

    def _frame(self) -> NDArray[np.uint8]:
        return game_view.draw(
            screen_layers(self._response, game_view.SCREEN), minimap_layers(self._response, game_view.MINIMAP)
        )

    def _metrics(self) -> Mapping[str, float]:
        return self._tally.metrics()

    def _extra(self) -> Info:
        observation = self._response.observation
        return {
            "loop": self._loop,
            "score": float(observation.score.score),
            "minerals": int(observation.player_common.minerals),
            "vespene": int(observation.player_common.vespene),
            "units": seen_units(observation.raw_data),
            "available": tuple(itertools.compress(self.function_names, self._observation["action_mask"].tolist())),
            "game_version": self.client.game_version,
            "map_sha256": self.client.map_sha256,
            "simulator": self.client.simulator,
        }
