"""TaskEnv: the part of the environment contract that is the same for every family.

A family implements three methods (`_begin`, `_advance`, `_frame`) and states facts; seeding, action
checks, time limits, task parameters, the layout of `info` and the window live here, once.
"""

from __future__ import annotations

import copy as copy_module
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from envsuite.errors import InvalidAction, InvalidTask
from envsuite.task import Family, Task, TaskInfo
from envsuite.window import Window

Info = dict[str, Any]
SHOWN_CHARACTERS = 500
"""How much of an action that is refused an error shows."""
_EPISODE_SEEDS = 2**31
_OF_EPISODE = (
    *("_running", "_elapsed_steps", "_no_effect_count", "_episode"),
    *("_task_value", "_options", "_np_random", "_np_random_seed"),
)


@dataclass(slots=True, kw_only=True)
class Transition:
    """What one step of a simulator did, before the contract is applied."""

    observation: Any
    reward: float
    terminated: bool = False
    stalled: bool = False
    """Whether a limit of the task other than its step limit ends the episode (a truncation)."""
    success: bool | None = None
    """None where the task defines no success."""
    events: tuple[str, ...] = ()
    factors: Mapping[str, float] = field(default_factory=dict)
    no_effect: bool = False
    """Whether the action changed nothing."""
    extra: Info = field(default_factory=dict)
    """Further entries of `info`."""


