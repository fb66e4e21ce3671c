"""envsuite's environments in Stable-Baselines3."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from envsuite.errors import MissingExtra
from envsuite.vector import TaskVectorEnv, make_vec
from envsuite.vector.worker import call_method, get_attribute, is_wrapped, set_attribute

try:
    from stable_baselines3.common.vec_env import VecEnv, VecMonitor
except ImportError as error:
    raise MissingExtra(
        'Stable-Baselines3 environments need stable-baselines3; run: pip install "envsuite[interop]"'
    ) from error

Indices = int | Iterable[int] | None


def to_vec_env(task_id: str, n: int = 1, *, seed: int | None = None, workers: int | None = None, **kwargs: Any) -> Any:
    """Returns what `make_vec_env(id, n_envs=n)` would: a monitored `VecEnv` for Stable-Baselines3.

    The info of the last step of an episode also has "episode" (return, length, time) and, where the
    task defines success, "is_success"; both appear in Stable-Baselines3's log.

    Args:
        task_id: the task, or a suite with as many tasks as `n`.
        n: how many environments.
        seed: environment i gets `seed + i` in the first reset.
        workers: as in `envsuite.make_vec`; no `if __name__ == "__main__"` is needed.
        kwargs: go to `envsuite.make_vec`, and from there to every environment.
    """
    env = make_vec(task_id, n, autoreset_mode=AutoresetMode.SAME_STEP, workers=workers, **kwargs)
    venv = VecMonitor(TaskVecEnv(cast("TaskVectorEnv", env)))
    venv.seed(seed)
    return venv


class TaskVecEnv(VecEnv):  # type: ignore[misc]  # the package is optional, hence Any to the checker
    """A Stable-Baselines3 `VecEnv` over a vector env whose mode is "same_step".

    Infos hold plain Python values as those of a single environment do (`events`, `factors`, `success`,
    `invalid_action`, `task`, `metrics`), always "TimeLimit.truncated", and in the last step of an episode
    "terminal_observation" and, where success is defined, "is_success": whether any step succeeded.
    Actions are cast to the dtype of the space and clipped to a Box's bounds, since Stable-Baselines3
    computes them in float32. Seeds and options of `seed` and `set_options` apply to the next `reset`.
    """

    def __init__(self, env: TaskVectorEnv) -> None:
        """Takes the vector env over and closes it with itself; raises ValueError for another autoreset mode."""
        if env.metadata["autoreset_mode"] is not AutoresetMode.SAME_STEP:
            raise ValueError(f"env: expected autoreset_mode 'same_step', got {env.metadata['autoreset_mode']}")
        self.vector_env = env
        self._succeeded = np.zeros(env.num_envs, np.bool_)
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)

    def reset(self) -> Any:
        """Returns the first observations of new episodes; `reset_infos` holds their infos."""
        seeds = self._seeds if any(seed is not None for seed in self._seeds) else None
        observations, infos = self.vector_env.reset(seed=seeds, options=self._shared_options())
        self._reset_seeds()
        self._reset_options()
        self._succeeded[:] = False
        self.reset_infos = [self._info(infos, row) for row in range(self.num_envs)]
        return observations

    def step_async(self, actions: NDArray[Any]) -> None:
        """Starts a step."""
        space = self.action_space
        values = np.asarray(actions).astype(space.dtype)
        self.vector_env.send(np.clip(values, space.low, space.high) if isinstance(space, spaces.Box) else values)

    def step_wait(self) -> tuple[Any, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Returns observations, rewards, dones and infos of the step; ended environments have been reset."""
        observations, rewards, terminated, truncated, infos = self.vector_env.recv()
        dones = terminated | truncated
        listed = []
        for row in range(self.num_envs):
            info = self._info(infos["final_info"] if dones[row] else infos, row)
            info["TimeLimit.truncated"] = bool(truncated[row] and not terminated[row])
            self._succeeded[row] |= info.get("success", False)
            if dones[row]:
                info["terminal_observation"] = infos["final_obs"][row]
                if "success" in info:
                    info["is_success"] = bool(self._succeeded[row])
                self._succeeded[row] = False
                self.reset_infos[row] = self._info(infos, row)
            listed.append(info)
        return observations, rewards.astype(np.float32), dones, listed

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Returns the seeds of the next reset: `seed + i`, or the environments' own streams for None."""
        self._seeds = [None if seed is None else seed + row for row in range(self.num_envs)]
        return self._seeds

    def set_next(self, seeds: Iterable[int] | None, options: Iterable[dict[str, Any]] | None = None) -> None:
        """Queues seeds and options of coming resets, as `envsuite.vector.TaskVectorEnv.set_next`."""
        self.vector_env.set_next(seeds, options)

    def close(self) -> None:
        """Closes the environments."""
        self.vector_env.close()

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """Returns one picture per environment."""
        return list(self.vector_env.render())

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        """Returns an attribute of the chosen environments."""
        return list(self.vector_env.apply(get_attribute, (attr_name,), self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        """Sets an attribute of the chosen environments to one value."""
        self.vector_env.apply(set_attribute, (attr_name, value), self._get_indices(indices))

    def env_method(
        self, method_name: str, *method_args: Any, indices: Indices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Returns what a method of the chosen environments returns."""
        args = (method_name, method_args, method_kwargs)
        return list(self.vector_env.apply(call_method, args, self._get_indices(indices)))

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: Indices = None
    ) -> list[bool]:
        """Returns whether the chosen environments are wrapped with the class."""
        names = (wrapper_class.__module__, wrapper_class.__qualname__)
        return list(self.vector_env.apply(is_wrapped, names, self._get_indices(indices)))

    def _shared_options(self) -> dict[str, Any] | None:
        """Returns the options of all environments as one dict."""
        if not any(self._options):
            return None
        if any(set(options) != {"task"} for options in self._options):
            raise ValueError(f"options: expected {{'task': value}} for every environment or none, got {self._options}")
        return {"task": [options["task"] for options in self._options]}

    def _info(self, infos: dict[str, Any], row: int) -> dict[str, Any]:
        env = self.vector_env
        info: dict[str, Any] = {
            "events": tuple(name for name, hit in zip(env.event_names, infos["events"][row], strict=True) if hit),
            "factors": dict(zip(env.factor_names, infos["factors"][row].tolist(), strict=True)),
            "invalid_action": int(infos["invalid_action"][row]),
        }
        if "success" in infos and infos["_success"][row]:
            info["success"] = bool(infos["success"][row])
        if "task" in infos and infos["_task"][row]:
            info["task"] = infos["task"][row]
        if infos["_metrics"][row]:
            info["metrics"] = dict(zip(env.metric_names, infos["metrics"][row].tolist(), strict=True))
        return info
