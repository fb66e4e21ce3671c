"""How keys become actions in `envsuite play`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray


@dataclass
class Keyboard:
    """Turns key events into actions.

    Where time goes on by itself (`idle` is not None) the actions of held keys count: of a continuous
    action space their clipped sum, otherwise the key pressed last. Where the environment waits, every
    press of a key is an action, and holding it repeats it.
    """

    keys: Mapping[str, Any]
    space: spaces.Space[Any]
    idle: Any
    held: dict[int, Any] = field(default_factory=dict)
    """Key code -> action, in the order in which the keys went down."""
    tapped: list[Any] = field(default_factory=list)
    """Actions of keys that went down since the last step: a short press counts too."""

    def down(self, event: Any, pygame: Any) -> None:
        """Takes a KEYDOWN event; a key without a binding is ignored."""
        name = next((name for name in _key_names(event, pygame) if name in self.keys), None)
        if name is not None:
            self.tapped.append(self.keys[name])
            self.held.pop(event.key, None)
            self.held[event.key] = self.keys[name]

    def up(self, event: Any) -> None:
        """Takes a KEYUP event."""
        self.held.pop(event.key, None)

    def release(self) -> None:
        """Lets go of all keys: the window has lost them, or the episode has ended."""
        self.held.clear()
        self.tapped.clear()

    def action(self) -> Any:
        """Returns the next action, a member of the space; None where the environment waits for a key."""
        tapped, self.tapped = self.tapped, []
        if isinstance(self.space, spaces.Box):
            active = [*self.held.values(), *(action for action in tapped if not _among(action, self.held))]
            return self._sum(active) if active else _member(self.space, self.idle)
        if self.idle is None:
            # Repeats that came faster than the steps are dropped, or the hero walks on after the key is up.
            self.tapped = tapped[1:3]
            return _member(self.space, tapped[0]) if tapped else None
        held = list(self.held.values())
        return _member(self.space, (held[-1:] or tapped[-1:] or [self.idle])[0])

    def _sum(self, active: list[Any]) -> NDArray[Any]:
        space = self.space
        if not isinstance(space, spaces.Box):
            raise TypeError(f"space: expected Box, got {space}")
        total = np.sum(active, axis=0, dtype=np.float64)
        return np.clip(total, space.low, space.high).astype(space.dtype)


def _among(action: Any, held: Mapping[int, Any]) -> bool:
    return any(action is other for other in held.values())


def _member(space: spaces.Space[Any], action: Any) -> Any:
    if action is None:
        return None
    return np.int64(action) if isinstance(space, spaces.Discrete) else np.array(action, space.dtype)


def _key_names(event: Any, pygame: Any) -> list[str]:
    """Returns the names an event may be bound by: with its modifier, as typed, as the key is called."""
    name = pygame.key.name(event.key)
    modifiers = (("ctrl", pygame.KMOD_CTRL), ("alt", pygame.KMOD_ALT), ("shift", pygame.KMOD_SHIFT))
    pressed = getattr(event, "mod", 0)
    combined = [f"{modifier}+{name}" for modifier, mask in modifiers if pressed & mask]
    typed = getattr(event, "unicode", "")
    return [*combined, *([typed] if typed else []), name]
