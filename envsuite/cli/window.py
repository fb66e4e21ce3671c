"""The window of `envsuite play`: the picture, and beside it the panel."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.cli.keyboard import KeyEvent
from envsuite.cli.panel import BACKGROUND, DIM, GOOD, OWN_KEYS, TEXT, Colour, Panel, fit, in_columns, wrap
from envsuite.cli.replay import Session
from envsuite.env import TaskEnv
from envsuite.window import MIN_SIDE, load_pygame

PANEL_WIDTH = 340
MARGIN = 12
FONT_SIZE = 18
KEY_REPEAT_MS = (300, 60)
"""Delay and interval at which a held key repeats where the environment waits for keys."""
_NO_SCREEN = ("dummy", "offscreen")


def why_no_window() -> str | None:
    """Returns why a window could not be seen here; None where it can, or where that was asked for.

    Raises `MissingExtra` without pygame.
    """
    pygame = load_pygame()
    try:
        pygame.display.init()
    except pygame.error as error:
        return f"none can be opened here ({error})"
    if pygame.display.get_driver() in _NO_SCREEN and "SDL_VIDEODRIVER" not in os.environ:
        pygame.display.quit()
        return "there is none here"
    return None


class WindowScreen:
    """A window with a side panel; only one may be open in a process."""

    own_keys: Mapping[str, str] = OWN_KEYS
    releases = True

    def __init__(self, env: TaskEnv, keys: Mapping[str, Any]) -> None:
        self.panel = Panel(env, keys, self.own_keys)
        self.pygame = load_pygame()
        self.pygame.display.init()
        self.pygame.font.init()
        self.pygame.key.set_repeat(*(KEY_REPEAT_MS if env.family.idle_action is None else ()))
        self._font = self.pygame.font.Font(None, FONT_SIZE)
        self._title_font = self.pygame.font.Font(None, FONT_SIZE + 6)
        self._caption = f"{env.task.id} - envsuite play"
        self._clock = self.pygame.time.Clock()
        self._surface: Any = None

    @property
    def surface(self) -> Any:
        """The pygame surface of the window; None before the first frame."""
        return self._surface

    def events(self) -> list[KeyEvent]:
        """Returns what has happened to the window and its keys since the last call."""
        pygame, events = self.pygame, []
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                events.append(KeyEvent("quit"))
            elif event.type == pygame.WINDOWFOCUSLOST:
                events.append(KeyEvent("lost"))
            elif event.type in (pygame.KEYDOWN, pygame.KEYUP):
                kind: Any = "down" if event.type == pygame.KEYDOWN else "up"
                events.append(KeyEvent(kind, event.key, key_names(event, pygame)))
        return events

    def show(self, session: Session, frame: NDArray[np.uint8]) -> None:
        """Draws uint8 (height, width, 3) and the panel of the session."""
        pygame = self.pygame
        factor = max(1, MIN_SIDE // max(frame.shape[:2]))
        size = (frame.shape[1] * factor, frame.shape[0] * factor)
        window = (size[0] + PANEL_WIDTH, max(size[1], MIN_SIDE))
        if self._surface is None or self._surface.get_size() != window:
            self._surface = pygame.display.set_mode(window)
            pygame.display.set_caption(self._caption)
        self.panel.look(session)
        self._surface.fill(BACKGROUND)
        picture = pygame.surfarray.make_surface(np.ascontiguousarray(frame.swapaxes(0, 1)))
        self._surface.blit(pygame.transform.scale(picture, size), (0, (window[1] - size[1]) // 2))
        self._draw_panel(session, size[0] + MARGIN, window[1])
        pygame.display.flip()

    def wait(self, fps: int) -> None:
        """Waits until a frame's time has passed since the last call."""
        self._clock.tick(fps)

    def close(self) -> None:
        """Closes the window; may be called twice."""
        self._surface = None
        with contextlib.suppress(self.pygame.error):
            self.pygame.font.quit()
            self.pygame.display.quit()

    def _draw_panel(self, session: Session, left: int, height: int) -> None:
        width = PANEL_WIDTH - 2 * MARGIN
        y = self._write(self.panel.title, left, MARGIN, TEXT, self._title_font) + 4
        for line in wrap(self.panel.goal, self._measure, width):
            y = self._write(line, left, y, DIM)
        y += 8
        for label, text, colour in self.panel.facts(session):
            self._write(label, left, y, DIM)
            for line in wrap(text, self._measure, width - 80):
                y = self._write(line, left + 80, y, colour)
        y += 8
        for text in self.panel.events:
            y = self._write(text, left, y, TEXT)
        if self.panel.help:
            self._draw_keys(left, y + 8, height - MARGIN)

    def _draw_keys(self, left: int, top: int, bottom: int) -> None:
        line = self._font.get_linesize()
        columns = in_columns(self.panel.keys, (bottom - top) // line)
        column_width = (PANEL_WIDTH - 2 * MARGIN) // len(columns)
        key_width = min(max(self._measure(key) for key, _ in self.panel.keys) + 10, column_width // 2)
        for column, rows in enumerate(columns):
            x = left + column * column_width
            for row, (key, meaning) in enumerate(rows):
                self._write(key, x, top + row * line, GOOD)
                meaning = fit(meaning, self._measure, column_width - key_width - 4)
                self._write(meaning, x + key_width, top + row * line, TEXT)

    def _measure(self, text: str) -> int:
        """Returns the width of the text in pixels."""
        return int(self._font.size(text)[0])

    def _write(self, text: str, x: int, y: int, colour: Colour, font: Any = None) -> int:
        """Writes a line and returns where the next one goes."""
        font = font or self._font
        self._surface.blit(font.render(text, True, colour), (x, y))
        return y + int(font.get_linesize())


def key_names(event: Any, pygame: Any) -> tuple[str, ...]:
    """Returns the names an event may be bound by: with its modifier, as typed, as the key is called."""
    name = pygame.key.name(event.key)
    modifiers = (("ctrl", pygame.KMOD_CTRL), ("alt", pygame.KMOD_ALT), ("shift", pygame.KMOD_SHIFT))
    pressed = getattr(event, "mod", 0)
    combined = [f"{modifier}+{name}" for modifier, mask in modifiers if pressed & mask]
    typed = getattr(event, "unicode", "")
    return (*combined, *([typed] if typed else []), name)
