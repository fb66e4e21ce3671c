"""How keys become actions in `envsuite play`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from gymnasium import spaces


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """What a screen reports: a key went down or up, the keys are lost to another window, or the player quits."""

    kind: Literal["down", "up", "lost", "quit"]
    code: Hashable = None
    """Tells the key that goes up from others that are held."""
    names: tuple[str, ...] = ()
    """What the key may be bound by, in pygame's names: with its modifier, as typed, as the key is called."""


@dataclass
class Keyboard:
    """Turns key events into actions.

    Where time goes on by itself (`idle` is not None) the actions of held keys count: of a continuous
    action space their clipped sum, otherwise the key pressed last. Where the environment waits, or nobody
    tells when a key goes up (`releases` is False), every press of a key is an action, and holding it repeats it.
    """

    keys: Mapping[str, Any]
    space: spaces.Space[Any]
    idle: Any
    releases: bool = True
    held: dict[Hashable, Any] = field(default_factory=dict)
    """Key code -> action, in the order in which the keys went down."""
    tapped: list[Any] = field(default_factory=list)
    """Actions of keys that went down since the last step: a short press counts too."""

    def down(self, event: KeyEvent) -> None:
        """Takes a key that goes down; one without a binding is ignored."""
        name = next((name for name in event.names if name in self.keys), None)
        if name is not None:
            self.tapped.append(self.keys[name])
            self.held.pop(event.code, None)
            if self.releases:
                self.held[event.code] = self.keys[name]

    def up(self, event: KeyEvent) -> None:
        """Takes a key that goes up."""
        self.held.pop(event.code, None)

    def release(self) -> None:
        """Lets go of all keys: the window has lost them, or the episode has ended."""
        self.held.clear()
        self.tapped.clear()

    def action(self) -> Any:
        """Returns the next action, a member of the space; None where the environment waits for a key."""
        tapped, self.tapped = self.tapped, []
        if self.idle is None or not self.releases:
            # Repeats that came faster than the steps are dropped, or the hero walks on after the key is up.
            self.tapped = tapped[1:3]
            return _member(self.space, tapped[0] if tapped else self.idle)
        if isinstance(self.space, spaces.Box):
            active = [*self.held.values(), *(action for action in tapped if not _among(action, self.held))]
            return _member(self.space, np.sum(active, axis=0, dtype=np.float64) if active else self.idle)
        held = list(self.held.values())
        return _member(self.space, (held[-1:] or tapped[-1:] or [self.idle])[0])


def _among(action: Any, held: Mapping[Hashable, Any]) -> bool:
    return any(action is other for other in held.values())


def _member(space: spaces.Space[Any], action: Any) -> Any:
    """Returns the action as a member of the space, a continuous one clipped; None stays None."""
    if action is None:
        return None
    if isinstance(space, spaces.Box):
        return np.clip(np.asarray(action, np.float64), space.low, space.high).astype(space.dtype)
    return np.int64(action) if isinstance(space, spaces.Discrete) else np.array(action, space.dtype)
