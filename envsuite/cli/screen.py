"""What `envsuite play` needs of a screen; a window and a terminal are the two there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from envsuite.cli.keyboard import KeyEvent
from envsuite.cli.panel import Panel
from envsuite.cli.replay import Session
from envsuite.errors import EnvsuiteError


class InvalidOption(EnvsuiteError, ValueError):
    """Raised for an argument of `play` that cannot be used."""


class Screen(Protocol):
    """Shows the picture and the panel, and tells of keys."""

    panel: Panel
    own_keys: Mapping[str, str]
    """Keys of the player itself -> what they do, one of the values of `panel.OWN_KEYS`."""
    releases: bool
    """Whether it is told when a key goes up."""

    def events(self) -> list[KeyEvent]:
        """Returns what has happened at the keyboard since the last call; does not wait for it."""

    def show(self, session: Session, frame: NDArray[np.uint8]) -> None:
        """Draws uint8 (height, width, 3) and the panel of the session."""

    def wait(self, fps: int) -> None:
        """Waits until a frame's time has passed since the last call."""

    def close(self) -> None:
        """Takes the screen away and leaves things as they were; may be called twice."""
