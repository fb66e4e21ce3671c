"""Random teams and places, as SMACv2 draws them: types by weights, and a start amid enemies or face to face."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envsuite.families.starcraft2.engine.compiled import kernel
from envsuite.families.starcraft2.engine.layout import FOE, ME
from envsuite.families.starcraft2.engine.roster import create
from envsuite.families.starcraft2.engine.stream import below, uniform

_DIAGONALS = 4
_FROM_MIDDLE = 2.0
"""How far from the map's middle, on both axes, a group of surrounding enemies may be at the nearest."""
_CLEAR = 1.0
"""How far from the line between two teams that face each other the first team's units are at least."""
_MARGIN = 0.5
"""Nobody stands nearer to the map's edge."""
_SPACING, _LATTICE = 1.25, 5
_TRIES = 1000


def _offsets() -> NDArray[np.float64]:
    """Returns places round a point, the nearest first."""
    reach = range(-_LATTICE, _LATTICE + 1)
    points = [(column + (0.5 if row % 2 else 0.0), row * 0.875) for row in reach for column in reach]
    points.sort(key=lambda point: (point[0] ** 2 + point[1] ** 2, point))
    return np.array(points) * _SPACING


OFFSETS = _offsets()
"""(121, 2)."""


class Muster(NamedTuple):
    """How teams are drawn; nobody is drawn where `allies` is 0."""

    allies: int
    enemies: int
    kinds: NDArray[np.int64]
    """Types of the first player's units, in the order of the agents."""
    foe_kinds: NDArray[np.int64]
    bounds: NDArray[np.float64]
    """The types' weights, each added to those before it; the last is 1."""
    alone: NDArray[np.bool_]
    """Whether a team may consist of a type, or of several such types, alone."""
    surrounded: float
    """How often the enemies surround the agents; otherwise teams face each other."""


class Draft(NamedTuple):
    """Memory for the draws of one game."""

    kind: Any
    """int64 (allies + enemies,): places in `Muster.kinds`."""
    at: Any
    """float64 (allies + enemies, 2)."""
    groups: Any
    """float64 (4, 2): where groups of surrounding enemies stand."""


@kernel
def muster(game: Any, setting: Any, plan: Any, draft: Any) -> None:
    """Draws both teams from the game's stream and puts them down: agents first, each team in order of its types."""
    state = game.state[0]
    shared = min(plan.allies, plan.enemies)
    _draw_team(state, plan, draft.kind, 0, plan.allies)
    for index in range(shared):
        draft.kind[plan.allies + index] = draft.kind[index]
    if plan.enemies > shared:
        _draw_team(state, plan, draft.kind, plan.allies + shared, plan.allies + plan.enemies)
    if uniform(state, 0.0, 1.0) < plan.surrounded:
        _surround(state, setting, plan, draft)
    else:
        _face(state, setting, plan, draft)
    for kind in range(len(plan.kinds)):
        for index in range(plan.allies):
            if draft.kind[index] == kind:
                create(game, ME, plan.kinds[kind], draft.at[index, 0], draft.at[index, 1])
    for kind in range(len(plan.kinds)):
        for index in range(plan.allies, plan.allies + plan.enemies):
            if draft.kind[index] == kind:
                create(game, FOE, plan.foe_kinds[kind], draft.at[index, 0], draft.at[index, 1])


@kernel
def _draw_team(state: Any, plan: Any, kinds: Any, first: Any, end: Any) -> None:
    """Draws types until one of them may be alone."""
    for _ in range(_TRIES):
        able = False
        for index in range(first, end):
            chance, kind = uniform(state, 0.0, 1.0), 0
            while kind < len(plan.bounds) - 1 and chance >= plan.bounds[kind]:
                kind += 1
            kinds[index] = kind
            able = able or plan.alone[kind]
        if able:
            return


@kernel
def _surround(state: Any, setting: Any, plan: Any, draft: Any) -> None:
    """Puts the agents into the middle and the enemies, in one to four groups, on the diagonals."""
    middle_x, middle_y = setting.width / 2, setting.height / 2
    for index in range(plan.allies):
        _stand(setting, draft.at[index], middle_x, middle_y, index)
    groups, taken = 1 + below(state, _DIAGONALS), 0
    for group in range(groups):
        diagonal = below(state, _DIAGONALS)
        while taken & (1 << diagonal):
            diagonal = below(state, _DIAGONALS)
        taken |= 1 << diagonal
        side_x, side_y = (1.0 if diagonal >= 2 else -1.0), (1.0 if diagonal % 2 else -1.0)
        near = uniform(state, 0.0, 1.0)
        away_x = near * _FROM_MIDDLE + (1.0 - near) * middle_x
        away_y = near * _FROM_MIDDLE + (1.0 - near) * middle_y
        draft.groups[group, 0], draft.groups[group, 1] = middle_x + side_x * away_x, middle_y + side_y * away_y
    _join_groups(state, setting, plan, draft, groups)


@kernel
def _join_groups(state: Any, setting: Any, plan: Any, draft: Any, groups: Any) -> None:
    """Lets every enemy join one of the groups, each equally likely."""
    first = plan.allies
    for index in range(first, first + plan.enemies):
        # Its place holds the number of its group until all have one.
        draft.at[index, 0] = float(below(state, groups))
    for group in range(groups):
        members = 0
        for index in range(first, first + plan.enemies):
            if draft.at[index, 0] == float(group):
                draft.at[index, 1] = float(members)
                members += 1
    for index in range(first, first + plan.enemies):
        group, member = int(draft.at[index, 0]), int(draft.at[index, 1])
        _stand(setting, draft.at[index], draft.groups[group, 0], draft.groups[group, 1], member)


@kernel
def _stand(setting: Any, at: Any, x: Any, y: Any, member: Any) -> None:
    """Writes the place of a member of a group round a point."""
    offset = OFFSETS[member % len(OFFSETS)]
    at[0] = min(max(x + offset[0], _MARGIN), setting.width - _MARGIN)
    at[1] = min(max(y + offset[1], _MARGIN), setting.height - _MARGIN)


@kernel
def _face(state: Any, setting: Any, plan: Any, draft: Any) -> None:
    """Scatters the agents over the left half; enemies stand opposite, the others anywhere on the right."""
    width, height = setting.width, setting.height
    for index in range(plan.allies):
        draft.at[index, 0] = max(uniform(state, 0.0, width / 2 - _CLEAR), _MARGIN)
        draft.at[index, 1] = min(max(uniform(state, 0.0, height), _MARGIN), height - _MARGIN)
    for index in range(plan.enemies):
        place = draft.at[plan.allies + index]
        if index < plan.allies:
            place[0], place[1] = width - draft.at[index, 0], draft.at[index, 1]
        else:
            place[0] = min(uniform(state, width / 2, width), width - _MARGIN)
            place[1] = min(max(uniform(state, 0.0, height), _MARGIN), height - _MARGIN)
