"""Feature layers: the pictures of numbers that pysc2's agents see, drawn for one player.

Every unit that the player sees is a disc of its radius; later slots lie over earlier ones and the air over the ground.
What fog hides is not drawn at all, fields and structures that were seen before neither: in this the simulator shows
less than the game. Nothing here is hallucinated, cloaked, a blip, buffed or on creep, and no effect or power field
lasts: such layers are zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.starcraft2.engine.combat import visible_to
from envsuite.families.starcraft2.engine.compiled import entry_point, kernel
from envsuite.families.starcraft2.engine.construction import is_building
from envsuite.families.starcraft2.engine.disc import count, disc_of, paint, shade
from envsuite.families.starcraft2.engine.fog import VISIBLE, look
from envsuite.families.starcraft2.engine.layout import NEUTRAL
from envsuite.families.starcraft2.engine.roster import alive
from envsuite.families.starcraft2.engine.run import game_of
from envsuite.families.starcraft2.engine.screen import middle_of, minimap_view, screen_view, window
from envsuite.families.starcraft2.engine.selection import is_selected
from envsuite.families.starcraft2.engine.units import (
    AIR,
    BUILD_LOOPS,
    LOOPS_PER_SECOND,
    MAX_ENERGY,
    MAX_HEALTH,
    MAX_SHIELD,
    UNIT_ID,
)

SCREEN_LAYERS = (
    *("height_map", "visibility_map", "creep", "power", "player_id", "player_relative", "unit_type", "selected"),
    *("unit_hit_points", "unit_hit_points_ratio", "unit_energy", "unit_energy_ratio", "unit_shields"),
    *("unit_shields_ratio", "unit_density", "unit_density_aa", "effects", "hallucinations", "cloaked", "blip"),
    *("buffs", "buff_duration", "active", "build_progress", "pathable", "buildable", "placeholder"),
)
"""In pysc2's order; a layer's number is its place here."""
MINIMAP_LAYERS = (
    *("height_map", "visibility_map", "creep", "camera", "player_id", "player_relative", "selected", "unit_type"),
    *("alerts", "pathable", "buildable"),
)
"""In pysc2's order."""
SELF, NEUTRAL_UNIT, ENEMY = 1, 3, 4
"""Of the layers of who is whose."""
GROUND, CLIFF = 133, 134
"""Of the layers of height, where 0 to 255 stand for -200 to 200 world units: ground is 8 high, a cliff 2 more."""
_FULL = 255
_ALERT_LOOPS = LOOPS_PER_SECOND
"""A unit that was hit so short ago lights the layer of alerts."""
_NAMES = (*SCREEN_LAYERS, "camera", "alerts")
_SCREEN = np.arange(len(SCREEN_LAYERS))
_MINIMAP = np.array([_NAMES.index(name) for name in MINIMAP_LAYERS])
"""What a layer of the minimap shows, as a place in `_NAMES`."""
_HEIGHT, _VISIBILITY, _PATHABLE, _BUILDABLE, _CAMERA, _ALERTS, _ACTIVE, _PROGRESS, _SELECTED = map(
    _NAMES.index,
    (
        "height_map",
        "visibility_map",
        "pathable",
        "buildable",
        "camera",
        "alerts",
        "active",
        "build_progress",
        "selected",
    ),
)
_OWNER, _RELATIVE, _TYPE, _DENSITY, _DENSITY_AA = map(
    _NAMES.index, ("player_id", "player_relative", "unit_type", "unit_density", "unit_density_aa")
)
_HEALTH, _HEALTH_RATIO, _ENERGY, _ENERGY_RATIO, _SHIELD, _SHIELD_RATIO = range(8, 14)
_OF_UNITS = np.zeros(len(_NAMES), np.bool_)
_OF_UNITS[[_OWNER, _RELATIVE, _TYPE, _SELECTED, _HEALTH, _HEALTH_RATIO, _ENERGY, _ENERGY_RATIO, _SHIELD]] = True
_OF_UNITS[[_SHIELD_RATIO, _DENSITY, _DENSITY_AA, _ACTIVE, _PROGRESS, _ALERTS]] = True
"""Whether units show in a layer."""


