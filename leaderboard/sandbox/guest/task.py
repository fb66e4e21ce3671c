"""TaskInfo inside the sandbox: the attributes of envsuite's, without importing envsuite or gymnasium."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .spaces import build_space

if TYPE_CHECKING:
    from gymnasium import spaces


class TaskInfo:
    """What an agent may know about its task; the spaces are built when they are first looked at."""

    def __init__(self, message: dict[str, Any], bundle: str) -> None:
        self.id: str = message["id"]
        self.goal: str = message["goal"]
        """The task in one English sentence."""
        self.max_episode_steps: int = message["max_episode_steps"]
        self.run: int = message["run"]
        """Which training run's weights to load."""
        self.bundle_dir = Path(bundle)
        """The folder of the submission, where weights lie."""
        self._message = message

    @cached_property
    def observation_space(self) -> spaces.Space[Any]:
        """The space of `act`'s argument."""
        return build_space(self._message["observation_space"])

    @cached_property
    def action_space(self) -> spaces.Space[Any]:
        """The space of `act`'s answer."""
        return build_space(self._message["action_space"])
