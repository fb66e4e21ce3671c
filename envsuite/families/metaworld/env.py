"""Meta-World's tasks under the contract: seeded, free of history, with the goal in sight."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import mujoco
import numpy as np
from gymnasium import spaces
from metaworld.env_dict import ALL_V3_ENVIRONMENTS
from numpy.typing import NDArray

from envsuite.env import Info, TaskEnv, Transition
from envsuite.families.metaworld import draw
from envsuite.families.metaworld.describe import FACTORS
from envsuite.families.metaworld.space import ResetSpace

_STATE = mujoco.mjtState.mjSTATE_INTEGRATION
_LIVE_FIELDS = ("xpos", "site_xpos")
_NEAR = 0.9
_NO_GRASP = frozenset(
    f"{name}-v3"
    for name in (
        *("button-press", "button-press-topdown", "button-press-topdown-wall", "button-press-wall", "coffee-button"),
        *("dial-turn", "door-close", "door-lock", "door-unlock", "drawer-close", "faucet-close", "faucet-open"),
        *("handle-press", "handle-press-side", "lever-pull", "plate-slide", "plate-slide-back"),
        *("plate-slide-back-side", "plate-slide-side", "reach", "reach-wall", "window-close", "window-open"),
    )
)
"""Tasks whose `grasp_success` is a constant or says something else than that the gripper holds the object."""


class _LiveView(NamedTuple):
    """Names an attribute that upstream keeps as a view into MuJoCo's arrays: it moves with the simulation."""

    field: str
    row: int


class _Saved(NamedTuple):
    """A moment of the simulation: physics, the parts of the model that tasks change, attributes."""

    physics: NDArray[np.float64]
    body_pos: NDArray[np.float64]
    site_pos: NDArray[np.float64]
    attributes: Mapping[str, Any]


class Snapshot(NamedTuple):
    """A moment of an episode, for `MetaWorldEnv.restore`; fits any environment of the same task."""

    task_id: str
    simulation: _Saved
    episode: Mapping[str, Any]


_EPISODE = ("_elapsed_steps", "_no_effect_count", "_task_value", "_running", "_true_events", "_metric_values")
"""The attributes of an episode; their values are replaced, never changed."""


