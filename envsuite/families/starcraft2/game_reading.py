"""What an observation of the game's protocol says, as the arrays of `observations.space_of`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.families.starcraft2.engine.units import LOOPS_PER_SECOND, UNIT_TYPES
from envsuite.families.starcraft2.functions import QUICK, Function
from envsuite.families.starcraft2.observations import (
    MAX_UNITS,
    MINIMAP_LAYERS,
    PLAYER_COLUMNS,
    SCREEN_LAYERS,
    UNIT_COLUMNS,
    layer_dtype,
)
from envsuite.families.starcraft2.options import Options
from envsuite.families.starcraft2.protocol.pysc2_shim import load_pysc2

load_pysc2()

from pysc2.lib import actions, buffs, features, units  # noqa: E402  # pysc2 comes after its mends

VISIBLE = 1
"""Of the protocol's kinds of display: seen now, and not remembered."""
SELF, NEUTRAL, ENEMY = 1, 3, 4
"""Of the protocol's alliances."""
_WHOSE = {SELF: "own", NEUTRAL: "neutral", ENEMY: "enemy"}
_NAMES = {unit.unit_id: unit.name for unit in UNIT_TYPES}
_CARRYING = frozenset(int(buff) for buff in buffs.Buffs if buff.name.startswith("Carry"))
_CAMERA_WIDTH = 24.0
_NOW, _REPLACE = 0, 0


def make_call(function: Function, x: int, y: int) -> Any:
    """Returns pysc2's call of a function at a point: at once, and replacing what was selected."""
    known = actions.FUNCTIONS[function.name]
    arguments = {
        "screen": [x, y],
        "minimap": [x, y],
        "queued": [_NOW],
        "select_add": [_REPLACE],
        # pysc2 counts from 0 what the protocol counts from 1.
        "select_point_act": [function.how - 1],
        "select_worker": [function.how - 1],
    }
    return actions.FunctionCall(known.id, [arguments[kind.name] for kind in known.args])


def takes_point(function: Function) -> bool:
    """Returns whether a function has a point."""
    return function.place != QUICK


class Reader:
    """Turns the observations of one player into arrays, new ones each time."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._function_ids = [int(actions.FUNCTIONS[function.name].id) for function in options.functions]

    def observation(self, response: Any, pysc2_features: Any) -> dict[str, NDArray[Any]]:
        """Returns the observation; `pysc2_features` knows what pysc2 would let its agent do."""
        options, observation = self._options, response.observation
        parts: dict[str, NDArray[Any]] = {}
        if options.observe == "layers":
            parts["screen"] = self._layers(observation, features.SCREEN_FEATURES, options.layers)
            if options.minimap_layers:
                parts["minimap"] = self._layers(observation, features.MINIMAP_FEATURES, options.minimap_layers)
        else:
            parts["units"], parts["unit_type"] = self._units(observation.raw_data)
        player = observation.player_common
        parts["player"] = np.array([getattr(player, name) for name in PLAYER_COLUMNS], np.int32)
        parts["action_mask"] = self._mask(pysc2_features.available_actions(observation))
        return parts

    def _mask(self, available: list[int]) -> NDArray[np.int8]:
        mask = np.ones(len(self._function_ids) + 2 * self._options.size, np.int8)
        mask[: len(self._function_ids)] = [number in available for number in self._function_ids]
        return mask

    def _layers(self, observation: Any, known: Any, names: tuple[str, ...]) -> NDArray[Any]:
        size = self._options.size
        layers: NDArray[Any] = np.zeros((len(names), size, size), layer_dtype(names))
        for layer, name in zip(layers, names, strict=True):
            seen = getattr(known, name).unpack(observation)
            if seen is not None:  # a layer that this version of the game does not have
                layer[:] = seen
        return layers

    def _units(self, raw: Any) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        rows, types = np.zeros((MAX_UNITS, len(UNIT_COLUMNS)), np.float32), np.zeros(MAX_UNITS, np.int32)
        shown = [unit for unit in raw.units if unit.is_on_screen and unit.display_type == VISIBLE][:MAX_UNITS]
        for index, unit in enumerate(shown):
            rows[index] = _unit_row(unit, raw.player.camera)
            types[index] = unit.unit_type
        return rows, types


def _unit_row(unit: Any, camera: Any) -> tuple[float, ...]:
    own = unit.alliance == SELF
    return (
        0.5 + (unit.pos.x - camera.x) / _CAMERA_WIDTH,
        0.5 - (unit.pos.y - camera.y) / _CAMERA_WIDTH,
        _share(unit.health, unit.health_max),
        _share(unit.shield, unit.shield_max),
        _share(unit.energy, unit.energy_max),
        # The game tells neither weapons nor orders of other players' units.
        max(unit.weapon_cooldown, 0.0) / LOOPS_PER_SECOND,
        float(unit.is_selected),
        float(own and not unit.orders),
        unit.build_progress,
        (unit.mineral_contents + unit.vespene_contents) / 1000.0,
        float(not _CARRYING.isdisjoint(unit.buff_ids)),
        float(own),
        float(unit.alliance == NEUTRAL),
        float(unit.alliance == ENEMY),
    )


def _share(value: float, most: float) -> float:
    return value / most if most > 0.0 else 0.0


def seen_units(raw: Any) -> tuple[tuple[str, str], ...]:
    """Returns name and "own", "enemy" or "neutral" of every unit that the player sees."""
    return tuple(
        (name_of(unit.unit_type), _WHOSE.get(unit.alliance, "neutral"))
        for unit in raw.units
        if unit.display_type == VISIBLE
    )


def name_of(unit_type: int) -> str:
    """Returns the name of a type of unit, its number where nobody knows one."""
    if unit_type in _NAMES:
        return _NAMES[unit_type]
    known = units.get_unit_type(unit_type)
    return f"unit {unit_type}" if known is None else str(known.name)


def screen_layers(response: Any, names: tuple[str, ...]) -> dict[str, NDArray[Any] | None]:
    """Returns layers of the screen by name; None for one that this version of the game does not have."""
    return {name: getattr(features.SCREEN_FEATURES, name).unpack(response.observation) for name in names}


def minimap_layers(response: Any, names: tuple[str, ...]) -> dict[str, NDArray[Any] | None]:
    """Returns layers of the minimap by name; None for one that this version of the game does not have."""
    return {name: getattr(features.MINIMAP_FEATURES, name).unpack(response.observation) for name in names}


if features.ScreenFeatures._fields != SCREEN_LAYERS or features.MinimapFeatures._fields != MINIMAP_LAYERS:
    raise ImportError("pysc2: expected the layers of version 4.0.0, got others; run: pip install pysc2==4.0.0")
