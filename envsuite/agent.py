"""The Agent protocol and the agents that need no learning."""

from __future__ import annotations

import copy
import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from gymnasium import spaces

from envsuite.catalogue import family_of
from envsuite.errors import AgentLoadError, UnknownName, unknown_name
from envsuite.task import TaskInfo


@runtime_checkable
class Agent(Protocol):
    """Plays the episodes of one task.

    An agent may also have `observe(reward, terminated, truncated)`, called after every step, and may
    declare `batched = True` (see `BatchedAgent`).
    """

    def reset(self, seed: int) -> None:
        """Begins an episode; all randomness of the agent comes from `seed`."""
        ...

    def act(self, observation: Any) -> Any:
        """Returns a member of the task's action space."""
        ...


@runtime_checkable
class BatchedAgent(Protocol):
    """Plays several episodes of one task in lockstep: one call of `act` for all of them.

    `batched` is the largest number of episodes it takes at once. `reset(seeds)` begins `len(seeds)`
    episodes; `act` gets observations stacked along a new first axis (Dict and Tuple spaces stay Dict
    and Tuple) and returns as many actions stacked the same way. Rows of finished episodes repeat their
    last observation and their actions are ignored. `observe` gets three arrays.
    """

    batched: int

    def reset(self, seeds: list[int]) -> None:
        """Begins one episode per seed."""
        ...

    def act(self, observations: Any) -> Any:
        """Returns one action per row."""
        ...


MakeAgent = Callable[[TaskInfo], Any]
"""The entry point of a submission: TaskInfo -> Agent or BatchedAgent."""


__all__ = ["BUILT_IN", "Agent", "BatchedAgent", "ConstantAgent", "MakeAgent", "RandomAgent", "TaskInfo", "load_agent"]


class RandomAgent:
    """Draws uniformly from the action space, under the observation's `action_mask` where there is one."""

    def __init__(self, task: TaskInfo) -> None:
        self._space = copy.deepcopy(task.action_space)

    def reset(self, seed: int) -> None:
        """Seeds the stream of actions."""
        self._space.seed(seed)

    def act(self, observation: Any) -> Any:
        """Returns a random legal action."""
        mask = observation.get("action_mask") if isinstance(observation, Mapping) else None
        if mask is not None and isinstance(self._space, spaces.MultiDiscrete):
            # One flat mask, dimension after dimension, as maskable PPO takes it; Gymnasium wants one per dimension.
            mask = tuple(np.split(mask, np.cumsum(self._space.nvec)[:-1]))
        return self._space.sample(mask)


class ConstantAgent:
    """Always takes one action: the `index`-th of `constant_actions`."""

    def __init__(self, task: TaskInfo, index: int = 0) -> None:
        self._action = constant_actions(task.action_space)[index]

    def reset(self, seed: int) -> None:
        """Has nothing to prepare."""

    def act(self, observation: Any) -> Any:
        """Returns the same action every time."""
        return copy.copy(self._action)


def constant_actions(space: spaces.Space[Any]) -> list[Any]:
    """Returns the actions a constant agent may repeat.

    Every action of a Discrete space; centre, lowest and highest corner of a bounded Box; otherwise the
    first sample of the space under seed 0.
    """
    if isinstance(space, spaces.Discrete):
        return [np.int64(space.start + i) for i in range(int(space.n))]
    if isinstance(space, spaces.Box) and space.is_bounded():
        centre = ((space.low.astype(np.float64) + space.high) / 2).astype(space.dtype)
        return [centre, space.low.copy(), space.high.copy()]
    space = copy.deepcopy(space)
    space.seed(0)
    return [space.sample()]


def make_scripted(task: TaskInfo) -> Any:
    """Returns the family's scripted expert for the task; raises `UnknownName` where there is none."""
    entry_point = family_of(task.id).expert
    if entry_point is None:
        raise UnknownName(f"agent: {task.id} has no scripted agent; use random or constant")
    return load_object(entry_point)(task)


BUILT_IN: Mapping[str, MakeAgent] = {
    "random": RandomAgent,
    "constant": ConstantAgent,
    "scripted": make_scripted,
}
"""The agents that need no training, by the name `--agent` takes."""


def load_agent(spec: str) -> MakeAgent:
    """Returns the `make_agent` that `spec` names: a built-in agent or `package.module:make_agent`.

    Raises `UnknownName` for an unknown name and `AgentLoadError` when the import fails.
    """
    if spec in BUILT_IN:
        return BUILT_IN[spec]
    if ":" not in spec:
        raise unknown_name("agent", spec, [*BUILT_IN, "package.module:make_agent"])
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    make_agent: MakeAgent = load_object(spec)
    if not callable(make_agent):
        raise AgentLoadError(f"agent: expected {spec} to be a function or class, got {type(make_agent).__name__}")
    return make_agent


def load_object(spec: str) -> Any:
    """Returns the attribute that `module:attribute` names; raises `AgentLoadError` with the cause."""
    module_name, _, attribute = spec.partition(":")
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except Exception as error:  # a module may raise anything while it is imported
        raise AgentLoadError(
            f"agent: expected package.module:make_agent that can be imported from here, got {spec!r} "
            f"({type(error).__name__}: {error})"
        ) from error
