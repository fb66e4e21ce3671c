"""StarCraft II's state in English, and the names of what happens in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

EVENTS = (
    *("beacon_reached", "resources_collected", "enemy_killed", "unit_lost", "wave_cleared", "unit_made"),
    *("won", "lost"),
)
"""The names in `info["events"]`, in order; a battle's "won" and "lost" come with its last step."""
FACTORS = ("reached", "collected", "made", "kills", "losses", "damage", "win")
"""The names in `info["factors"]`, in order; the last two are of battles only."""
METRICS = (
    *("kills", "losses", "waves", "collected_minerals", "collected_vespene", "units_made"),
    *("won", "allies_left", "enemies_left"),
)
"""The names in `info["metrics"]`; a mini-game tells the first six, a battle kills, losses and the last three."""


def describe(observation: Any, info: Mapping[str, Any]) -> str:
    """Returns what the player has, sees and can do, in a few lines of English, whatever is observed."""
    del observation
    lines = [f"Loop {info['loop']} of the game."]
    if "score" in info:
        lines[0] += f" Score: {info['score']:g}."
    for whose, title in (("own", "You have"), ("enemy", "You see of the enemy"), ("neutral", "You see on the map")):
        counts = Counter(name for name, owner in info["units"] if owner == whose)
        if counts:
            lines.append(f"{title}: {', '.join(f'{count} {name}' for name, count in sorted(counts.items()))}.")
    if info.get("minerals") is not None:
        lines.append(f"Minerals: {info['minerals']}, vespene: {info['vespene']}.")
    if "available" in info:
        lines.append(f"You can: {', '.join(info['available'])}.")
    return "\n".join(lines)
