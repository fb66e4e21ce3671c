"""Query: questions about a game: how far it is, what a unit can do, where there is room."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.families.starcraft2.engine import compiled
from envsuite.families.starcraft2.engine.abilities import ABILITIES, ERROR, NOT_SUPPORTED
from envsuite.families.starcraft2.engine.layout import BUILD
from envsuite.families.starcraft2.engine.placement import placement_row
from envsuite.families.starcraft2.engine.units import AIR, UNIT_ID
from envsuite.families.starcraft2.protocol.match import Match
from envsuite.families.starcraft2.protocol.panels import OFFERS

_BUILDS = {row.ability_id: row.makes for row in ABILITIES if row.does == BUILD}
_RICH = 1_000_000
_SLANT = math.sqrt(2.0)
_STEPS = tuple(
    (dx, dy, _SLANT if dx and dy else 1.0) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy
)  # fmt: skip


def query(match: Match, request: Any, response: Any) -> None:
    """Answers a RequestQuery, each question in its order."""
    for question in request.pathing:
        response.pathing.add(distance=_distance(match, question))
    for question in request.abilities:
        _write_abilities(match, question.unit_tag, request.ignore_resource_requirements, response.abilities.add())
    for question in request.placements:
        response.placements.add(result=_placement(match, question))


def ground(match: Match) -> NDArray[np.bool_]:
    """Returns where ground units can be now, (width, height)."""
    setting = match.games.setting
    free = np.zeros(match.games.batch.blocked[0].shape, np.bool_)
    free[math.floor(setting.left) : math.ceil(setting.right), math.floor(setting.bottom) : math.ceil(setting.top)] = (
        True
    )
    free &= match.games.batch.blocked[0] == 0
    return free


def _distance(match: Match, question: Any) -> float:
    """Returns how long the way between two points is, 0 where there is none."""
    start, flies = question.start_pos, False
    begin = (start.x, start.y)
    if question.HasField("unit_tag"):
        slot = match.slot_of(question.unit_tag)
        if slot is None:
            return 0.0
        unit = match.games.batch.units[0, slot]
        begin, flies = (float(unit["x"]), float(unit["y"])), bool(AIR[unit["type"]])
    end = (question.end_pos.x, question.end_pos.y)
    if not all(map(math.isfinite, (*begin, *end))):
        return 0.0
    straight = math.dist(begin, end)
    if flies:
        return straight
    free = ground(match)
    cells = [(math.floor(x), math.floor(y)) for x, y in (begin, end)]
    if not all(0 <= x < free.shape[0] and 0 <= y < free.shape[1] for x, y in cells) or not free[cells[1]]:
        return 0.0
    # A way that is as long as a straight one on the grid is straight.
    dx, dy = abs(cells[0][0] - cells[1][0]), abs(cells[0][1] - cells[1][1])
    way = _walk(free, *cells)
    return straight if way <= max(dx, dy) + (_SLANT - 1.0) * min(dx, dy) + 1e-6 else 0.0 if math.isinf(way) else way


def _walk(free: NDArray[np.bool_], begin: tuple[int, int], end: tuple[int, int]) -> float:
    """Returns the length of a shortest way over free cells, infinite without one."""
    best = {begin: 0.0}
    heap = [(0.0, begin)]
    while heap:
        length, cell = heapq.heappop(heap)
        if cell == end:
            return length
        if length > best[cell]:
            continue
        for neighbour, step in _neighbours(free, cell):
            if length + step < best.get(neighbour, math.inf):
                best[neighbour] = length + step
                heapq.heappush(heap, (length + step, neighbour))
    return math.inf


def _neighbours(free: NDArray[np.bool_], cell: tuple[int, int]) -> Iterator[tuple[tuple[int, int], float]]:
    x, y = cell
    for dx, dy, step in _STEPS:
        if not (0 <= x + dx < free.shape[0] and 0 <= y + dy < free.shape[1]):
            continue
        # Across a corner only where both sides are free.
        if free[x + dx, y + dy] and free[x + dx, y] and free[x, y + dy]:
            yield (x + dx, y + dy), step


def _write_abilities(match: Match, tag: int, rich: bool, message: Any) -> None:
    """Writes what one unit of the client's can do, as if it alone were selected."""
    message.unit_tag = tag
    slot = match.slot_of(tag)
    if slot is None:
        return
    units, player = match.slots, match.own_record
    message.unit_type_id = int(UNIT_ID[units[slot]["type"]])
    selected, means = units["selected"].copy(), (int(player["minerals"]), int(player["vespene"]))
    units["selected"] = 0
    units["selected"][slot] = 1 << (match.player - 1)
    if rich:
        player["minerals"] = player["vespene"] = _RICH
    message.abilities.extend(OFFERS[row] for row in np.flatnonzero(match.console.offers()).tolist())
    units["selected"] = selected
    player["minerals"], player["vespene"] = means


def _placement(match: Match, question: Any) -> int:
    """Returns the protocol's result of building something at a point."""
    kind = _BUILDS.get(question.ability_id)
    if kind is None:
        return NOT_SUPPORTED
    x, y = question.target_pos.x, question.target_pos.y
    if not (math.isfinite(x) and math.isfinite(y)):
        return ERROR
    games = match.games
    with compiled.announced(placement_row):
        return int(placement_row(games.batch, games.setting, 0, match.player, kind, float(x), float(y)))
