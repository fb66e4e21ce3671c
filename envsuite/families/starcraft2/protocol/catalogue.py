"""Catalogue: the protocol's static data: abilities, unit types, buffs."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from s2clientprotocol import data_pb2, sc2api_pb2

from envsuite.families.starcraft2.engine import abilities, units
from envsuite.families.starcraft2.engine.abilities import ABILITIES, TRAIN
from envsuite.families.starcraft2.engine.layout import BUILD
from envsuite.families.starcraft2.engine.units import UNIT_TYPES, UnitType

_TARGETS = {
    abilities.NO_TARGET: data_pb2.AbilityData.Target.Value("None"),
    abilities.POINT: data_pb2.AbilityData.Point,
    abilities.UNIT: data_pb2.AbilityData.Unit,
    abilities.POINT_OR_UNIT: data_pb2.AbilityData.PointOrUnit,
}
_ATTRIBUTES = {
    units.LIGHT: data_pb2.Light,
    units.ARMORED: data_pb2.Armored,
    units.BIOLOGICAL: data_pb2.Biological,
    units.MECHANICAL: data_pb2.Mechanical,
    units.MASSIVE: data_pb2.Massive,
    units.STRUCTURE: data_pb2.Structure,
}
_CARRIES = {271: "CarryMineralFieldMinerals", 273: "CarryHarvestableVespeneGeyserGas"}
_MAKERS = {row.makes: row.ability_id for row in ABILITIES if row.does in (BUILD, TRAIN)}


def data(session: Any, request: Any, response: Any) -> None:
    """Tells the parts of the static data that are asked for; the simulator has no upgrades and no effects."""
    if request.ability_id:
        response.abilities.extend(_abilities().abilities)
    if request.unit_type_id:
        response.units.extend(_unit_type(unit) for unit in UNIT_TYPES[1:])
    if request.buff_id:
        response.buffs.extend(data_pb2.BuffData(buff_id=number, name=name) for number, name in _CARRIES.items())


@cache
def _abilities() -> Any:
    """Returns every ability that pysc2 knows, of which the simulator's own are available."""
    table: dict[int, Any] = {}
    for number, name, general in (
        *_known_to_pysc2(),
        *((row.ability_id, row.name, row.general_id) for row in ABILITIES),
    ):
        row = table.setdefault(number, data_pb2.AbilityData(ability_id=number))
        row.link_name = row.friendly_name = row.button_name = name
        if general:
            row.remaps_to_ability_id = general
            table.setdefault(general, data_pb2.AbilityData(ability_id=general))
    for own in ABILITIES:
        row = table[own.ability_id]
        row.available, row.target = True, _TARGETS[own.target]
        row.allow_minimap, row.is_building = own.target in (abilities.POINT, abilities.POINT_OR_UNIT), own.does == BUILD
        if own.does == BUILD:
            row.footprint_radius = max(UNIT_TYPES[own.makes].footprint) / 2
    response = sc2api_pb2.ResponseData()
    response.abilities.extend(table[number] for number in sorted(table))
    return response


def _known_to_pysc2() -> list[tuple[int, str, int]]:
    """Returns (ability, name, general ability) of pysc2's functions, none where pysc2 is not installed."""
    try:
        actions = importlib.import_module("pysc2.lib.actions")
    except ImportError:
        return []
    endings = ("_quick", "_screen", "_minimap", "_autocast", "_pt", "_unit")
    known = []
    for function in (*actions.FUNCTIONS, *actions.RAW_FUNCTIONS):
        name = function.name
        for ending in endings:
            name = name.removesuffix(ending)
        known.append((int(function.ability_id), name, int(function.general_id)))
    return known


def _unit_type(unit: UnitType) -> Any:
    """Returns the protocol's form of a unit type, in its units: seconds of the game, loops where it builds."""
    row = data_pb2.UnitTypeData(
        unit_id=unit.unit_id,
        name=unit.name,
        available=True,
        mineral_cost=unit.minerals,
        vespene_cost=unit.vespene,
        food_required=unit.supply,
        food_provided=unit.supply_provided,
        ability_id=_MAKERS.get(units.TYPE_OF_ID[unit.unit_id], 0),
        race=unit.race,
        build_time=unit.build_loops,
        has_minerals=bool(unit.attributes & units.MINERAL),
        has_vespene=bool(unit.attributes & units.GEYSER),
        sight_range=unit.sight,
        movement_speed=unit.speed,
        armor=unit.armor,
        attributes=[number for bit, number in _ATTRIBUTES.items() if unit.attributes & bit],
    )
    if unit.damage > 0.0:
        aim = data_pb2.Weapon.Any if unit.shoots_up else data_pb2.Weapon.Ground
        weapon = row.weapons.add(
            type=aim, damage=unit.damage, attacks=unit.hits, range=unit.weapon_range, speed=unit.cooldown
        )
        for bit, number in _ATTRIBUTES.items():
            if unit.bonus > 0.0 and unit.bonus_against & bit:
                weapon.damage_bonus.add(attribute=number, bonus=unit.bonus)
    return row
