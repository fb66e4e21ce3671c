"""parallel_env: a task whose players are agents of their own, with PettingZoo's parallel API."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

from envsuite.agent import load_object
from envsuite.catalogue import FAMILIES, family_of, get_task
from envsuite.errors import InvalidArgument, MissingExtra
from envsuite.registration import install_command, require_simulator


def parallel_env(task_id: str, *, render_mode: str | None = None, **kwargs: Any) -> Any:
    """Returns a `pettingzoo.ParallelEnv` of a task.

    Args:
        task_id: an id of a task for several agents; it may leave out the `envsuite/`.
        render_mode: None, "rgb_array" or "human".
        kwargs: go to the environment: `self_play=True` lets agents steer both teams of a battle.

    Raises `UnknownName` for an unknown id, `InvalidArgument` for a task of one agent, `MissingSimulator` and
    `MissingExtra` with the command that installs what is missing, and what the environment's constructor raises.
    """
    task = get_task(task_id)
    family = family_of(task.id)
    if family.parallel is None:
        able = [name for name, each in FAMILIES.items() if each.parallel is not None]
        raise InvalidArgument(
            f"task_id: expected a task for several agents, of {' or '.join(able) or 'no family yet'}, got {task.id}; "
            "gymnasium.make takes it"
        )
    require_simulator(family)
    if importlib.util.find_spec("pettingzoo") is None:
        raise MissingExtra(f"PettingZoo is not installed; run: {install_command(family)}")
    make: Callable[..., Any] = load_object(family.parallel)
    arguments = {"render_mode": render_mode, **task.kwargs, **kwargs}
    return make(task=task, family=family, **arguments)
