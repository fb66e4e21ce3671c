"""An agent that plays every task: random legal actions. Replace what `Agent` does with yours."""

from __future__ import annotations

from typing import Any

import numpy as np


class Agent:
    """Plays one task; a new one is made for every episode, unless the suite lets agents adapt."""

    def __init__(self, task: Any) -> None:
        self.action_space = task.action_space
        self.weights = load_weights(task)

    def reset(self, seed: int) -> None:
        """Begins an episode. All randomness has to come from `seed`, so that the episode can be played again."""
        self.action_space.seed(seed)

    def act(self, observation: Any) -> Any:
        """Returns a member of the action space; `action_mask` says which actions are legal, where some are not."""
        mask = observation.get("action_mask") if isinstance(observation, dict) else None
        if mask is not None and hasattr(self.action_space, "nvec"):  # several choices, a mask for each
            mask = tuple(np.split(mask, np.cumsum(self.action_space.nvec)[:-1]))
        return self.action_space.sample(mask)


def load_weights(task: Any) -> dict[str, Any]:
    """Returns the arrays of the training run that is asked for; none where there is no file of it."""
    if task.bundle_dir is None:
        return {}
    file = task.bundle_dir / "weights" / f"run-{task.run}.npz"
    if not file.is_file():
        return {}
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def make_agent(task: Any) -> Agent:
    """Returns the agent for a task, which tells its id, spaces, goal, step limit, run and the bundle's folder."""
    return Agent(task)
