"""Crafter's state in English, in the form that SmartPlay and BALROG have made common for language models.

The same sentences, without their faults: the text holds at the edge of the world, the first description follows
the reset and not a step that nobody asked for, one step is "1 step", and what is told is what a picture shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.families.crafter.rules import ACHIEVEMENTS, ITEMS, SEMANTICS, SPRITES, STATE_EVENTS, STATUS, VIEW

EVENTS = (*ACHIEVEMENTS, *STATE_EVENTS)
"""The names in `info["events"]`, in order."""
FACTORS = ("achievement", "health")
"""The names in `info["factors"]`, in order."""
METRICS = ACHIEVEMENTS
"""The names in `info["metrics"]`, in order: 1 for what was unlocked in the episode, else 0."""
STEPS = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""East and south of each of `rules.FACINGS`."""
_TITLES = {"move_left": "Move West", "move_right": "Move East", "move_up": "Move North", "move_down": "Move South"}
_UNNAMED = (0, SEMANTICS.index("player"))
_KINDS = np.array([SEMANTICS.index(name.split("-")[0]) if name else 0 for name in SPRITES], np.uint8)
"""What kind of thing each of `rules.SPRITES` is."""


def read_text(observation: NDArray[np.uint8]) -> str:
    """Returns the text of an observation of `crafter-text-v1`."""
    return bytes(observation).rstrip(b"\0").decode("utf-8")


def title(action: str) -> str:
    """Returns what an action is called in a description: "Move West", "Make Iron Sword"."""
    return _TITLES.get(action, action.replace("_", " ").title())


def describe(observation: Any, info: Mapping[str, Any]) -> str:
    """Returns what `describe_view` does of the info of a `CrafterEnv`, whatever that observes, for 9 x 7 tiles."""
    del observation
    return describe_view(
        action=info["action"],
        seen=_window(info["semantic"], *(int(value) for value in info["player_pos"])),
        facing=STEPS.index((int(info["player_facing"][0]), int(info["player_facing"][1]))),
        inventory=info["inventory"],
        sleeping=info["sleeping"],
    )


def describe_view(
    *,
    action: str | None,
    seen: NDArray[np.uint8],
    facing: int,
    inventory: Mapping[str, int],
    sleeping: bool,
) -> str:
    """Returns the state as short English paragraphs; equal arguments give equal text.

    Args:
        action: a name of `rules.ACTIONS`, None after a reset.
        seen: uint8 (rows, columns), numbers of `rules.SEMANTICS`, 0 beyond the edge; the player is in the middle.
        facing: a number of `rules.FACINGS`.
        inventory: amounts by the names of `rules.ITEMS`.
        sleeping: whether the player sleeps.
    """
    parts = [] if action is None else [f"You took action {title(action)}."]
    if inventory["health"] <= 0:
        parts.append("You died.")
    elif sleeping:
        parts.append("You are sleeping, and will not be able to act until your energy is restored.")
    things = [f"- {line}" for line in _in_view(seen)]
    parts.append("You see:\n" + "\n".join(things) if things else "You see nothing around you.")
    parts.append(f"You face {_ahead(seen, facing)} at your front.")
    parts.append("Your status:\n" + "\n".join(f"- {name}: {inventory[name]}/9" for name in STATUS))
    owned = [f"- {name}: {inventory[name]}" for name in ITEMS if name not in STATUS and inventory[name] > 0]
    parts.append("Your inventory:\n" + "\n".join(owned) if owned else "You have nothing in your inventory.")
    return "\n\n".join(parts)


def merged(material: NDArray[np.uint8], thing: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns what is named of each tile: what stands on it, or its material; numbers of `rules.SEMANTICS`."""
    return np.where(thing > 0, _KINDS[thing], material)


def _window(semantic: NDArray[np.uint8], x: int, y: int) -> NDArray[np.uint8]:
    """Returns the rows and columns of the map around a tile."""
    half_x, half_y = VIEW[0] // 2, VIEW[1] // 2
    padded = np.pad(semantic, ((half_x, half_x), (half_y, half_y)))
    return padded[x : x + VIEW[0], y : y + VIEW[1]].T


def _in_view(seen: NDArray[np.uint8]) -> Iterator[str]:
    """Yields each kind of thing in view with the way to its nearest instance, in the order of `rules.SEMANTICS`."""
    rows, columns = seen.shape
    for number, name in enumerate(SEMANTICS):
        south, east = (seen == number).nonzero()
        if number in _UNNAMED or not len(south):
            continue
        offsets = zip((east - columns // 2).tolist(), (south - rows // 2).tolist(), strict=True)
        dx, dy = min(offsets, key=lambda offset: (abs(offset[0]) + abs(offset[1]), offset))
        steps = abs(dx) + abs(dy)
        yield f"{name} {steps} step{'' if steps == 1 else 's'} to your {_direction(dx, dy)}"


def _direction(east: int, south: int) -> str:
    parts = []
    if south:
        parts.append("south" if south > 0 else "north")
    if east:
        parts.append("east" if east > 0 else "west")
    return "-".join(parts)


def _ahead(seen: NDArray[np.uint8], facing: int) -> str:
    dx, dy = STEPS[facing]
    row, column = seen.shape[0] // 2 + dy, seen.shape[1] // 2 + dx
    if not (0 <= row < seen.shape[0] and 0 <= column < seen.shape[1]):
        return "what you cannot see"
    return SEMANTICS[seen[row, column]] if seen[row, column] else "the edge of the world"
