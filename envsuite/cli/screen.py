"""The window of `envsuite play`: the picture, and beside it what happens and which key does what."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.cli.replay import Session
from envsuite.env import TaskEnv
from envsuite.window import MIN_SIDE, load_pygame

PANEL_WIDTH = 340
MARGIN = 12
FONT_SIZE = 18
_BACKGROUND, _TEXT, _DIM, _GOOD, _BAD = (24, 26, 32), (228, 230, 235), (150, 155, 165), (110, 210, 120), (240, 110, 100)
_OWN_KEYS = (("F1", "keys"), ("F5", "next episode"), ("F6", "same seed again"), ("escape", "quit"))
_EVENTS_KEPT = 5


class Screen:
    """A window with a side panel; only one may be open in a process."""

    def __init__(self, env: TaskEnv, keys: Mapping[str, Any]) -> None:
        self.help = True
        """Whether the panel shows the keys."""
        self.pygame = load_pygame()
        self.pygame.font.init()
        self._font = self.pygame.font.Font(None, FONT_SIZE)
        self._title_font = self.pygame.font.Font(None, FONT_SIZE + 6)
        self._env = env
        self._bindings = bindings(keys, env)
        self._surface: Any = None
        self._events: deque[str] = deque(maxlen=_EVENTS_KEPT)
        self._seen: tuple[int, int] = (0, 0)
        self._last_action = ""

    @property
    def surface(self) -> Any:
        """The pygame surface of the window; None before the first frame."""
        return self._surface

    def note(self, action: Any) -> None:
        """Remembers the action for the panel."""
        self._last_action = action_name(action, self._env)

    def forget(self) -> None:
        """Empties what the panel remembers of the last episode."""
        self._events.clear()
        self._last_action = ""

    def show(self, session: Session, frame: NDArray[np.uint8]) -> None:
        """Draws uint8 (height, width, 3) and the panel of the session."""
        pygame = self.pygame
        factor = max(1, MIN_SIDE // max(frame.shape[:2]))
        size = (frame.shape[1] * factor, frame.shape[0] * factor)
        window = (size[0] + PANEL_WIDTH, max(size[1], MIN_SIDE))
        if self._surface is None or self._surface.get_size() != window:
            self._surface = pygame.display.set_mode(window)
            pygame.display.set_caption(f"{self._env.task.id} - envsuite play")
        self._remember_events(session)
        self._surface.fill(_BACKGROUND)
        picture = pygame.surfarray.make_surface(np.ascontiguousarray(frame.swapaxes(0, 1)))
        self._surface.blit(pygame.transform.scale(picture, size), (0, (window[1] - size[1]) // 2))
        self._draw_panel(session, size[0] + MARGIN, window[1])
        pygame.display.flip()

    def close(self) -> None:
        """Closes the window; may be called twice."""
        self._surface = None
        with contextlib.suppress(self.pygame.error):
            self.pygame.font.quit()
            self.pygame.display.quit()

    def _remember_events(self, session: Session) -> None:
        at = (session.seed, len(session.actions))
        if at != self._seen:
            self._seen = at
            self._events.extend(f"{len(session.actions)}: {name}" for name in session.info["events"])

    def _draw_panel(self, session: Session, left: int, height: int) -> None:
        width = PANEL_WIDTH - 2 * MARGIN
        y = self._write(self._env.task.name, left, MARGIN, _TEXT, self._title_font) + 4
        for line in wrap(self._env.task.goal, self._font, width):
            y = self._write(line, left, y, _DIM)
        y += 8
        for label, text, colour in _facts(session, self._env, self._last_action):
            self._write(label, left, y, _DIM)
            for line in wrap(text, self._font, width - 80):
                y = self._write(line, left + 80, y, colour)
        y += 8
        for text in self._events:
            y = self._write(text, left, y, _TEXT)
        if self.help:
            self._draw_keys(left, y + 8, height - MARGIN)

    def _draw_keys(self, left: int, top: int, bottom: int) -> None:
        """Writes the bindings in as many columns as are needed to fit, the window's own keys first."""
        rows = [*_OWN_KEYS, *self._bindings]
        per_column = max(1, (bottom - top) // self._font.get_linesize())
        count = min(3, -(-len(rows) // per_column))
        column_width = (PANEL_WIDTH - 2 * MARGIN) // count
        key_width = min(max(self._font.size(key)[0] for key, _ in rows) + 10, column_width // 2)
        for index, (key, meaning) in enumerate(rows[: per_column * count]):
            column, row = divmod(index, per_column)
            x, y = left + column * column_width, top + row * self._font.get_linesize()
            self._write(key, x, y, _GOOD)
            self._write(fit(meaning, self._font, column_width - key_width - 4), x + key_width, y, _TEXT)

    def _write(self, text: str, x: int, y: int, colour: tuple[int, int, int], font: Any = None) -> int:
        """Writes a line and returns where the next one goes."""
        font = font or self._font
        self._surface.blit(font.render(text, True, colour), (x, y))
        return y + int(font.get_linesize())


def _facts(session: Session, env: TaskEnv, last_action: str) -> list[tuple[str, str, tuple[int, int, int]]]:
    """Returns label, text and colour of what the panel tells about the episode."""
    reward = session.rewards[-1] if session.rewards else 0.0
    facts = [
        ("seed", str(session.seed), _TEXT),
        ("step", f"{len(session.actions)} of {env.task.max_episode_steps}", _TEXT),
        ("return", f"{sum(session.rewards):.6g}", _TEXT),
        ("reward", f"{reward:.6g}", _GOOD if reward > 0 else _BAD if reward < 0 else _TEXT),
    ]
    if session.info.get("task") is not None:
        facts.append(("task", np.array2string(np.asarray(session.info["task"]), precision=3), _TEXT))
    if session.success is not None:
        facts.append(("success", "yes" if session.success else "not yet", _GOOD if session.success else _TEXT))
    facts.append(("action", last_action or "-", _TEXT))
    if session.over:
        how = "the game ended it" if session.terminated else "a limit ended it"
        facts.append(("over", f"{how}; F5 goes on", _BAD))
    return facts


def bindings(keys: Mapping[str, Any], env: TaskEnv) -> list[tuple[str, str]]:
    """Returns pairs of keys and what they do, keys of the same action together."""
    grouped: dict[str, list[str]] = {}
    for key, action in keys.items():
        grouped.setdefault(action_name(action, env), []).append(_key_label(key))
    return [(" ".join(names), meaning) for meaning, names in grouped.items()]


def _key_label(key: str) -> str:
    """Returns the name of a key; a control character, which no font draws, by the keys that type it."""
    return f"ctrl+{chr(ord(key) + 64).lower()}" if len(key) == 1 and ord(key) < 32 else key


def action_name(action: Any, env: TaskEnv) -> str:
    """Returns what an action is called: by the environment's `action_names`, or its non-zero numbers."""
    names = env.action_names
    if np.ndim(action) == 0:
        return str(names[int(action)]).rpartition(".")[2].replace("_", " ").lower() if names else f"action {action}"
    parts = [
        f"{names[index] if names else f'[{index}]'} {value:+.3g}"
        for index, value in enumerate(np.ravel(action).tolist())
        if value
    ]
    return ", ".join(parts) or "nothing"


def wrap(text: str, font: Any, width: int) -> list[str]:
    """Returns the text in lines of at most `width` pixels, broken between words."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.size(longer)[0] > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def fit(text: str, font: Any, width: int) -> str:
    """Returns the text, cut to `width` pixels with an ellipsis if it is longer."""
    if font.size(text)[0] <= width:
        return text
    while text and font.size(f"{text}…")[0] > width:
        text = text[:-1]
    return f"{text}…"
