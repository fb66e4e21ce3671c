"""make_vec: many environments of one id, or one of each id of a suite, behind one batched step."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from gymnasium.vector import AutoresetMode, VectorEnv

from envsuite.agent import load_object
from envsuite.catalogue import SUITES, family_of, get_task
from envsuite.registration import make_env, require_simulator
from envsuite.vector.backends import Exchange, Kernel, default_workers
from envsuite.vector.env import TaskVectorEnv, parse_autoreset_mode, positive

__all__ = ["TaskVectorEnv", "make_vec"]


def make_vec(
    task_id: str,
    num_envs: int | None = None,
    *,
    autoreset_mode: str | AutoresetMode = "next_step",
    workers: int | None = None,
    render_mode: str | None = None,
    copy: bool = True,
    timeout_s: float | None = None,
    **kwargs: Any,
) -> VectorEnv[Any, Any, Any]:
    """Returns a vector env of `num_envs` environments of a task, or of one environment per task of a suite.

    Also what `gymnasium.make_vec(id, num_envs=n)` calls. Environment i plays exactly what a single
    environment of the same seed plays, whatever the number of workers.

    Args:
        task_id: an id, or the name of a suite whose tasks have equal action spaces and observations of
            equal shape and dtype; where their bounds differ, `single_observation_space` spans them all.
        num_envs: how many environments, 1 if left out; for a suite the number of its tasks or None.
        autoreset_mode: "next_step", "same_step" or "disabled", with Gymnasium's meaning.
        workers: how many worker processes share the environments in contiguous slices. 0 runs all in
            this process. None takes as many as there are cores and environments, and none at all where
            that would be one. Where the family has a native vector env, or serves many environments in one go, None
            takes that.
        render_mode: as in `gymnasium.make`.
        copy: False returns the live batch of observations, which the next `step`, `send` or `reset`
            overwrites.
        timeout_s: seconds a step, reset or call may take before its workers are killed and `WorkerDied`
            is raised; None waits forever.
        kwargs: go to every environment.

    Raises `UnknownName`, `MissingSimulator`, ValueError for a suite whose tasks differ in spaces or for
    counts that do not fit, and what an environment's constructor raises.
    """
    mode = parse_autoreset_mode(autoreset_mode)
    if task_id in SUITES:
        task_ids = SUITES[task_id].task_ids
        if num_envs not in (None, len(task_ids)):
            raise ValueError(f"num_envs: expected None or {len(task_ids)}, the tasks of {task_id}, got {num_envs}")
    else:
        task_ids = (get_task(task_id).id,) * positive("num_envs", 1 if num_envs is None else num_envs)
        native = family_of(task_id).vector
        if native is not None and workers is None:
            family = family_of(task_id)
            require_simulator(family)
            make_kernel: Callable[..., Kernel | None] = load_object(native)
            arguments = {"render_mode": render_mode, **get_task(task_id).kwargs, **kwargs}
            kernel = make_kernel(len(task_ids), task=get_task(task_id), family=family, **arguments)
            if kernel is not None:
                return TaskVectorEnv(kernel=kernel, autoreset_mode=mode, copy=copy)
    exchange = _exchange(task_ids, workers)
    for name in dict.fromkeys(task_ids):
        require_simulator(family_of(name))
    # Observations go straight into the batch, so the environments need not copy them first.
    arguments = {"render_mode": render_mode, "copy": False, **kwargs}
    factories = [functools.partial(make_env, name, **arguments) for name in task_ids]
    if exchange is not None:
        shards = max(1, default_workers(len(task_ids)))
        factories = [
            functools.partial(make_env, name, shard=row * shards // len(task_ids), **arguments)
            for row, name in enumerate(task_ids)
        ]
    return TaskVectorEnv(
        factories, autoreset_mode=mode, workers=workers, copy=copy, timeout_s=timeout_s, exchange=exchange
    )


def _exchange(task_ids: Sequence[str], workers: int | None) -> Exchange | None:
    """Returns what serves all the tasks at once, None where they differ in it or workers are asked for."""
    entry_points = {family_of(name).exchange for name in task_ids}
    entry_point = entry_points.pop() if len(entry_points) == 1 and workers is None else None
    if entry_point is None:
        return None
    require_simulator(family_of(task_ids[0]))
    exchange: Exchange = load_object(entry_point)
    return exchange