class TaskEnv(gymnasium.Env[Any, Any]):
    """A Gymnasium environment that keeps the contract of `docs/explanation/architecture.md`, section 4.

    `reset(seed=s)` alone decides the episode; `reset()` continues a stream seeded by the last seed;
    `reset(options={"task": value})` sets the task parameters, `value` in `task_space`, for this
    episode. `step` raises `InvalidAction` for an action outside `action_space` and leaves the episode
    as it was. Every `info` holds

    - `success`: bool, only where the task defines it;
    - `events`: tuple of names from `FAMILY.events` that have just happened;
    - `factors`: the named parts of the reward, float per name in `FAMILY.factors`;
    - `task`: the task parameters of this episode, None where `task_space` is None;
    - `invalid_action`: how many actions of this episode had no effect so far;
    - `metrics`: float per name in `FAMILY.metrics`, in the last step of an episode only.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array", "human"], "render_fps": 30}  # type: ignore[misc]  # gymnasium declares it per instance
    task_space: spaces.Space[Any] | None = None
    reset_options: tuple[str, ...] = ()
    """What `reset(options=...)` takes beside "task"; the family checks the values."""
    info_arrays: Mapping[str, tuple[tuple[int, ...], str]] = MappingProxyType({})
    """Further entries of every info that a vector env carries: shape and dtype of an array or of a dict's values."""
    action_names: tuple[str, ...] | None = None
    """What each discrete action, or each dimension of a continuous one, is called."""

    episode_attributes: ClassVar[tuple[str, ...]] = _OF_EPISODE
    """The attributes of `TaskEnv`, Gymnasium and a family's class that an episode changes beside the simulator."""

    def __init__(self, *, task: Task, family: Family, render_mode: str | None = None, copy: bool = True) -> None:
        """Creates the environment of one task.

        Args:
            task: the record in the catalogue.
            family: the record of its family.
            render_mode: None, "rgb_array" or "human".
            copy: False hands out the simulator's own buffers where it has some; they are overwritten
                by the next step.
        """
        modes = self.metadata["render_modes"]
        if render_mode is not None and render_mode not in modes:
            raise ValueError(f"render_mode: expected None or one of {modes}, got {render_mode!r}")
        self.task = task
        self.family = family
        self.render_mode = render_mode
        self.copy = copy
        self._window: Window | None = None
        self._running = False
        self._elapsed_steps = 0
        self._no_effect_count = 0
        self._episode = 0
        """How many episodes have begun since the last seed, this one included."""
        self._task_value: Any = None
        self._options: dict[str, Any] = {}
        """What the running episode was given of `reset_options`."""

    # What a family implements.

    def _begin(self, seed: int, task_value: Any) -> tuple[Any, Info]:
        """Returns the first observation of an episode decided by `seed`, and further info."""
        raise NotImplementedError

    def _advance(self, action: Any) -> Transition:
        """Returns what `action`, already checked, did."""
        raise NotImplementedError

    def _frame(self) -> NDArray[np.uint8]:
        """Returns the picture of the state, uint8 (height, width, 3), without changing the state."""
        raise NotImplementedError

    def _metrics(self) -> Mapping[str, float]:
        """Returns the family's metrics of the episode so far."""
        return {}

    def adopt(self, observation: Any) -> None:
        """Takes the arrays of a vector env's batch, laid out like an observation, to write into in place of its own.

        A family whose observations are large and change little saves copies by it: what `step` and `reset` then return
        of these arrays is not copied into the batch. This one takes none.
        """

    def _sample_task(self, rng: np.random.Generator) -> Any:
        """Returns the task parameters of an episode whose caller named none."""
        del rng
        return None

    # The Gymnasium API, and what agents are made from.

    def task_info(self) -> TaskInfo:
        """Returns what an agent for this environment may know: what `make_agent(task)` takes."""
        return TaskInfo(
            id=self.task.id,
            observation_space=self.observation_space,
            action_space=self.action_space,
            goal=self.task.goal,
            max_episode_steps=self.task.max_episode_steps,
        )

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Info]:
        """Returns the first observation and info of a new episode; see the class for what decides it.

        Raises `InvalidTask` for unknown options or a task outside `task_space`.
        """
        task_value = self.check_options(options)
        super().reset(seed=seed)
        episode_seed = int(seed) if seed is not None else int(self.np_random.integers(_EPISODE_SEEDS))
        if task_value is None and self.task_space is not None:
            task_value = self._sample_task(np.random.default_rng([episode_seed, 1]))
        self._task_value = task_value
        self._options = {name: value for name, value in (options or {}).items() if name != "task"}
        self._elapsed_steps = 0
        self._no_effect_count = 0
        self._episode = 1 if seed is not None else self._episode + 1
        self._running = False
        observation, extra = self._begin(episode_seed, task_value)
        self._running = True
        info = self._info(Transition(observation=observation, reward=0.0, extra=extra))
        if self.render_mode == "human":
            self.render()
        return observation, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, Info]:
        """Returns observation, reward, terminated, truncated and info after `action`.

        Raises `InvalidAction` (the episode goes on as if nothing had been asked) and Gymnasium's
        `ResetNeeded` before the first `reset` and after the end of an episode.
        """
        if not self._running:
            raise ResetNeeded(f"{self.task.id}: call reset() before step(); no episode is running")
        check_action(self.action_space, action)
        transition = self._advance(action)
        self._elapsed_steps += 1
        self._no_effect_count += transition.no_effect
        terminated = bool(transition.terminated)
        limit_reached = self._elapsed_steps >= self.task.max_episode_steps
        truncated = not terminated and (limit_reached or transition.stalled)
        self._running = not (terminated or truncated)
        info = self._info(transition)
        if not self._running:
            info["metrics"] = dict(self._metrics())
        if self.render_mode == "human":
            self.render()
        return transition.observation, float(transition.reward), terminated, truncated, info

    def render(self) -> Any:
        """Returns uint8 (height, width, 3) in mode "rgb_array"; shows a window in mode "human"."""
        if self.render_mode is None:
            gymnasium.logger.warn(
                f'render() needs a render mode: gymnasium.make("{self.task.id}", render_mode="rgb_array")'
            )
            return None
        self._require_episode("render()")
        frame = self._frame()
        if self.render_mode == "rgb_array":
            return frame
        if self._window is None:
            self._window = Window(self.task.id, fps=self.metadata["render_fps"])
        self._window.show(frame)
        return None

    def close(self) -> None:
        """Frees the simulator and the window; may be called twice."""
        self._running = False
        if self._window is not None:
            self._window.close()
            self._window = None

    def _require_episode(self, what: str) -> None:
        """Raises Gymnasium's `ResetNeeded` unless an episode has begun, ended or not."""
        if not self._running and self._elapsed_steps == 0:
            raise ResetNeeded(f"{self.task.id}: call reset() before {what}")

    def _episode_state(self) -> dict[str, Any]:
        """Returns a copy of what an episode changes in this class: part of a family's snapshot."""
        return {name: copy_module.deepcopy(getattr(self, name)) for name in self.episode_attributes}

    def _set_episode_state(self, state: Mapping[str, Any]) -> None:
        """Puts back what `_episode_state` returned."""
        for name, value in copy_module.deepcopy(dict(state)).items():
            setattr(self, name, value)

    def _info(self, transition: Transition) -> Info:
        info: Info = {
            "events": tuple(transition.events),
            "factors": {name: float(transition.factors.get(name, 0.0)) for name in self.family.factors},
            "task": self._task_value,
            "invalid_action": self._no_effect_count,
            **transition.extra,
        }
        if transition.success is not None:
            info["success"] = bool(transition.success)
        return info

    def check_options(self, options: dict[str, Any] | None) -> Any:
        """Returns the task among the options of a reset, None for none; raises `InvalidTask` for unknown ones."""
        if not options:
            return None
        known = ("task", *self.reset_options)
        unknown = sorted(set(options) - set(known))
        if unknown:
            raise InvalidTask(
                f"options: expected only {', '.join(map(repr, known))}, got {', '.join(map(repr, unknown))} "
                f"for {self.task.id}"
            )
        if "task" not in options:
            return None
        if self.task_space is None:
            raise InvalidTask(
                f"options['task']: {self.task.id} has no task parameters; leave the option out. "
                "`envsuite info ID` shows the task space of an id"
            )
        space = self.task_space
        value = options["task"]
        if isinstance(space, spaces.Box):
            try:
                value = np.asarray(value, dtype=space.dtype)
            except (TypeError, ValueError):
                value = np.full(space.shape, np.nan)  # what is no array of numbers is no member either
        if not space.contains(value):
            raise InvalidTask(f"options['task']: expected a member of {space}, got {options['task']!r}")
        return value.copy() if isinstance(value, np.ndarray) else value


