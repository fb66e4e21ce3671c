"""What `envsuite play` tells beside the picture: how the episode goes, and which key does what."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from envsuite.cli.replay import Session
from envsuite.env import TaskEnv

Colour = tuple[int, int, int]
BACKGROUND, TEXT, DIM = (24, 26, 32), (228, 230, 235), (150, 155, 165)
GOOD, BAD = (110, 210, 120), (240, 110, 100)
OWN_KEYS = {"f1": "keys", "f5": "next episode", "f6": "same seed again", "escape": "quit"}
"""Keys that the player takes for itself, and what they do; a family's binding of the same key does not count."""
_EVENTS_KEPT = 5
_MAX_COLUMNS = 3


class Panel:
    """The content of the panel, which a window and a terminal draw each in their own way."""

    def __init__(self, env: TaskEnv, keys: Mapping[str, Any], own_keys: Mapping[str, str]) -> None:
        self.title, self.goal = env.task.name, env.task.goal
        self.help = True
        """Whether the keys are shown."""
        self.events: deque[str] = deque(maxlen=_EVENTS_KEPT)
        """The last events of the episode, each with its step."""
        self.keys = [*_grouped(own_keys.items()), *bindings(keys, env)]
        """Pairs of keys and what they do, the player's own first."""
        self._env = env
        self._seen: tuple[int, int] = (0, 0)
        self._last_action = ""

    def note(self, action: Any) -> None:
        """Remembers the action."""
        self._last_action = action_name(action, self._env)

    def look(self, session: Session) -> None:
        """Remembers the events of the last step, unless they have been seen."""
        at = (session.seed, len(session.actions))
        if at != self._seen:
            self._seen = at
            self.events.extend(f"{len(session.actions)}: {name}" for name in session.info["events"])

    def forget(self) -> None:
        """Empties what is remembered of the last episode."""
        self.events.clear()
        self._last_action = ""

    def facts(self, session: Session) -> list[tuple[str, str, Colour]]:
        """Returns label, text and colour of what is told about the episode."""
        reward = session.rewards[-1] if session.rewards else 0.0
        facts = [
            ("seed", str(session.seed), TEXT),
            ("step", f"{len(session.actions)} of {self._env.task.max_episode_steps}", TEXT),
            ("return", f"{sum(session.rewards):.6g}", TEXT),
            ("reward", f"{reward:.6g}", GOOD if reward > 0 else BAD if reward < 0 else TEXT),
        ]
        if session.info.get("task") is not None:
            facts.append(("task", np.array2string(np.asarray(session.info["task"]), precision=3), TEXT))
        if session.success is not None:
            facts.append(("success", "yes" if session.success else "not yet", GOOD if session.success else TEXT))
        facts.append(("action", self._last_action or "-", TEXT))
        if session.over:
            how = "the game ended it" if session.terminated else "a limit ended it"
            facts.append(("over", f"{how}; F5 goes on", BAD))
        return facts


def bindings(keys: Mapping[str, Any], env: TaskEnv) -> list[tuple[str, str]]:
    """Returns pairs of keys and what they do, keys of the same action together."""
    return _grouped((key, action_name(action, env)) for key, action in keys.items())


def _grouped(meanings: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    grouped: dict[str, list[str]] = {}
    for key, meaning in meanings:
        grouped.setdefault(meaning, []).append(_key_label(key))
    return [(" ".join(labels), meaning) for meaning, labels in grouped.items()]


def _key_label(key: str) -> str:
    """Returns the name of a key; a control character, which no font draws, by the keys that type it."""
    if len(key) == 1 and ord(key) < 32:
        return f"ctrl+{chr(ord(key) + 64).lower()}"
    return key.upper() if key in OWN_KEYS and key.startswith("f") else key


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


def in_columns(rows: Sequence[tuple[str, str]], per_column: int) -> list[Sequence[tuple[str, str]]]:
    """Returns the rows in as many columns as are needed to fit, three at most; what does not fit is left out."""
    per_column = max(1, per_column)
    count = min(_MAX_COLUMNS, -(-len(rows) // per_column))
    return [rows[index * per_column : (index + 1) * per_column] for index in range(count)]


def wrap(text: str, measure: Callable[[str], int], width: int) -> list[str]:
    """Returns the text in lines that measure at most `width`, broken between words."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and measure(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def fit(text: str, measure: Callable[[str], int], width: int) -> str:
    """Returns the text, cut to `width` with an ellipsis if it measures more."""
    if measure(text) <= width:
        return text
    while text and measure(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"
