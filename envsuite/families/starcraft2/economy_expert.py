"""Scripted players of the two economy games: fixed rules on the units' records, called every 8 loops.

They see all of a game, as a player does, and hold nothing between calls: a game that is restored goes on as it would
have.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.families.starcraft2.engine import units as types
from envsuite.families.starcraft2.engine.abilities import ABILITIES, ABILITY_ROW, SUCCESS
from envsuite.families.starcraft2.engine.games import Games
from envsuite.families.starcraft2.engine.layout import BUILD, GATHER, IDLE, ME, RETURN, TAG_SLOTS

_IDS = {name: ABILITIES[row].ability_id for name, row in ABILITY_ROW.items()}
_BUILD_IDS = {
    kind: _IDS[f"Build_{types.UNIT_TYPES[kind].name}"]
    for kind in (types.COMMAND_CENTER, types.SUPPLY_DEPOT, types.REFINERY, types.BARRACKS)
}
_DEPOT_PLACES = (*((x, y) for x in range(28, 46, 2) for y in (36, 20)), *((44, y) for y in range(22, 36, 2)))
"""Along the upper and the lower rim, then down the right one."""
_BARRACKS_PLACES = tuple((x, y) for x in (34.5, 38.5) for y in (28.5, 24.5, 32.5))
_MARINES_AT = (43.0, 28.5)
"""Out of the way of who builds."""
_CENTER_PLACES = ((34.5, 27.5),)
"""The only one that is far enough from fields and geysers."""
_WORKERS_AT_FIELD, _WORKERS_AT_REFINERY = 2, 3
_MOST_SUPPLY = 200
_CALL_LOOPS = 9
"""Loops from one call to the first that another call has a say in."""

_MARINE_WORKERS = 22
"""Workers that BuildMarines is played with."""
_ROOM_KEPT, _ROOM_FOR_BARRACKS = 2, 2
"""Supply that there is to spare, or coming, before no more depots are built."""
_GAS_WORKERS = 52
_LAST_WORKER_LOOP = 5_600
"""A worker begun later brings less than it costs."""
_EXPANDS_WITH, _LAST_CENTER_LOOP = 14, 3_000
_FIRST_REFINERY_WITH, _MORE_FOR_REFINERY = 18, 4
"""Workers that there are before more is built."""


class _View:
    """What a player knows of its game, and what it orders."""

    def __init__(self, games: Games, row: int) -> None:
        self._games, self._row = games, row
        self.loop = int(games.batch.state[row, 0]["loop"])
        self.units = games.units(row)
        self.orders = games.batch.orders[row][self.units["tag"] % TAG_SLOTS, 0]
        self.verbs = np.where(self.units["orders"] > 0, self.orders["verb"], IDLE)
        player = games.batch.players[row, ME]
        self.minerals = int(player["minerals"])
        self.room = min(int(player["supply_cap"]), _MOST_SUPPLY) - float(player["supply"])
        self._mine = self.units["owner"] == ME
        self._ordered = (self.verbs == BUILD) & (self.units["target"] == 0)
        # What workers are on their way to build will be paid when they arrive.
        self.minerals -= int(types.MINERALS[self.orders["type"][self._ordered]].sum())

    def own(self, kind: int, *, finished: bool = True) -> NDArray[Any]:
        """Returns the places of the player's units of a type."""
        done = self.units["progress"] >= 1.0 if finished else True
        return np.flatnonzero(self._mine & (self.units["type"] == kind) & done)

    def coming(self, kind: int) -> int:
        """Returns how many structures of a type are ordered or under construction."""
        begun = self._mine & (self.units["type"] == kind) & (self.units["progress"] < 1.0)
        return int(begun.sum() + (self._ordered & (self.orders["type"] == kind)).sum())

    def count(self, kind: int) -> int:
        """Returns how many structures of a type there are or will be."""
        return len(self.own(kind)) + self.coming(kind)

    def in_queues(self, kind: int) -> int:
        """Returns how many units of a type are in production."""
        return int((self.units["queue"][self._mine] == kind).sum())

    def harvesters(self) -> dict[int, int]:
        """Returns how many workers are sent to each field and refinery, by tag."""
        at_work = self._mine & np.isin(self.verbs, (GATHER, RETURN))
        tags, counts = np.unique(self.orders["tag"][at_work], return_counts=True)
        return dict(zip(tags.tolist(), counts.tolist(), strict=True))

    def command(self, unit: Any, ability: str, **arguments: Any) -> int:
        """Gives a command to one unit and returns the protocol's result."""
        tag = int(self.units[unit]["tag"])
        return self._games.command(self._row, ME, [tag], _IDS[ability], **arguments)

    def distances(self, places: NDArray[Any], x: float, y: float) -> NDArray[np.float64]:
        """Returns how far units are from a point."""
        away: NDArray[np.float64] = np.hypot(self.units["x"][places] - x, self.units["y"][places] - y)
        return away