class MetaWorldEnv(TaskEnv):
    """One of Meta-World's fifty tasks with the goal visible.

    Observation: float64 (39,): hand position (3, metres), gripper opening (1, in [0, 1]), two objects of
    position (3) and quaternion (4), zeros where there is none; then the same 18 numbers one step
    earlier; then the goal position (3). Action: float32 (4,) in [-1, 1]: hand displacement (1 is one
    centimetre of x, y, z), and gripper effort (1 closes).

    `task_space` is the task's reset vector: float64 (3,) or (6,), positions of object and goal in
    metres. A seed draws it as upstream does (`seeded_rand_vec`, `seed(s)`, `reset()`), and the vector
    alone decides the episode, as after upstream's `set_task`. Upstream would look for ever for another
    one when object and goal are too close together; such vectors are no members of the space.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array", "human"], "render_fps": 80}  # type: ignore[misc]

    def __init__(self, *, env_name: str, reward_function_version: str = "v2", **kwargs: Any) -> None:
        """Creates one task.

        Args:
            env_name: upstream's name, such as "pick-place-v3".
            reward_function_version: "v2" (rewards in [0, 10]) or "v1" (other ranges, not scored).
            kwargs: the arguments of `TaskEnv`.
        """
        super().__init__(**kwargs)
        if reward_function_version not in ("v1", "v2"):
            raise ValueError(f"reward_function_version: expected 'v1' or 'v2', got {reward_function_version!r}")
        self._raw = _make_raw(env_name, reward_function_version)
        self._grasps = env_name not in _NO_GRASP
        self._pristine = self._save()
        vectors = self._raw._random_reset_space
        self.task_space: ResetSpace = ResetSpace(vectors.low, vectors.high, env_name.removesuffix("-v3"))
        bounds = self._raw.sawyer_observation_space
        self._bounds = bounds.low.copy(), bounds.high.copy()
        self.observation_space = spaces.Box(*self._bounds, dtype=np.float64)
        self.action_space = spaces.Box(-1.0, 1.0, (4,), np.float32)
        self.action_names = ("x", "y", "z", "grip")
        self._renderer: Any = None
        self._true_events: frozenset[str] = frozenset()
        self._metric_values = {"obj_to_target_final": 0.0, "success_steps": 0.0}

    def _begin(self, seed: int, task_value: Any) -> tuple[NDArray[np.float64], Info]:
        vector = self._draw(seed) if task_value is None else task_value
        observation = self._reset_to(vector)
        self._task_value = vector.copy()
        self._task_value.flags.writeable = False
        self._true_events = frozenset()
        self._metric_values = {"obj_to_target_final": 0.0, "success_steps": 0.0}
        return np.clip(observation, *self._bounds), {}

    def _advance(self, action: Any) -> Transition:
        observation, reward, _, _, info = self._raw.step(np.asarray(action, np.float32))
        success = bool(info["success"])
        states = {
            "success": success,
            "grasped": self._grasps and bool(info["grasp_success"]),
            "near_object": float(info["near_object"]) >= _NEAR,
        }
        true_events = frozenset(name for name, state in states.items() if state)
        events = tuple(name for name in self.family.events if name in true_events - self._true_events)
        self._true_events = true_events
        self._metric_values = {
            "obj_to_target_final": float(info["obj_to_target"]),
            "success_steps": self._metric_values["success_steps"] + success,
        }
        return Transition(
            observation=observation,
            reward=float(reward),
            success=success,
            events=events,
            factors={name: float(info[name]) for name in FACTORS},
            extra={name: float(info[name]) for name in ("near_object", "obj_to_target", "unscaled_reward")},
        )

    def _metrics(self) -> Mapping[str, float]:
        return self._metric_values

    def _frame(self) -> NDArray[np.uint8]:
        raw = self._raw
        if self._renderer is None:
            self._renderer = draw.make_renderer(raw.model)
        # A second MjData, so that derived quantities can be computed without touching the episode.
        scene = mujoco.MjData(raw.model)
        mujoco.mj_setState(raw.model, scene, self._physics(), _STATE)
        mujoco.mj_forward(raw.model, scene)
        # Upstream moves the markers of goals before a forward pass that moves them back; for one task to a wrong place.
        markers = raw._target_site_config
        if any(position is raw._target_pos for _, position in markers):
            for site, position in markers:
                scene.site(site).xpos = position
        return draw.frame(self._renderer, scene)

    def close(self) -> None:
        """Frees the renderer and the window; may be called twice."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
        super().close()

    def snapshot(self) -> Snapshot:
        """Returns the present moment of the episode; the stream that seeds later episodes is not part of it.

        Raises Gymnasium's `ResetNeeded` before the first `reset`.
        """
        self._require_episode("snapshot()")
        episode = {name: getattr(self, name) for name in _EPISODE}
        return Snapshot(self.task.id, self._save(), episode)

    def restore(self, snapshot: Snapshot) -> None:
        """Continues from a snapshot of the same task, bit for bit.

        Raises TypeError for anything but a `Snapshot`, ValueError for one of another task.
        """
        if not isinstance(snapshot, Snapshot):
            raise TypeError(f"snapshot: expected what snapshot() returned, got {type(snapshot).__name__}")
        if snapshot.task_id != self.task.id:
            raise ValueError(f"snapshot: expected one of {self.task.id}, got one of {snapshot.task_id}")
        self._load(snapshot.simulation)
        for name, value in snapshot.episode.items():
            setattr(self, name, value)

    # Where an episode begins.

    def _draw(self, seed: int) -> NDArray[np.float64]:
        """Returns the reset vector that upstream has in force after `seed(s)` and `reset()`."""
        rng = np.random.default_rng(seed)
        self.task_space.draw(rng)  # upstream places the objects twice in a reset
        return self.task_space.draw(rng)

    def _reset_to(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the observation of a fresh simulation after upstream's `reset` with `vector`."""
        self._load(self._pristine)
        self._raw._get_state_rand_vec = vector.copy
        # Upstream moves the arm for fifty steps, resets the data and does so again: only what the first
        # pass leaves in the model matters, and that does not depend on the arm.
        hand_steps = iter((0, 50))
        move_hand = type(self._raw)._reset_hand
        self._raw._reset_hand = lambda: move_hand(self._raw, next(hand_steps))
        observation: NDArray[np.float64] = self._raw.reset()[0]
        del self._raw._reset_hand, self._raw._get_state_rand_vec
        return observation

    # The whole state of a simulation.

    def _physics(self) -> NDArray[np.float64]:
        model = self._raw.model
        physics = np.empty(mujoco.mj_stateSize(model, _STATE), np.float64)
        mujoco.mj_getState(model, self._raw.data, physics, _STATE)
        return physics

    def _save(self) -> _Saved:
        model, data = self._raw.model, self._raw.data
        attributes = {name: _detach(value, data) for name, value in vars(self._raw).items()}
        for name in ("model", "data", "mujoco_renderer"):
            del attributes[name]
        return _Saved(self._physics(), model.body_pos.copy(), model.site_pos.copy(), attributes)

    def _load(self, saved: _Saved) -> None:
        raw, model, data = self._raw, self._raw.model, self._raw.data
        model.body_pos[:] = saved.body_pos
        model.site_pos[:] = saved.site_pos
        mujoco.mj_resetData(model, data)
        mujoco.mj_setState(model, data, saved.physics, _STATE)
        mujoco.mj_forward(model, data)
        # The forward pass may have refreshed the solver's warm start.
        mujoco.mj_setState(model, data, saved.physics, _STATE)
        renderer = raw.mujoco_renderer
        vars(raw).clear()
        vars(raw).update({name: _attach(value, data) for name, value in saved.attributes.items()})
        vars(raw).update(model=model, data=data, mujoco_renderer=renderer)


def _make_raw(env_name: str, reward_function_version: str) -> Any:
    """Returns upstream's environment with the goal visible, ready for `reset`."""
    upstream = ALL_V3_ENVIRONMENTS[env_name]
    quick = type(upstream.__name__, (upstream,), {"touching_object": _touching_object})
    raw: Any = quick(reward_function_version=reward_function_version)
    raw._partially_observable = False
    raw._set_task_called = True
    # Cached while the goal was still hidden; its bounds of the goal were all zero.
    vars(raw).pop("sawyer_observation_space", None)
    raw.observation_space = raw.sawyer_observation_space
    return raw


def _touching_object(raw: Any, geom_id: int) -> bool:
    """Returns whether both pads of the gripper press on a geom; upstream's loop over the contacts as arrays."""
    data = raw.data
    pairs, addresses = data.contact.geom, data.contact.efc_address
    touched = (pairs == geom_id).any(axis=1)
    for pad in ("leftpad_geom", "rightpad_geom"):
        hits = touched & (pairs == data.geom(pad).id).any(axis=1)
        if not sum(data.efc_force[addresses[hits]].tolist()) > 0:
            return False
    return True


def _detach(value: Any, data: Any) -> Any:
    """Returns a copy of an attribute, or the name of the live array it is a view of."""
    if isinstance(value, np.ndarray):
        address = value.__array_interface__["data"][0]
        for field in _LIVE_FIELDS:
            live = getattr(data, field)
            offset = address - live.__array_interface__["data"][0]
            if 0 <= offset < live.nbytes:
                return _LiveView(field, offset // live.strides[0])
    return copy.deepcopy(value) if isinstance(value, np.ndarray | dict | list) else value


def _attach(value: Any, data: Any) -> Any:
    """Returns the attribute that `_detach` took apart."""
    if isinstance(value, _LiveView):
        return getattr(data, value.field)[value.row]
    return copy.deepcopy(value) if isinstance(value, np.ndarray | dict | list) else value


def scripted_policy(env_name: str) -> Any:
    """Returns Meta-World's hand-written policy of a task: an object with `get_action(observation)`."""
    from metaworld.policies import ENV_POLICY_MAP

    return ENV_POLICY_MAP[env_name]()
