"""A tiny environment, family and agents for the tests of what all families share."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envsuite.env import Info, TaskEnv, Transition
from envsuite.task import Family, Task, TaskInfo

TASK = Task(
    id="envsuite/toy-walk-v1",
    goal="Walk to the target.",
    entry_point="toy:ToyEnv",
    max_episode_steps=20,
    metric="success_rate",
    reward_range=(-1.0, 1.0),
)
FAMILY = Family(
    name="toy",
    title="Toy",
    summary="A walk on a line.",
    extra="toy",
    modules=("numpy",),
    distribution="numpy",
    tasks=(TASK,),
    events=("moved", "reached"),
    factors=("distance",),
    metrics=("position",),
    signals=("place",),
    licence="MIT",
    homepage="https://example.org",
    bibtex="",
)


class ToyEnv(TaskEnv):
    """A walker on a line that wants to reach the task's target; its start depends on the seed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"task": TASK, "family": FAMILY, **kwargs})
        self.observation_space = spaces.Box(-50.0, 50.0, (2,), np.float32)
        self.action_space = spaces.Discrete(3)
        self.task_space = spaces.Box(np.float32(2), np.float32(8), (1,), np.float32)
        self.position = 0

    def _sample_task(self, rng: np.random.Generator) -> NDArray[np.float32]:
        return rng.uniform(2, 8, 1).astype(np.float32)

    def _begin(self, seed: int, task_value: Any) -> tuple[Any, Info]:
        self.noise = np.random.default_rng(seed)
        self.position = int(self.noise.integers(-9, 0))
        self.target = float(task_value[0])
        return self._observe(), {"place": self.position}

    def _advance(self, action: Any) -> Transition:
        before = self.position
        self.position += int(action) - 1
        reached = self.position >= self.target
        reward = float(self.position - before)
        return Transition(
            observation=self._observe(),
            reward=reward,
            terminated=reached,
            success=reached,
            events=("moved",) * (before != self.position) + ("reached",) * reached,
            factors={"distance": reward},
            no_effect=before == self.position,
            extra={"place": self.position},
        )

    def _frame(self) -> NDArray[np.uint8]:
        frame = np.zeros((20, 120, 3), np.uint8)
        frame[5:15, self.position + 60] = 255
        return frame

    def _metrics(self) -> Mapping[str, float]:
        return {"position": float(self.position)}

    def _observe(self) -> NDArray[np.float32]:
        return np.array([self.position, self.target], np.float32)


class Walker:
    """Walks right; the expert of the toy."""

    def __init__(self, task: TaskInfo) -> None:
        self.task = task

    def reset(self, seed: int) -> None:
        pass

    def act(self, observation: Any) -> Any:
        return 2


class BatchedRandom:
    """Random walkers, up to four at once, each with its own stream."""

    batched = 4

    def __init__(self, task: TaskInfo) -> None:
        self.n = int(task.action_space.n)

    def reset(self, seeds: list[int]) -> None:
        self.rngs = [np.random.default_rng(seed) for seed in seeds]

    def act(self, observations: Any) -> Any:
        assert len(observations) == len(self.rngs)
        return np.array([rng.integers(self.n) for rng in self.rngs])


class Crashing:
    """Raises in the third step of every episode."""

    def __init__(self, task: TaskInfo) -> None:
        self.steps = 0

    def reset(self, seed: int) -> None:
        self.steps = 0

    def act(self, observation: Any) -> Any:
        self.steps += 1
        if self.steps == 3:
            raise ZeroDivisionError("the agent divides by zero")
        return np.zeros(4, np.float32)


class KillsItsWorkerOnce(Crashing):
    """Kills its process in the first episode that finds no marker file; afterwards behaves."""

    def act(self, observation: Any) -> Any:
        marker = Path(os.environ["ENVSUITE_TEST_MARKER"])
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return np.zeros(4, np.float32)


def unbuildable(task: TaskInfo) -> Any:
    """Cannot be made."""
    raise RuntimeError("no weights for this task")


class AlwaysKillsItsWorker(Crashing):
    """Kills its process in every episode."""

    def act(self, observation: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)