@kernel
def draw_screen(game: Any, setting: Any, screen: Any, player: Any, which: Any, out: Any) -> None:
    """Writes layers of a player's screen to `out`, (layers, rows, columns); `look` comes before.

    `which` are the layers' numbers, int64. `out` may be of any integers that hold the values, which are those that
    pysc2 unpacks: bits are 0 and 1.
    """
    view = screen_view(game.players[player], screen)
    _draw(game, setting, screen, view, player, which, _SCREEN, out)


@kernel
def draw_minimap(game: Any, setting: Any, screen: Any, player: Any, which: Any, out: Any) -> None:
    """Writes layers of a player's minimap as `draw_screen` does the screen's; alerts are where own units were hit."""
    _draw(game, setting, screen, minimap_view(setting, screen), player, which, _MINIMAP, out)


@kernel
def _draw(game: Any, setting: Any, screen: Any, view: Any, player: Any, which: Any, shown: Any, out: Any) -> None:
    for index in range(len(which)):
        _draw_ground(game, setting, screen, view, player, shown[which[index]], out[index])
    flying = False
    for slot in range(game.state[0].slots):
        if AIR[game.units[slot].type]:
            flying = True
        else:
            _draw_unit(game, setting, view, player, slot, which, shown, out)
    if flying:
        for slot in range(game.state[0].slots):
            if AIR[game.units[slot].type]:
                _draw_unit(game, setting, view, player, slot, which, shown, out)


@kernel
def _draw_ground(game: Any, setting: Any, screen: Any, view: Any, player: Any, shows: Any, layer: Any) -> None:
    """Writes what lies under the units, zeros in layers of units."""
    layer[:, :] = GROUND if shows == _HEIGHT else 0
    if shows == _HEIGHT and game.state[0].blocked > 0:
        _draw_cells(view, setting.cliffs, CLIFF, 0.0, 0.0, setting.width, setting.height, layer)
    elif shows == _VISIBILITY and setting.fog:
        _draw_seen(game, setting, view, player, layer)
    elif shows in (_VISIBILITY, _PATHABLE, _BUILDABLE):
        value = VISIBLE if shows == _VISIBILITY else 1
        _fill(view, setting.left, setting.bottom, setting.right, setting.top, value, layer)
        if shows != _VISIBILITY and game.state[0].blocked > 0:
            _draw_cells(view, game.blocked, 0, setting.left, setting.bottom, setting.right, setting.top, layer)
    elif shows == _CAMERA:
        seen = screen_view(game.players[player], screen)
        right, bottom = seen.left + seen.columns * seen.scale, seen.top - seen.rows * seen.scale
        _fill(view, seen.left, bottom, right, seen.top, 1, layer)


@kernel
def _fill(view: Any, left: Any, bottom: Any, right: Any, top: Any, value: Any, layer: Any) -> None:
    first, end, upper, lower = window(view, left, bottom, right, top)
    layer[upper:lower, first:end] = value


@kernel
def _draw_cells(view: Any, cells: Any, value: Any, left: Any, bottom: Any, right: Any, top: Any, layer: Any) -> None:
    """Writes a value to the pixels in a rectangle of the world whose middles lie in cells that are not 0."""
    first, end, upper, lower = window(view, left, bottom, right, top)
    for row in range(upper, lower):
        for column in range(first, end):
            x, y = middle_of(view, column, row)
            if cells[min(int(x), cells.shape[0] - 1), min(int(y), cells.shape[1] - 1)]:
                layer[row, column] = value


