"""Panels: what the game's own interface tells its player: numbers, offers, the selection, control groups, the score."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from s2clientprotocol import common_pb2, score_pb2, ui_pb2

from envsuite.families.starcraft2.engine.abilities import ABILITIES, NO_TARGET, TRAIN
from envsuite.families.starcraft2.engine.layers import ENEMY, NEUTRAL_UNIT, SELF
from envsuite.families.starcraft2.engine.layout import CONTROL_GROUPS, NEUTRAL, PLAYER, QUEUED_UNITS
from envsuite.families.starcraft2.engine.production import MOST_SUPPLY
from envsuite.families.starcraft2.engine.scenario import MELEE
from envsuite.families.starcraft2.engine.units import (
    ARMED,
    ATTRIBUTES,
    BUILD_LOOPS,
    MINERALS,
    STRUCTURE,
    SUPPLY,
    UNIT_ID,
    VESPENE,
    WORKER,
)
from envsuite.families.starcraft2.protocol.match import Match

OFFERS = tuple(
    common_pb2.AvailableAbility(ability_id=row.ability_id, requires_point=row.target != NO_TARGET) for row in ABILITIES
)
"""The protocol's form of every ability."""
MAKER_ID = {row.makes: row.ability_id for row in ABILITIES if row.does == TRAIN}
"""The ability that trains a type."""
_IS_STRUCTURE = ATTRIBUTES & STRUCTURE != 0
_IS_WORKER = (ATTRIBUTES & WORKER != 0) & ~_IS_STRUCTURE
_IS_ARMY = ARMED & ~_IS_WORKER & ~_IS_STRUCTURE
_IS_ECONOMY = _IS_WORKER | _IS_STRUCTURE


class Sums(NamedTuple):
    """What a player's finished units come to."""

    units: float
    """What they have cost, both resources together."""
    structures: float
    minerals_economy: float
    minerals_army: float
    vespene_economy: float
    vespene_army: float
    food_economy: float
    food_army: float
    food_workers: float
    food_fighters: float
    fighters: float


class Own(NamedTuple):
    """The client's living units, by columns."""

    kinds: NDArray[Any]
    orders: NDArray[Any]
    groups: NDArray[Any]
    hit_loops: NDArray[Any]
    sums: Sums


_COST = MINERALS + VESPENE
_SUMMANDS = np.stack(
    Sums(
        units=_COST * ~_IS_STRUCTURE,
        structures=_COST * _IS_STRUCTURE,
        minerals_economy=MINERALS * _IS_ECONOMY,
        minerals_army=MINERALS * ~_IS_ECONOMY,
        vespene_economy=VESPENE * _IS_ECONOMY,
        vespene_army=VESPENE * ~_IS_ECONOMY,
        food_economy=SUPPLY * _IS_ECONOMY,
        food_army=SUPPLY * ~_IS_ECONOMY,
        food_workers=SUPPLY * _IS_WORKER,
        food_fighters=SUPPLY * _IS_ARMY,
        fighters=_IS_ARMY,
    ),
    axis=1,
).astype(np.float64)
"""[type, place in `Sums`]: what one unit adds."""


def own_units(match: Match) -> Own:
    """Returns the client's living units."""
    units = match.slots
    own = np.flatnonzero((units["owner"] == match.player) & (units["type"] != 0) & (units["health"] > 0.0))
    kinds = units["type"][own]
    finished = kinds[units["progress"][own] >= 1.0]
    sums = Sums(*_SUMMANDS[finished].sum(axis=0).tolist())
    return Own(kinds, units["orders"][own], units["groups"][own], units["hit_loop"][own], sums)


def write_player(match: Match, own: Own, message: Any) -> None:
    """Writes a PlayerCommon; what is half is rounded down, as in the game."""
    player, sums = match.own_record, own.sums
    message.player_id = match.player
    message.minerals, message.vespene = int(player["minerals"]), int(player["vespene"])
    message.food_used = int(player["supply"])
    message.food_cap = min(int(player["supply_cap"]), MOST_SUPPLY)
    message.food_army, message.food_workers = int(sums.food_fighters), int(sums.food_workers)
    message.idle_worker_count = int((_IS_WORKER[own.kinds] & (own.orders == 0)).sum()) if sums.food_workers else 0
    message.army_count = int(sums.fighters)
    message.warp_gate_count = message.larva_count = 0


