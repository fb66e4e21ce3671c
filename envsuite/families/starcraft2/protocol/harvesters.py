"""Harvesters: how many workers a town hall or a refinery has and could use, as its owner is told."""

from __future__ import annotations

import numpy as np

from envsuite.families.starcraft2.engine.layout import GATHER, RETURN, TAG_SLOTS
from envsuite.families.starcraft2.engine.units import COMMAND_CENTER, MINERAL_FIELD, REFINERY
from envsuite.families.starcraft2.protocol.match import Match

_A_FIELD, _A_REFINERY = 2, 3
"""Workers that a mineral field and a refinery keep busy."""
_NEAR = 10.0
"""Fields this near belong to a town hall."""


def crews(match: Match) -> dict[int, tuple[int, int]]:
    """Returns (assigned, ideal) of the client's town halls and refineries, by their slots."""
    units = match.slots
    alive = (units["type"] != 0) & (units["health"] > 0.0)
    own = alive & (units["owner"] == match.player) & (units["progress"] >= 1.0)
    halls = np.flatnonzero(own & (units["type"] == COMMAND_CENTER)).tolist()
    refineries = np.flatnonzero(own & (units["type"] == REFINERY)).tolist()
    if not halls and not refineries:
        return {}
    crew = {slot: [0, 0] for slot in halls}
    crew |= {slot: [0, _A_REFINERY if units[slot]["contents"] > 0 else 0] for slot in refineries}
    home: dict[int, int] = {}
    for field in np.flatnonzero(alive & (units["type"] == MINERAL_FIELD)).tolist():
        gaps = [
            (units[hall]["x"] - units[field]["x"]) ** 2 + (units[hall]["y"] - units[field]["y"]) ** 2 for hall in halls
        ]
        if gaps and min(gaps) <= _NEAR * _NEAR:
            home[field] = halls[gaps.index(min(gaps))]
            crew[home[field]][1] += _A_FIELD
    orders = match.games.batch.orders[0]
    for slot in np.flatnonzero(own & (units["orders"] > 0)).tolist():
        order = orders[slot, 0]
        if order["verb"] == GATHER or order["verb"] == RETURN:
            source = int(order["tag"] if order["verb"] == GATHER else units[slot]["rally_tag"]) % TAG_SLOTS
            place = source if source in crew else home.get(source)
            if place is not None:
                crew[place][0] += 1
    return {slot: (assigned, ideal) for slot, (assigned, ideal) in crew.items()}