@kernel
def _draw_seen(game: Any, setting: Any, view: Any, player: Any, layer: Any) -> None:
    seen = game.seen[player]
    first, end, upper, lower = window(view, setting.left, setting.bottom, setting.right, setting.top)
    for row in range(upper, lower):
        for column in range(first, end):
            x, y = middle_of(view, column, row)
            layer[row, column] = seen[min(int(x), seen.shape[0] - 1), min(int(y), seen.shape[1] - 1)]


@kernel
def _draw_unit(game: Any, setting: Any, view: Any, player: Any, slot: Any, which: Any, shown: Any, out: Any) -> None:
    unit = game.units[slot]
    if not alive(unit):
        return
    disc = disc_of(view, unit)
    if disc.first >= disc.end or not visible_to(game, setting, player, unit):
        return
    for index in range(len(which)):
        shows = shown[which[index]]
        if not _OF_UNITS[shows]:
            continue
        if shows == _DENSITY:
            count(disc, out[index])
        elif shows == _DENSITY_AA:
            shade(disc, out[index])
        elif shows != _ALERTS:
            paint(disc, _value(game, player, slot, shows), out[index])
        elif unit.owner == player and game.state[0].loop - unit.hit_loop < _ALERT_LOOPS:
            paint(disc, 1, out[index])


@kernel
def _value(game: Any, player: Any, slot: Any, shows: Any) -> Any:
    """Returns what a unit writes to a layer."""
    unit = game.units[slot]
    if shows == _OWNER:
        return int(unit.owner)
    if shows == _RELATIVE:
        return SELF if unit.owner == player else NEUTRAL_UNIT if unit.owner == NEUTRAL else ENEMY
    if shows == _TYPE:
        return UNIT_ID[unit.type]
    if shows == _SELECTED:
        return int(is_selected(unit, player))
    if shows == _ACTIVE:
        return int(is_active(game, slot))
    if shows == _PROGRESS:
        return _ratio(_progress(unit, player), 1.0)
    return _vital(unit, shows)


@kernel
def _vital(unit: Any, shows: Any) -> Any:
    """Returns health, shield or energy as a number, whatever is left of it counting as 1, or as a share of 255."""
    if shows == _HEALTH:
        return int(np.ceil(unit.health))
    if shows == _HEALTH_RATIO:
        return _ratio(unit.health, MAX_HEALTH[unit.type])
    if shows == _SHIELD:
        return int(np.ceil(unit.shield))
    if shows == _SHIELD_RATIO:
        return _ratio(unit.shield, MAX_SHIELD[unit.type])
    if shows == _ENERGY:
        return int(unit.energy)
    return _ratio(unit.energy, MAX_ENERGY[unit.type])


@kernel
def _ratio(value: Any, most: Any) -> Any:
    return int(_FULL * min(value / most, 1.0) + 0.5) if most > 0.0 else 0


@kernel
def is_active(game: Any, slot: Any) -> Any:
    """Tells whether a unit is active, as the protocol means it: a structure that trains, a worker that builds."""
    unit = game.units[slot]
    return (unit.queue[0] != 0 and unit.made > 0.0) or is_building(game, slot)


@kernel
def _progress(unit: Any, player: Any) -> Any:
    """Returns how far a structure is built or, for its owner's eyes, what it trains; else 0."""
    if unit.progress < 1.0:
        return unit.progress
    if unit.owner != player or unit.queue[0] == 0:
        return 0.0
    return unit.made / BUILD_LOOPS[unit.queue[0]]


@entry_point
def draw_row(
    batch: Any,
    setting: Any,
    screen: Any,
    row: Any,
    player: Any,
    screen_which: Any,
    screen_out: Any,
    map_which: Any,
    map_out: Any,
) -> None:
    """Looks round in one row, then writes layers of a player's screen and minimap."""
    game = game_of(batch, row)
    look(game, setting)
    draw_screen(game, setting, screen, player, screen_which, screen_out)
    draw_minimap(game, setting, screen, player, map_which, map_out)


__all__ = ["MINIMAP_LAYERS", "SCREEN_LAYERS", "draw_minimap", "draw_row", "draw_screen", "is_active", "look"]
