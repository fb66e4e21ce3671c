"""envsuite's environments in TorchRL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium

from envsuite.catalogue import get_task
from envsuite.errors import MissingExtra

try:
    import torch
    from torchrl.data import Binary
    from torchrl.envs import GymWrapper
    from torchrl.envs.gym_like import BaseInfoDictReader
except ImportError as error:
    raise MissingExtra("TorchRL environments need torchrl; run: pip install torchrl") from error

if TYPE_CHECKING:
    from tensordict import TensorDictBase
    from torchrl.data import TensorSpec


def to_torchrl(task_id: str, *, success: bool = False, **kwargs: Any) -> GymWrapper:
    """Returns the task as a TorchRL environment, one row of tensors per step.

    Observations stand under "observation", or under the names of the task's Dict space.

    Args:
        task_id: the task.
        success: whether every step also has "success", bool (1,): whether the task's goal was reached
            in it; False in all steps where the task defines no success.
        kwargs: go to the environment.
    """
    env = GymWrapper(gymnasium.make(get_task(task_id).id, **kwargs))
    if success:
        env.set_info_dict_reader(_ReadSuccess())
    return env


class _ReadSuccess(BaseInfoDictReader):  # type: ignore[misc]  # untyped base
    """Copies `info["success"]`, which a reset does not have, into the row."""

    @property
    def info_spec(self) -> dict[str, TensorSpec]:
        """Returns what a row gains."""
        return {"success": Binary(1, dtype=torch.bool)}

    def __call__(self, info: dict[str, Any], row: TensorDictBase) -> TensorDictBase:
        return row.set("success", torch.tensor([info.get("success", False)]))
