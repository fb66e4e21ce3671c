"""What a player does with mouse and keyboard, through one function, so that every door to the simulator plays alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.starcraft2.codes import (
    ADD_ALL_IDLE,
    ADD_ALL_TYPE,
    APPEND_AND_STEAL,
    BUILD_QUEUE,
    COMMAND_MINIMAP,
    COMMAND_QUICK,
    COMMAND_SCREEN,
    CONTROL_GROUP,
    DESELECT_ALL_OF_TYPE,
    MOVE_CAMERA,
    MOVE_CAMERA_WORLD,
    NO_OP,
    SELECT_ARMY,
    SELECT_IDLE_WORKER,
    SELECT_POINT,
    SELECT_RECT,
    SELECT_UNIT,
)
from envsuite.families.starcraft2.engine.abilities import (
    ABILITIES,
    ERROR,
    NO_TARGET,
    NOT_SUPPORTED,
    POINT,
    POINT_OR_UNIT,
    REQUEST_IDS,
    SUCCESS,
    UNIT,
)
from envsuite.families.starcraft2.engine.command import command_group
from envsuite.families.starcraft2.engine.compiled import entry_point, inlined, kernel
from envsuite.families.starcraft2.engine.economy import cancel_place
from envsuite.families.starcraft2.engine.groups import use_group, use_panel
from envsuite.families.starcraft2.engine.layout import ATTACK, CONTROL_GROUPS, FOE, ME
from envsuite.families.starcraft2.engine.roster import NO_SLOT, on_grain
from envsuite.families.starcraft2.engine.run import game_of
from envsuite.families.starcraft2.engine.screen import middle_of, minimap_view, screen_view, world_of_minimap
from envsuite.families.starcraft2.engine.selection import (
    select_army,
    select_at,
    select_box,
    select_idle,
    selected_slots,
    unit_at,
)


def _of_requests(test: Any) -> Any:
    """Returns for each request whether a test holds for an ability that it names."""
    return np.array([any(test(row) for row in ABILITIES if number in row[1:3]) for number in REQUEST_IDS], np.bool_)


_TAKES_UNIT = _of_requests(lambda row: row.target in (UNIT, POINT_OR_UNIT))
"""[request]: whether a unit can be its target."""
_FAR = 1e6
"""No index is as large."""
_ATTACKS = _of_requests(lambda row: row.does == ATTACK)


@kernel
def act_ui(
    game: Any,
    setting: Any,
    screen: Any,
    player: Any,
    slots: Any,
    code: Any,
    a0: Any,
    a1: Any,
    a2: Any,
    a3: Any,
    how: Any,
    queued: Any,
) -> Any:
    """Does one thing of `codes` and returns the protocol's ActionResult.

    Pixels, indices and requests that do not exist do nothing and give an error; a point or rectangle without units
    selects nothing and is no error, as in the game, and nor is a move of the camera where the map has locked it.

    Args:
        game: the row.
        setting: its scenario's.
        screen: the player's `Screen`.
        player: who acts.
        slots: int64 memory for the slots of all units.
        code: what is done.
        a0: floats, whose meaning depends on the code: pixels, world coordinates, a group, an index in the panel.
        a1: the second.
        a2: the third; a command's request (a place in `REQUEST_IDS`).
        a3: the fourth.
        how: how a selection is made.
        queued: whether a command comes behind the orders that units have.
    """
    if code == NO_OP:
        return SUCCESS
    if code == MOVE_CAMERA:
        if not _within(a0, a1, screen.map_columns, screen.map_rows):
            return ERROR
        x, y = world_of_minimap(setting, screen, np.floor(a0), np.floor(a1))
        return _move_camera(game, setting, player, x, y)
    if code == MOVE_CAMERA_WORLD:
        return _move_camera(game, setting, player, a0, a1)
    if code in (COMMAND_QUICK, COMMAND_SCREEN, COMMAND_MINIMAP):
        return _command(game, setting, screen, player, slots, code, a0, a1, a2, queued)
    if code in (SELECT_POINT, SELECT_RECT):
        return _select(game, setting, screen, player, code, a0, a1, a2, a3, how)
    return _use_keys(game, player, slots, code, a0, how)


@inlined
def _within(x: Any, y: Any, columns: Any, rows: Any) -> Any:
    """Tells whether a pixel exists; NaN is none."""
    return x >= 0.0 and y >= 0.0 and x < columns and y < rows


@inlined
def _in_play(setting: Any, x: Any, y: Any) -> Any:
    """Returns the nearest point of the playable rectangle."""
    return min(max(x, setting.left), setting.right), min(max(y, setting.bottom), setting.top)


@kernel
def _move_camera(game: Any, setting: Any, player: Any, x: Any, y: Any) -> Any:
    if x != x or y != y:  # NaN
        return ERROR
    if setting.free_camera:
        x, y = _in_play(setting, x, y)
        game.players[player].camera_x, game.players[player].camera_y = on_grain(x), on_grain(y)
    return SUCCESS


@kernel
def _command(
    game: Any,
    setting: Any,
    screen: Any,
    player: Any,
    slots: Any,
    code: Any,
    px: Any,
    py: Any,
    number: Any,
    queued: Any,
) -> Any:
    """Gives a command to the selected units: to a unit under the pixel where it takes units, else to the point."""
    if not (number >= 0.0 and number < len(_TAKES_UNIT)):
        return NOT_SUPPORTED
    request = int(number)
    kind, x, y, tag = NO_TARGET, 0.0, 0.0, 0
    if code != COMMAND_QUICK:
        on_map = code == COMMAND_MINIMAP
        view = minimap_view(setting, screen) if on_map else screen_view(game.players[player], screen)
        if not _within(px, py, view.columns, view.rows):
            return ERROR
        column, row = int(px), int(py)
        x, y = middle_of(view, column, row)
        x, y = _in_play(setting, x, y)
        kind = POINT
        if _TAKES_UNIT[request] and not on_map:
            preferred = ME + FOE - player if _ATTACKS[request] else 0
            target = unit_at(game, setting, view, player, column, row, preferred)
            if target != NO_SLOT:
                kind, tag = UNIT, game.units[target].tag
    count = selected_slots(game, player, slots)
    return command_group(game, setting, player, slots, count, request, kind, x, y, tag, queued)


@kernel
def _select(
    game: Any, setting: Any, screen: Any, player: Any, code: Any, a0: Any, a1: Any, a2: Any, a3: Any, how: Any
) -> Any:
    """Selects by a point or a rectangle of the screen."""
    view = screen_view(game.players[player], screen)
    if not _within(a0, a1, view.columns, view.rows):
        return ERROR
    if code == SELECT_POINT:
        if how < 1 or how > ADD_ALL_TYPE:
            return ERROR
        select_at(game, setting, view, player, int(a0), int(a1), how)
        return SUCCESS
    if not _within(a2, a3, view.columns, view.rows) or how < 0 or how > 1:
        return ERROR
    # From the outer edges of the two pixels.
    left, right = view.left + int(min(a0, a2)) * view.scale, view.left + (int(max(a0, a2)) + 1) * view.scale
    top, bottom = view.top - int(min(a1, a3)) * view.scale, view.top - (int(max(a1, a3)) + 1) * view.scale
    select_box(game, player, left, bottom, right, top, how == 1)
    return SUCCESS


@kernel
def _use_keys(game: Any, player: Any, slots: Any, code: Any, number: Any, how: Any) -> Any:
    """Does what takes no point: keys, control groups, panels."""
    if code == SELECT_ARMY:
        return SUCCESS if 0 <= how <= 1 and select_army(game, player, how == 1) else ERROR
    if code == SELECT_IDLE_WORKER:
        return SUCCESS if 1 <= how <= ADD_ALL_IDLE and select_idle(game, player, how) else ERROR
    if not (number >= 0.0 and number < _FAR):
        return ERROR
    index = int(number)
    if code == CONTROL_GROUP:
        if index >= CONTROL_GROUPS or how < 1 or how > APPEND_AND_STEAL:
            return ERROR
        use_group(game, player, index, how)
        return SUCCESS
    count = selected_slots(game, player, slots)
    if code == SELECT_UNIT:
        if index >= count or how < 1 or how > DESELECT_ALL_OF_TYPE:
            return ERROR
        use_panel(game, player, slots, count, index, how)
        return SUCCESS
    if code == BUILD_QUEUE and count == 1 and game.units[slots[0]].owner == player:
        return cancel_place(game, slots[0], index)  # a queue is shown of a single structure only
    return ERROR


@entry_point
def act_ui_row(
    batch: Any,
    setting: Any,
    screen: Any,
    row: Any,
    player: Any,
    slots: Any,
    code: Any,
    a0: Any,
    a1: Any,
    a2: Any,
    a3: Any,
    how: Any,
    queued: Any,
) -> Any:
    """Returns the ActionResult of `act_ui` in one row."""
    return act_ui(game_of(batch, row), setting, screen, player, slots, code, a0, a1, a2, a3, how, queued)


@entry_point
def selected_row(batch: Any, row: Any, player: Any, slots: Any) -> Any:
    """Returns how many units a player has selected in one row; `slots` begins with them, in the panel's order."""
    return selected_slots(game_of(batch, row), player, slots)
