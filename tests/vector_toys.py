"""Tiny environments for the tests of vector envs; worker processes import this module by its name."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import TimeLimit
from toy import ToyEnv

from envsuite.env import Transition


class RichEnv(ToyEnv):
    """Every kind of space an observation or an action may consist of; noise in everything."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.observation_space = spaces.Dict(
            image=spaces.Box(0, 255, (4, 4, 3), np.uint8),
            pair=spaces.Tuple((spaces.Discrete(10, start=3), spaces.MultiDiscrete([3, 4]))),
            bits=spaces.MultiBinary(3),
        )
        self.action_space = spaces.Dict(
            move=spaces.Box(-1, 1, (2,), np.float32),
            fire=spaces.Tuple((spaces.Discrete(2), spaces.MultiBinary(2), spaces.MultiDiscrete([2, 3]))),
        )

    def _advance(self, action: Any) -> Transition:
        transition = super()._advance(1 + int(action["fire"][0]))
        transition.reward = float(action["move"].sum()) + self.noise.random()
        return transition

    def _observe(self) -> Any:
        rng = self.noise
        return {
            "image": rng.integers(0, 256, (4, 4, 3), np.uint8),
            "pair": (rng.integers(3, 13), np.array([rng.integers(3), rng.integers(4)])),
            "bits": rng.integers(0, 2, 3, np.int8),
        }


class WithoutSuccess(ToyEnv):
    """Defines neither success nor task parameters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.task_space = None

    def _sample_task(self, rng: np.random.Generator) -> Any:
        return None

    def _begin(self, seed: int, task_value: Any) -> Any:
        return super()._begin(seed, [5.0])

    def _advance(self, action: Any) -> Transition:
        transition = super()._advance(action)
        transition.success = None
        return transition


class PicturesEnv(ToyEnv):
    """Pictures in, two numbers out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.observation_space = spaces.Box(0, 255, (40, 36, 3), np.uint8)
        self.action_space = spaces.Box(-2, 3, (2,), np.float64)

    def _advance(self, action: Any) -> Transition:
        return super()._advance(1 + (action[0] > 0))

    def _observe(self) -> Any:
        return self.noise.integers(0, 256, (40, 36, 3), np.uint8)


class BinaryEnv(ToyEnv):
    """Flat Dict observations and bits as actions."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.observation_space = spaces.Dict(
            position=spaces.Box(-50, 50, (2,), np.float64), kind=spaces.Discrete(4), mask=spaces.MultiBinary(3)
        )
        self.action_space = spaces.MultiBinary(2)

    def _advance(self, action: Any) -> Transition:
        return super()._advance(int(action.sum()))

    def _observe(self) -> Any:
        position = np.array([self.position, self.target])
        return {"position": position, "kind": np.int64(self.position % 4), "mask": np.ones(3, np.int8)}


class Unnamed(ToyEnv):
    """Reports an event that its family does not name."""

    def _advance(self, action: Any) -> Transition:
        transition = super()._advance(action)
        transition.events = ("exploded",)
        return transition


class Silent(ToyEnv):
    """Leaves out a number that its family says every info has."""

    def _advance(self, action: Any) -> Transition:
        transition = super()._advance(action)
        transition.extra = {}
        return transition


class UnpicklableError(Exception):
    """Cannot be made from its arguments again."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(left + right)


class TroubleEnv(ToyEnv):
    """Its `trouble` decides what an action 0 does."""

    def __init__(self, trouble: str = "raise", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.trouble = trouble
        if trouble == "build":
            raise FileNotFoundError("no such map")

    def _advance(self, action: Any) -> Transition:
        if action == 0:
            if self.trouble == "raise":
                raise ZeroDivisionError("the simulator divides by zero")
            if self.trouble == "unpicklable":
                raise UnpicklableError("odd ", "error")
            if self.trouble == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)
        return super()._advance(action)

    def pid(self) -> int:
        return os.getpid()


def limited_toy() -> gymnasium.Env[Any, Any]:
    """A toy inside one of Gymnasium's wrappers."""
    return TimeLimit(ToyEnv(), 100)
