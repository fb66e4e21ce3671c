"""Meta-World's own scripted policies behind the Agent protocol."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.task import TaskInfo, parse_id


class ScriptedExpert:
    """Plays one task by Meta-World's hand-written policy, which sees nothing but the observation."""

    def __init__(self, policy: Any) -> None:
        self._policy = policy

    def reset(self, seed: int) -> None:
        """Has nothing to prepare: the policies keep no state and draw no numbers."""

    def act(self, observation: NDArray[np.float64]) -> NDArray[np.float32]:
        """Returns float32 (4,), the policy's action clipped to the action space."""
        with warnings.catch_warnings():
            # Says of nearly every action that it is going to be clipped, which it is.
            warnings.filterwarnings("ignore", "Constant", UserWarning)
            action = self._policy.get_action(observation.copy())
        return np.clip(np.asarray(action, dtype=np.float64), -1.0, 1.0).astype(np.float32)


def make_expert(task: TaskInfo) -> ScriptedExpert:
    """Returns the scripted expert of a task of this family."""
    from envsuite.families.metaworld.env import scripted_policy  # imports the simulator

    return ScriptedExpert(scripted_policy(f"{parse_id(task.id).name}-v3"))
