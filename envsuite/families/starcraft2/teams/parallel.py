"""BattleParallelEnv: a battle whose units are agents of their own, for PettingZoo."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from envsuite.env import check_action
from envsuite.errors import InvalidAction, InvalidArgument
from envsuite.families.starcraft2.describe import EVENTS
from envsuite.families.starcraft2.draw import draw_top_view
from envsuite.families.starcraft2.engine.battle import View
from envsuite.families.starcraft2.engine.layout import LAYOUT_VERSION
from envsuite.families.starcraft2.engine.script import VICTORY
from envsuite.families.starcraft2.engine.views import NO_OP, Side
from envsuite.families.starcraft2.teams.central import Snapshot, check_snapshot, named_units
from envsuite.families.starcraft2.teams.fights import Fights, allocate_results
from envsuite.families.starcraft2.teams.options import actions_of, agent_space, checked_options, state_space
from envsuite.task import Family, Task
from envsuite.window import Window

_EPISODE_SEEDS = 2**31
_FPS = 2
_MIRRORED = {"enemy_killed": "unit_lost", "unit_lost": "enemy_killed", "won": "lost", "lost": "won"}
"""What an event is to the other team."""


class BattleParallelEnv(ParallelEnv[str, Any, Any]):  # type: ignore[misc]  # pettingzoo is not checked
    """A battle on envsuite's simulator, not on the game, with an agent for each unit: "ally_0", "ally_1", ...

    With `self_play` the enemies are agents, too: "red_0", "red_1", ... Their units are SMAC's passive ones, and what
    they see and are rewarded for is what the allies are, the other way round. Where both teams are equal, the seed
    draws who begins on which side, and with it whose units act first within a loop of the game.

    An agent observes a Dict: `observation`, float32, as SMAC has it, and `action_mask`, int8 (actions,). Its actions
    are a Discrete: 0 nothing (the dead), 1 stop, 2 to 5 two units north, south, east or west, from 6 on an attack on an
    enemy by its number, or a medivac's heal of a friend. A step is 8 of the game's 16 loops a second.

    All agents of a team get the same reward, see `central.BattleEnv`. The dead stay until the battle is over, as in
    SMAC: nothing is left to them but action 0. All terminate together when the battle is decided, or are truncated at
    the limit.

    An action against the mask is taken for a stop, or for nothing where the agent is dead;
    `infos[agent]["invalid_action"]` counts the steps in which somebody's was. An info also holds `success` (whether the
    agent's team has won), `events`, `alive`, `loop`, and `allies_left` and `enemies_left` of the agent's own team and
    the other.

    `reset(seed=s)` alone decides the episode; `reset()` goes on with the seed's stream. What `reset` is given as
    options has no meaning here.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "envsuite_starcraft2_battle",
        "render_modes": ["rgb_array", "human"],
        "render_fps": _FPS,
        "is_parallelizable": True,
    }

    def __init__(
        self,
        *,
        task: Task,
        family: Family,
        scenario: Any,
        reward: str = "shaped",
        sees: Any = (),
        self_play: bool = False,
        render_mode: str | None = None,
    ) -> None:
        """Creates the environment.

        Args:
            task: the record in the catalogue.
            family: the record of its family.
            scenario: SMAC's name of a battle, a name in `random.VARIANTS`, or a `random.Variant`.
            reward: "shaped" or "sparse".
            sees: what observations hold beside SMAC's default: "pathing", "last_actions", "position", "timestep".
            self_play: whether the second player's units are agents, too.
            render_mode: None, "rgb_array" or "human".
        """
        modes = self.metadata["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise ValueError(f"render_mode: expected None or one of {modes}, got {render_mode!r}")
        self.task, self.family, self.render_mode = task, family, render_mode
        self.options = checked_options(scenario, reward, sees, self_play, task.max_episode_steps)
        rules = self.options.rules
        self._teams: tuple[tuple[str, Side], ...] = (("ally", rules.mine),)
        if self.options.self_play:
            self._teams = (*self._teams, ("red", rules.theirs))
        self._places = {
            f"{name}_{index}": (team, index)
            for team, (name, side) in enumerate(self._teams)
            for index in range(side.agents)
        }
        self.possible_agents = list(self._places)
        self.agents: list[str] = []
        self._observation_spaces = {agent: agent_space(self._side(agent)) for agent in self.possible_agents}
        self._action_spaces = {agent: spaces.Discrete(actions_of(self._side(agent))) for agent in self.possible_agents}
        self.state_space = state_space(rules.mine)
        self._fights = Fights(1, self.options)
        self._fights.bind(allocate_results(1, self.options))
        self._rng = np.random.default_rng()
        self._window: Window | None = None

    # PettingZoo's API.

    def observation_space(self, agent: str) -> spaces.Dict:
        """Returns the space of an agent's observations, the same object every time."""
        return self._observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Discrete:
        """Returns the space of an agent's actions, the same object every time."""
        return self._action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Returns the first observations and infos of a new battle; see the class for what decides it."""
        del options
        fights = self._fights
        if seed is not None:
            fights.games.seed(0, int(seed))
        elif fights.state[0]["episode"] == 0:
            fights.games.seed(0, int(self._rng.integers(_EPISODE_SEEDS)))
        fights.reset_row(0)
        self.agents = list(self.possible_agents)
        self._show()
        return self._observations(), self._infos()

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Returns observations, rewards, terminations, truncations and infos after an action of every agent.

        Raises `InvalidAction` for an action that is missing, of nobody, or outside its agent's space: the battle is
        unchanged then. Raises Gymnasium's `ResetNeeded` where no battle is running.
        """
        if not self.agents:
            raise ResetNeeded(f"{self.task.id}: call reset() before step(); no battle is running")
        self._check(actions)
        fights, results = self._fights, self._fights.results
        teams = [np.full(side.agents, NO_OP, np.int64) for _, side in self._teams]
        for agent, action in actions.items():
            team, index = self._places[agent]
            teams[team][index] = action
        fights.step_row(0, *teams)
        agents = self.agents
        rewards = (float(results.rewards[0]), float(results.their_rewards[0]))
        terminated, truncated = bool(results.terminated[0]), bool(results.truncated[0])
        step = (
            self._observations(),
            {agent: rewards[self._places[agent][0]] for agent in agents},
            dict.fromkeys(agents, terminated),
            dict.fromkeys(agents, truncated),
            self._infos(),
        )
        if terminated or truncated:
            self.agents = []
        self._show()
        return step

    def state(self) -> NDArray[np.float32]:
        """Returns the allies' state, as SMAC has it."""
        return self.team_state("ally")

    def render(self) -> NDArray[np.uint8] | None:
        """Returns uint8 (height, width, 3) in mode "rgb_array"; shows a window in mode "human"."""
        if self.render_mode is None:
            return None
        if self._fights.state[0]["episode"] == 0:
            raise ResetNeeded(f"{self.task.id}: call reset() before render()")
        games = self._fights.games
        frame = draw_top_view(games.units(0), self.options.scenario, games.batch.blocked[0])
        if self.render_mode == "rgb_array":
            return frame
        if self._window is None:
            self._window = Window(self.task.id, fps=_FPS)
        self._window.show(frame)
        return None

    def close(self) -> None:
        """Frees the window; may be called twice."""
        self.agents = []
        if self._window is not None:
            self._window.close()
            self._window = None

    # Beyond it.

    def team_state(self, team: str) -> NDArray[np.float32]:
        """Returns the state of a team, "ally" or, in self-play, "red": its own units come first.

        Raises `InvalidArgument` for another name.
        """
        names = [name for name, _ in self._teams]
        if team not in names:
            raise InvalidArgument(f"team: expected one of {', '.join(names)}, got {team!r}")
        state: NDArray[np.float32] = self._view(names.index(team)).state[0].copy()
        return state

    def units(self) -> tuple[tuple[str, str], ...]:
        """Returns the name of every living unit, and whose it is from the allies' view: "own" or "enemy"."""
        return named_units(self._fights, 0)

    def snapshot(self) -> Snapshot:
        """Returns the whole state of the battle and of the stream of seeds, detached from the environment.

        Raises Gymnasium's `ResetNeeded` before the first `reset`.
        """
        if self._fights.state[0]["episode"] == 0:
            raise ResetNeeded(f"{self.task.id}: call reset() before snapshot()")
        battle = self._fights.state_of(0)
        return Snapshot(LAYOUT_VERSION, self.options.key, battle, {"agents": tuple(self.agents)})

    def restore(self, snapshot: Snapshot) -> None:
        """Continues from a snapshot of this or another such environment of the scenario.

        Raises TypeError for anything but a `Snapshot`, ValueError for one of another version of envsuite, of another
        scenario or of a `BattleEnv`; nothing has changed then.
        """
        check_snapshot(snapshot, self.options.key)
        if "agents" not in snapshot.episode:
            raise ValueError("snapshot: expected one of a parallel environment, got one of BattleEnv; restore it there")
        self._fights.set_state(0, snapshot.battle)
        self.agents = list(snapshot.episode["agents"])

    # Parts of the above.

    def _side(self, agent: str) -> Side:
        return self._teams[self._places[agent][0]][1]

    def _view(self, team: int) -> View:
        results = self._fights.results
        return results.theirs if team else results.mine

    def _check(self, actions: Mapping[str, Any]) -> None:
        missing = [agent for agent in self.agents if agent not in actions]
        unknown = [str(agent) for agent in actions if agent not in self._places]
        if missing or unknown:
            problem = f"none of {', '.join(missing[:3])}" if missing else f"one of {', '.join(unknown[:3])}"
            raise InvalidAction(
                f"actions: expected one of each of {len(self.agents)} agents, the dead included, got {problem}. "
                "The battle is unchanged; step again"
            )
        for agent, action in actions.items():
            check_action(self._action_spaces[agent], action)

    def _observations(self) -> dict[str, dict[str, NDArray[Any]]]:
        found = {}
        for agent in self.agents:
            team, index = self._places[agent]
            view = self._view(team)
            found[agent] = {
                "observation": view.observation[0, index].copy(),
                "action_mask": view.mask[0, index].copy(),
            }
        return found

    def _infos(self) -> dict[str, dict[str, Any]]:
        fights = self._fights
        state, sides = fights.state[0], fights.sides(0)
        results = [int(fights.games.batch.players[0, side.owner]["result"]) for side in sides]
        events = tuple(itertools.compress(EVENTS, fights.results.events[0].tolist()))
        left = [int(fights.left(side)[0]) for side in sides]
        infos = {}
        for agent in self.agents:
            team, index = self._places[agent]
            infos[agent] = {
                "success": results[team] == VICTORY,
                "events": tuple(_MIRRORED[event] for event in events) if team else events,
                "alive": bool(self._view(team).mask[0, index, NO_OP] == 0),
                "loop": int(state["loop"]),
                "allies_left": left[team],
                "enemies_left": left[1 - team],
                "invalid_action": int(state["no_effect"]),
            }
        return infos

    def _show(self) -> None:
        if self.render_mode == "human":
            self.render()


def make_parallel(*, task: Task, family: Family, **arguments: Any) -> BattleParallelEnv:
    """Returns the PettingZoo environment of a battle's task.

    Raises `InvalidArgument` for a task that is no battle.
    """
    if "scenario" not in arguments:
        raise InvalidArgument(f"task_id: expected a battle such as starcraft2-sim-smac-3m-v1, got {task.name}")
    return BattleParallelEnv(task=task, family=family, **arguments)
