"""Info: who answers, and what is known of a game before it is played."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np
from s2clientprotocol import common_pb2, sc2api_pb2

from envsuite.families.starcraft2.engine.layers import CLIFF, GROUND
from envsuite.families.starcraft2.engine.layout import FOE
from envsuite.families.starcraft2.engine.scenario import MELEE
from envsuite.families.starcraft2.engine.units import COMMAND_CENTER
from envsuite.families.starcraft2.identity import identify
from envsuite.families.starcraft2.protocol.pictures import image
from envsuite.families.starcraft2.protocol.query import ground

LABEL = f"envsuite-sim {identify()}"
"""What the simulator calls itself wherever the protocol asks for a version."""
BUILD = 75689
"""Of the version 4.10.0, in whose place pysc2 finds the simulator."""
DATA_VERSION = hashlib.sha256(LABEL.encode()).hexdigest()[:32].upper()


def ping(session: Any, request: Any, response: Any) -> None:
    """Tells the version: a simulator's, under the number of a build that programs for the game know."""
    response.game_version, response.data_version = LABEL, DATA_VERSION
    response.data_build = response.base_build = BUILD


def game_info(session: Any, request: Any, response: Any) -> None:
    """Tells map, players and options."""
    match = session.match
    scenario = match.rules.scenario
    response.map_name, response.local_map_path = scenario.name, match.rules.map_path
    response.mod_names.append(LABEL)
    write_players(session, response.player_info)
    response.options.CopyFrom(match.options)
    if match.options.raw:
        _write_start(match, response.start_raw)


def write_players(session: Any, players: Any) -> None:
    """Adds a PlayerInfo of each player. Whoever plays a melee is Terran in truth."""
    melee = session.match.rules.scenario.script == MELEE
    for number, data in enumerate(session.match.rules.setups, start=1):
        setup = sc2api_pb2.PlayerSetup.FromString(data)
        player = players.add(player_id=number, type=setup.type)
        if setup.type == sc2api_pb2.Participant:
            player.race_requested, player.player_name = session.race, session.player_name
        else:
            player.race_requested, player.player_name = setup.race or common_pb2.Random, setup.player_name
            player.difficulty, player.ai_build = setup.difficulty, setup.ai_build
        random = player.race_requested in (common_pb2.Random, common_pb2.NoRace)
        player.race_actual = common_pb2.Terran if melee or random else player.race_requested


def _write_start(match: Any, start: Any) -> None:
    """Writes a StartRaw: grids have the map's lowest row first, as in the game since its grids have bits."""
    setting, scenario = match.games.setting, match.rules.scenario
    start.map_size.x, start.map_size.y = scenario.size
    free = ground(match)
    image(start.pathing_grid, free.T, 1)
    image(start.placement_grid, free.T, 1)
    image(start.terrain_height, np.where(setting.cliffs != 0, CLIFF, GROUND).T, 8)
    left, bottom, right, top = scenario.playable
    start.playable_area.p0.x, start.playable_area.p0.y = math.floor(left), math.floor(bottom)
    start.playable_area.p1.x, start.playable_area.p1.y = math.ceil(right), math.ceil(top)
    for owner, kind, x, y in scenario.spawn:
        if kind == COMMAND_CENTER and owner == FOE:
            start.start_locations.add(x=x, y=y)