def _send_idle(view: _View) -> None:
    """Sends idle workers to the fields near finished command centres that fewest work at."""
    workers = view.own(types.SCV)
    idle = workers[view.verbs[workers] == IDLE]
    if len(idle) == 0:
        return
    sent = view.harvesters()
    fields = np.flatnonzero(view.units["type"] == types.MINERAL_FIELD)
    if len(fields) == 0:
        return
    centers = view.own(types.COMMAND_CENTER)
    for worker in idle:
        place = min(fields, key=lambda f: (sent.get(_tag(view, f), 0) >= _WORKERS_AT_FIELD, _haul(view, f, centers)))
        sent[_tag(view, place)] = sent.get(_tag(view, place), 0) + 1
        view.command(worker, "Harvest_Gather_SCV", target=_tag(view, place))


def _tag(view: _View, place: Any) -> int:
    return int(view.units[place]["tag"])


def _haul(view: _View, field: Any, centers: NDArray[Any]) -> float:
    """Returns how far it is from a field to the nearest command centre."""
    return float(view.distances(centers, view.units[field]["x"], view.units[field]["y"]).min(initial=99.0))


def _fill_refineries(view: _View) -> None:
    """Sends workers from fields to refineries that have too few."""
    sent = view.harvesters()
    fields = view.units["tag"][view.units["type"] == types.MINERAL_FIELD]
    for refinery in view.own(types.REFINERY):
        if view.units[refinery]["contents"] == 0 or sent.get(_tag(view, refinery), 0) >= _WORKERS_AT_REFINERY:
            continue
        workers = _free_workers(view, fields)
        if len(workers):
            near = workers[np.argmin(view.distances(workers, view.units[refinery]["x"], view.units[refinery]["y"]))]
            view.command(near, "Harvest_Gather_SCV", target=_tag(view, refinery))
            view.verbs[near] = BUILD  # taken


def _free_workers(view: _View, fields: NDArray[Any]) -> NDArray[Any]:
    """Returns the workers that are on their way to a field with empty hands."""
    workers = view.own(types.SCV)
    away = (view.verbs[workers] == GATHER) & (view.units["target"][workers] == 0)
    empty = view.units["minerals"][workers] == 0
    free: NDArray[Any] = workers[away & empty & np.isin(view.orders["tag"][workers], fields)]
    return free


def _build(view: _View, kind: int, places: tuple[tuple[float, float], ...]) -> None:
    """Sends a worker to build at the first place that the game does not refuse, if there is money."""
    name, cost = types.UNIT_TYPES[kind].name, int(types.MINERALS[kind])
    fields = view.units["tag"][view.units["type"] == types.MINERAL_FIELD]
    workers = _free_workers(view, fields)
    if view.minerals < cost or len(workers) == 0:
        return
    taken = {(float(o["x"]), float(o["y"])) for o in view.orders[view.verbs == BUILD]}
    for x, y in places:
        if (x, y) in taken:
            continue
        worker = workers[np.argmin(view.distances(workers, x, y))]
        if view.command(worker, f"Build_{name}", point=(x, y)) == SUCCESS:
            _then_gather(view, worker, cost)
            return