def write_offers(match: Match, abilities: Any) -> None:
    """Adds what the client's selection can do now, as specific abilities."""
    abilities.extend(OFFERS[row] for row in np.flatnonzero(match.console.offers()).tolist())


def write_ui(match: Match, own: Own, message: Any) -> None:
    """Writes an ObservationUI: control groups, and the panel of the selection."""
    _write_groups(own, message)
    units = match.games.batch.units[0]
    selected = match.console.selected()
    if len(selected) > 1:
        message.multi.units.extend(_info(units[slot], match.player) for slot in selected)
    elif selected:
        unit = units[selected[0]]
        if unit["queue"][0] != 0 and unit["owner"] == match.player:
            _write_production(unit, match.player, message.production)
        else:
            message.single.unit.CopyFrom(_info(unit, match.player))


def _write_groups(own: Own, message: Any) -> None:
    if not own.groups.any():
        return
    for group in range(CONTROL_GROUPS):
        members = own.kinds[own.groups & (1 << group) != 0]
        if len(members):
            message.groups.add(control_group_index=group, leader_unit_type=int(UNIT_ID[members[0]]), count=len(members))


def _info(unit: Any, player: int) -> Any:
    """Returns a UnitInfo; the progress of what is finished is not told."""
    return ui_pb2.UnitInfo(
        unit_type=int(UNIT_ID[unit["type"]]),
        player_relative=relation(int(unit["owner"]), player),
        health=int(np.ceil(unit["health"])),
        shields=int(np.ceil(unit["shield"])),
        energy=int(unit["energy"]),
        build_progress=float(unit["progress"]) if unit["progress"] < 1.0 else 0.0,
    )


def relation(owner: int, player: int) -> int:
    """Returns the protocol's number for whose a unit is: 1 one's own, 3 nobody's, 4 an enemy's."""
    return SELF if owner == player else NEUTRAL_UNIT if owner == NEUTRAL else ENEMY


def _write_production(unit: Any, player: int, message: Any) -> None:
    message.unit.CopyFrom(_info(unit, player))
    for place in range(QUEUED_UNITS):
        kind = int(unit["queue"][place])
        if kind == 0:
            break
        progress = float(unit["made"] / BUILD_LOOPS[kind]) if place == 0 else 0.0
        message.build_queue.add(unit_type=int(UNIT_ID[kind]), player_relative=SELF, build_progress=progress)
        message.production_queue.add(ability_id=MAKER_ID[kind], build_progress=progress)


def write_score(match: Match, own: Own, message: Any) -> None:
    """Writes a Score: a curriculum's on maps with rules of their own. Times and rates are not kept and stay 0."""
    player = dict(zip(PLAYER.names or (), match.own_record.tolist(), strict=True))
    sums = own.sums
    melee = match.rules.scenario.script == MELEE
    message.score_type = score_pb2.Score.Melee if melee else score_pb2.Score.Curriculum
    message.score = int(sums.units + sums.structures if melee else match.state["score"])
    details = message.score_details
    details.total_value_units, details.total_value_structures = sums.units, sums.structures
    details.killed_value_units = player["killed_minerals"] + player["killed_vespene"]
    details.collected_minerals, details.collected_vespene = player["collected_minerals"], player["collected_vespene"]
    details.spent_minerals, details.spent_vespene = player["spent_minerals"], player["spent_vespene"]
    details.killed_minerals.army, details.killed_vespene.army = player["killed_minerals"], player["killed_vespene"]
    details.lost_minerals.army, details.lost_vespene.army = player["lost_minerals"], player["lost_vespene"]
    for row, economy, army in (
        (details.food_used, sums.food_economy, sums.food_army),
        (details.used_minerals, sums.minerals_economy, sums.minerals_army),
        (details.used_vespene, sums.vespene_economy, sums.vespene_army),
        (details.total_used_minerals, sums.minerals_economy, sums.minerals_army),
        (details.total_used_vespene, sums.vespene_economy, sums.vespene_army),
    ):
        row.economy, row.army = economy, army
    for row, values in ((details.total_damage_dealt, player["dealt"]), (details.total_damage_taken, player["taken"])):
        row.life, row.shields, row.energy = values
    details.total_healed.life = player["healed"]