def check_action(space: spaces.Space[Any], action: Any) -> None:
    """Raises `InvalidAction` unless `action` is a member of `space`: type, dtype, shape and bounds.

    Stricter than Gymnasium where that is silent: a list is not an array, a bool is not an integer. Whatever
    else a strange action raises while it is looked at is `InvalidAction`, too: an agent must not be able to
    pass its failure off as the environment's.
    """
    try:
        problem = _problem(space, action)
    except Exception as error:  # noqa: BLE001  # ragged lists, integers beyond 64 bits, classes of an agent
        problem = f"a {type(action).__name__} that cannot be compared ({type(error).__name__})"
    if problem is not None:
        raise InvalidAction(
            f"action: expected a member of {space}, got {problem[:SHOWN_CHARACTERS]}. "
            "The episode is unchanged; step again"
        )


def _problem(space: spaces.Space[Any], action: Any) -> str | None:
    """Returns what an action is that is no member of a space, None for a member."""
    if not isinstance(space, spaces.Box):
        outside = isinstance(action, bool | np.bool_) or not space.contains(action)
        if isinstance(space, spaces.MultiDiscrete):  # whose own test lets fractions pass
            outside = outside or np.asarray(action).dtype.kind not in "iu"
        return f"{type(action).__name__} {action!r}" if outside else None
    if not isinstance(action, np.ndarray):
        return f"{type(action).__name__} {action!r}"
    if action.shape != space.shape or not np.can_cast(action.dtype, str(space.dtype)):
        return f"an array of shape {action.shape} and dtype {action.dtype}"
    # NaN fails both comparisons.
    inside = np.all(action >= space.low) and np.all(action <= space.high)
    return None if inside else np.array2string(action, threshold=16)
