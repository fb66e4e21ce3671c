"""envsuite's environments in RLlib."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import FlattenObservation, TransformObservation
from numpy.typing import NDArray

from envsuite.catalogue import get_task
from envsuite.errors import MissingExtra
from envsuite.registration import make_env

try:
    from ray.tune.registry import register_env
except ImportError as error:
    raise MissingExtra(
        "RLlib needs ray and the packages that its extra would bring (the extra itself pins another Gymnasium); "
        'run: pip install "ray[tune]" dm-tree lz4 ormsgpack scipy torch'
    ) from error


def register(task_id: str, *, flatten: bool | None = None, **kwargs: Any) -> str:
    """Returns the name under which RLlib's `config.environment(name)` finds the task, in every process.

    The entries of RLlib's `env_config` go to the environment, too.

    Args:
        task_id: the task.
        flatten: whether observations become one float32 vector. None flattens where RLlib's default
            models need it: whatever is neither a vector nor a picture (height, width, channels).
        kwargs: go to the environment.
    """

    def create(env_config: dict[str, Any]) -> gymnasium.Env[Any, Any]:
        return to_box(make_env(task_id, **{**kwargs, **env_config}), flatten)

    name = get_task(task_id).id
    register_env(name, create)
    return name


def to_box(env: gymnasium.Env[Any, Any], flatten: bool | None = None) -> gymnasium.Env[Any, Any]:
    """Returns the environment with observations flattened (see `register`) and numbers as float32.

    Pictures stay uint8; of spaces that are not flattened, only Boxes change their type.
    """
    if flatten is None:
        flatten = not (isinstance(env.observation_space, spaces.Box) and len(env.observation_space.shape) in (1, 3))
    if flatten:
        env = FlattenObservation(env)
    space = env.observation_space
    if not isinstance(space, spaces.Box) or space.dtype in (np.float32, np.uint8):
        return env
    # Rounding is monotonic, so rounded observations lie within the rounded bounds.
    rounded = spaces.Box(_float32(space.low), _float32(space.high), dtype=np.float32)
    return TransformObservation(env, _float32, rounded)


def _float32(values: NDArray[Any]) -> NDArray[np.float32]:
    return values.astype(np.float32)
