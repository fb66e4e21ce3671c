"""The planar walker: Gymnasium's two tracks bit for bit, and the stump tracks of teachDeepRL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from envsuite.env import Info, TaskEnv, Transition
from envsuite.families.bipedal import draw
from envsuite.families.bipedal.engine import FPS, Lidar, TrackBuilder, WalkerWorld, observation_bounds
from envsuite.families.bipedal.track import FINISH_X, SCALE, START_X, classic_track, clouds, stump_track
from envsuite.task import Family, Task

MASTERED_RETURN = 230.0
"""A return above it counts as mastered (teachDeepRL)."""
TASK_LOW, TASK_HIGH = (0.0, 0.0), (3.0, 6.0)
"""Bounds of the stump track's height (steps of 14/30 world units) and spacing (world units)."""

_PUSH = 5.0
"""Largest force on the hull in the first step."""
_GAIN = 130
_TILT_COST = 5.0
_TORQUE_COST = np.float32(0.00035 * 80)
_FALL_REWARD = -100.0
_GRID = 2.0**44
"""Posture and torque are whole multiples of 1 / _GRID, so that the parts of a reward add up exactly in float64."""


class BipedalEnv(TaskEnv):
    """A hull on two legs with four motors that is to run 84 world units to the right.

    - Observation: float32 (24,): hull angle and angular velocity, horizontal and vertical velocity; for
      each leg hip angle, hip speed, knee angle, knee speed and ground contact; ten lidar fractions.
      Scaled as in Gymnasium's BipedalWalker-v3.
    - Action: float32 (4,) in [-1, 1]: hip and knee of the left leg, hip and knee of the right leg. The
      sign is the direction and the size the share of the greatest torque.
    - Reward: 130/30 per world unit gained, minus 5 per radian that the hull tilts further, minus 0.028
      times the sum of |action|; -100 instead when the hull touches the ground or leaves to the left.
    - Ends (terminated) at a fall or past the finish; `info["success"]` is the latter.

    Every episode has a `b2World` of its own, so that no episode depends on an earlier one. Tracks "flat"
    and "hardcore" equal `gymnasium.make(...)` of BipedalWalker-v3 and BipedalWalkerHardcore-v3, freshly
    made and reset with the same seed, in every bit of every observation and reward. Gymnasium's own
    object reuses its world and may give other bits after its first episode.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array", "human"], "render_fps": FPS}  # type: ignore[misc]

    def __init__(
        self,
        *,
        task: Task,
        family: Family,
        track: Literal["flat", "hardcore", "stumps"],
        lidar: Lidar = "nearest",
        render_mode: str | None = None,
        copy: bool = True,
    ) -> None:
        """Creates the environment of one track.

        Args:
            task: the record in the catalogue.
            family: the record of its family.
            track: what the ground is like.
            lidar: "nearest" measures to the nearest ground, as Gymnasium does; "legacy" to the ground
                that Box2D reports first, as teachDeepRL did. Needed only to compare with results there.
            render_mode: None, "rgb_array" or "human".
            copy: has no effect; observations are always fresh arrays.
        """
        super().__init__(task=task, family=family, render_mode=render_mode, copy=copy)
        if track not in ("flat", "hardcore", "stumps"):
            raise ValueError(f"track: expected 'flat', 'hardcore' or 'stumps', got {track!r}")
        if lidar not in ("nearest", "legacy"):
            raise ValueError(f"lidar: expected 'nearest' or 'legacy', got {lidar!r}")
        self._track_kind = track
        self._lidar = lidar
        self.observation_space = spaces.Box(*observation_bounds())
        self.action_space = spaces.Box(-1.0, 1.0, (4,), np.float32)
        self.action_names = ("left hip", "left knee", "right hip", "right knee")
        if track == "stumps":
            self.task_space = spaces.Box(np.array(TASK_LOW, np.float32), np.array(TASK_HIGH, np.float32))
        self._builder = TrackBuilder()
        self._world: WalkerWorld | None = None

    def _sample_task(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Returns stump height and spacing, uniform in the task space."""
        return rng.uniform(TASK_LOW, TASK_HIGH).astype(np.float32)

    def _begin(self, seed: int, task_value: Any) -> tuple[NDArray[np.float32], Info]:
        rng = np.random.default_rng(seed)
        if self._track_kind == "stumps":
            self._track = stump_track(rng, float(task_value[0]), float(task_value[1]))
        else:
            self._track = classic_track(rng, hardcore=self._track_kind == "hardcore")
        self._clouds = clouds(rng)
        push = float(rng.uniform(-_PUSH, _PUSH))
        self._world = world = WalkerWorld(self._track, push, self._lidar, self._builder)
        # As in Gymnasium, the first step of physics belongs to the reset.
        world.step(np.zeros(4, np.float32))
        self._return = 0.0
        self._feet = (False, False)
        self._tilt = world.tilt
        self._shaping = _shaping(world.position[0], self._tilt)
        return world.observe(), {}

    def _advance(self, action: Any) -> Transition:
        world = self._running_world()
        command = np.asarray(action, np.float32)
        world.step(command)
        x, feet = world.position[0], world.feet
        fell = world.hull_touched or x < 0
        finished = x > FINISH_X
        reward, factors = self._reward(x, world.tilt, np.abs(command), fell)
        self._return += reward
        touched = [now and not before for now, before in zip(feet, self._feet, strict=True)]
        self._feet = feet
        happened = (*touched, fell, finished and not fell)
        return Transition(
            observation=world.observe(),
            reward=reward,
            terminated=fell or finished,
            success=finished and not fell,
            events=tuple(name for name, now in zip(self.family.events, happened, strict=True) if now),
            factors=factors,
        )

    def _reward(
        self, x: float, tilt: float, effort: NDArray[np.float32], fell: bool
    ) -> tuple[float, Mapping[str, float]]:
        """Returns the reward, in the float32 steps of Gymnasium, and parts whose sum is exactly it."""
        shaping = _shaping(x, tilt)
        gain = np.float32(shaping - self._shaping)
        posture = round(_TILT_COST * (self._tilt - tilt) * _GRID) / _GRID
        self._shaping, self._tilt = shaping, tilt
        if fell:
            return _FALL_REWARD, {"fall": _FALL_REWARD}
        costs = _TORQUE_COST * effort
        for cost in costs:
            gain -= cost
        reward = float(gain)
        torque = -round(sum(costs.tolist()) * _GRID) / _GRID
        # Progress is the rest, so it also holds the little that float32 rounds away.
        return reward, {"progress": reward - (posture + torque), "posture": posture, "torque": torque}

    def _metrics(self) -> Mapping[str, float]:
        distance = self._running_world().position[0] - START_X
        return {
            "distance": distance,
            "progress_fraction": min(1.0, max(0.0, distance / (FINISH_X - START_X))),
            "mastered": float(self._return > MASTERED_RETURN),
        }

    def _frame(self) -> NDArray[np.uint8]:
        world = self._running_world()
        return draw.frame(self._track, self._clouds, world.outlines(), world.position, world.ray_ends())

    def close(self) -> None:
        """Frees the world and the window; may be called twice."""
        super().close()
        self._world = None

    def _running_world(self) -> WalkerWorld:
        if self._world is None:
            raise ResetNeeded(f"{self.task.id}: call reset() first; the environment has no world")
        return self._world


def _shaping(x: float, tilt: float) -> float:
    """Returns the potential whose differences are rewarded: far to the right and level."""
    return _GAIN * x / SCALE - _TILT_COST * tilt