def _build_refinery(view: _View) -> None:
    """Sends a worker to the geyser that is nearest to a finished command centre."""
    fields = view.units["tag"][view.units["type"] == types.MINERAL_FIELD]
    workers, cost = _free_workers(view, fields), int(types.MINERALS[types.REFINERY])
    taken = set(view.orders["tag"][view.verbs == BUILD].tolist())
    hidden = (view.units["inside"] == 1) | np.isin(view.units["tag"], list(taken))
    geysers = np.flatnonzero((view.units["type"] == types.VESPENE_GEYSER) & ~hidden)
    if view.minerals < cost or len(workers) == 0 or len(geysers) == 0:
        return
    centers = view.own(types.COMMAND_CENTER)
    geyser = min(geysers, key=lambda g: _haul(view, g, centers))
    worker = workers[np.argmin(view.distances(workers, view.units[geyser]["x"], view.units[geyser]["y"]))]
    if view.command(worker, "Build_Refinery", target=_tag(view, geyser)) == SUCCESS:
        view.minerals -= cost
        view.verbs[worker] = BUILD


def _then_gather(view: _View, worker: Any, cost: int) -> None:
    view.command(worker, "Harvest_Gather_SCV", target=int(view.orders[worker]["tag"]), queued=True)
    view.minerals -= cost
    view.verbs[worker] = BUILD


def _train(view: _View, maker: int, kind: int) -> None:
    """Lets all makers of a type make units without pause, while there is money and supply."""
    cost = int(types.MINERALS[kind])
    for place in view.own(maker):
        record = view.units[place]
        # One comes out before the maker is looked at again.
        nearly_done = record["made"] + _CALL_LOOPS >= types.BUILD_LOOPS[kind]
        waiting = int((record["queue"] != 0).sum())
        if waiting >= 1 + nearly_done or view.minerals < cost or view.room < 1.0:
            continue
        if view.command(place, f"Train_{types.UNIT_TYPES[kind].name}") == SUCCESS:
            view.minerals -= cost
            view.room -= 1.0


def build_marines_policy(games: Games, row: int) -> None:
    """Plays BuildMarines: workers, then depots and barracks as the income allows, marines without pause."""
    view = _View(games, row)
    _send_idle(view)
    depots, barracks = view.count(types.SUPPLY_DEPOT), view.count(types.BARRACKS)
    room = view.room + 8 * view.coming(types.SUPPLY_DEPOT)
    if room <= _ROOM_KEPT + _ROOM_FOR_BARRACKS * barracks and 15 + 8 * depots < _MOST_SUPPLY:
        _build(view, types.SUPPLY_DEPOT, _DEPOT_PLACES)
    workers = len(view.own(types.SCV)) + view.in_queues(types.SCV)
    if workers < _MARINE_WORKERS:
        _train(view, types.COMMAND_CENTER, types.SCV)
    for place in view.own(types.BARRACKS):
        if view.units[place]["has_rally"] == 0:
            view.command(place, "Smart", point=_MARINES_AT)  # the map's card has no rally
    _train(view, types.BARRACKS, types.MARINE)
    if len(view.own(types.SUPPLY_DEPOT)) and barracks < len(_BARRACKS_PLACES):
        _build(view, types.BARRACKS, _BARRACKS_PLACES)


def collect_minerals_and_gas_policy(games: Games, row: int) -> None:
    """Plays CollectMineralsAndGas: workers without pause, a second command centre, then refineries."""
    view = _View(games, row)
    _send_idle(view)
    _fill_refineries(view)
    room = view.room + 8 * view.coming(types.SUPPLY_DEPOT) + 15 * view.coming(types.COMMAND_CENTER)
    workers = len(view.own(types.SCV)) + view.in_queues(types.SCV)
    growing = workers < _GAS_WORKERS and view.loop < _LAST_WORKER_LOOP
    if growing:
        _train(view, types.COMMAND_CENTER, types.SCV)
    if growing and room <= 2 and view.loop < _LAST_WORKER_LOOP - 480:
        _build(view, types.SUPPLY_DEPOT, _DEPOT_PLACES)
    centers, refineries = view.count(types.COMMAND_CENTER), view.count(types.REFINERY)
    if centers < 2 and workers >= _EXPANDS_WITH and view.loop < _LAST_CENTER_LOOP:
        _build(view, types.COMMAND_CENTER, _CENTER_PLACES)
        if view.minerals < 400:
            return
    if refineries < 4 and workers >= _FIRST_REFINERY_WITH + _MORE_FOR_REFINERY * refineries and view.loop < 5_500:
        _build_refinery(view)
