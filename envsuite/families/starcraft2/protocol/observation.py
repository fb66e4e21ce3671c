"""Observation: what a client is told of the game."""

from __future__ import annotations

from typing import Any

import numpy as np
from s2clientprotocol import sc2api_pb2

from envsuite.families.starcraft2.engine.units import ATTRIBUTES, STRUCTURE
from envsuite.families.starcraft2.protocol.match import Match
from envsuite.families.starcraft2.protocol.panels import (
    Own,
    own_units,
    write_offers,
    write_player,
    write_score,
    write_ui,
)
from envsuite.families.starcraft2.protocol.pictures import Pictures
from envsuite.families.starcraft2.protocol.raw import write_raw

_NO_LAYERS = np.zeros(0, np.int64)


class Observer:
    """Writes observations of one match."""

    def __init__(self, match: Match) -> None:
        """Takes the match, whose options say what is asked for."""
        self._match = match
        self._pictures = (
            Pictures(match.console, match.options.feature_layer) if match.options.HasField("feature_layer") else None
        )

    def write(self, request: Any, response: Any) -> None:
        """Writes a ResponseObservation; what is told once is told here."""
        match = self._match
        setting = match.games.setting
        if request.disable_fog or match.rules.disable_fog:
            match.games.setting = setting._replace(fog=False)
        try:
            self._write(response.observation)
        finally:
            match.games.setting = setting
        reports = match.take_reports()
        response.actions.extend(reports.actions)
        response.action_errors.extend(reports.errors)
        for player, text in reports.chat:
            response.chat.add(player_id=player, message=text)
        if match.ended or match.cut_off:
            for number in range(1, len(match.rules.setups) + 1):
                result = int(match.games.batch.players[0, number]["result"])
                response.player_result.add(player_id=number, result=result or sc2api_pb2.Undecided)

    def _write(self, observation: Any) -> None:
        match, options = self._match, self._match.options
        own = own_units(match)
        observation.game_loop = match.loop
        write_player(match, own, observation.player_common)
        observation.alerts.extend(_alerts(match, own))
        if self._pictures is not None:
            self._pictures.write(observation.feature_layer_data)
        elif match.games.setting.fog:
            match.console.draw(_NO_LAYERS, _NO_LAYERS)  # looks round
        write_offers(match, observation.abilities)
        write_ui(match, own, observation.ui_data)
        if options.score:
            write_score(match, own, observation.score)
        if options.raw:
            write_raw(match, observation.raw_data)
        match.observed_loop = match.loop


def _alerts(match: Match, own: Own) -> list[int]:
    """Returns whether own units or structures were hit since the last observation."""
    hit = own.kinds[own.hit_loops > match.observed_loop]
    if not len(hit):
        return []
    structures = ATTRIBUTES[hit] & STRUCTURE != 0
    alerts = [sc2api_pb2.BuildingUnderAttack] if structures.any() else []
    return alerts if structures.all() else [*alerts, sc2api_pb2.UnitUnderAttack]
