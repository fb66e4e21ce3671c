"""A window that shows frames of an environment, for `render_mode="human"` and `envsuite play`."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.errors import MissingDisplay, MissingExtra

MIN_SIDE = 480
"""Frames whose longer side is shorter are enlarged by a whole factor, so that 64 x 64 can be seen."""

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
"""Environment variables of which one tells SDL where to open a window."""


def load_pygame() -> Any:
    """Returns the pygame module; raises `MissingExtra` with the command that installs it."""
    try:
        import pygame
    except ImportError as error:
        raise MissingExtra("a window needs pygame; run: pip install pygame") from error
    return pygame


def _require_display() -> None:
    """Raises `MissingDisplay` on a Linux machine without a screen.

    SDL would fall back to a driver of its own there and take the OpenGL context of other renderers down
    with it when it closes.
    """
    if sys.platform == "linux" and not any(os.environ.get(name) for name in DISPLAYS):
        raise MissingDisplay(
            'render_mode "human" needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set; '
            'use render_mode "rgb_array", or set SDL_VIDEODRIVER=dummy to go without a screen'
        )


class Window:
    """One desktop window; a second one may be open at the same time in another process only."""

    def __init__(self, title: str, fps: int) -> None:
        self.pygame = load_pygame()
        self._title = title
        self._fps = fps
        self._screen: Any = None
        self._clock = self.pygame.time.Clock()

    def show(self, frame: NDArray[np.uint8]) -> None:
        """Shows uint8 (height, width, 3) and waits so that at most `fps` frames are shown a second."""
        pygame = self.pygame
        factor = max(1, MIN_SIDE // max(frame.shape[:2]))
        size = (frame.shape[1] * factor, frame.shape[0] * factor)
        if self._screen is None or self._screen.get_size() != size:
            _require_display()
            pygame.display.init()
            self._screen = pygame.display.set_mode(size)
            pygame.display.set_caption(self._title)
        surface = pygame.surfarray.make_surface(np.ascontiguousarray(frame.swapaxes(0, 1)))
        self._screen.blit(pygame.transform.scale(surface, size), (0, 0))
        pygame.event.pump()
        pygame.display.flip()
        self._clock.tick(self._fps)

    def close(self) -> None:
        """Closes the window; may be called twice."""
        if self._screen is not None:
            with contextlib.suppress(self.pygame.error):
                self.pygame.display.quit()
            self._screen = None
