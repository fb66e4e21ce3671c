"""Numbers of what a player does with mouse and keyboard, and how: the arguments of `engine.ui.act_ui`.

Where the protocol has an enumeration (kinds of selection, control groups, panels, idle workers) its numbers are used.
"""

from __future__ import annotations

(
    NO_OP,
    MOVE_CAMERA,
    SELECT_POINT,
    SELECT_RECT,
    CONTROL_GROUP,
    SELECT_UNIT,
    SELECT_IDLE_WORKER,
    SELECT_ARMY,
    BUILD_QUEUE,
    COMMAND_QUICK,
    COMMAND_SCREEN,
    COMMAND_MINIMAP,
    MOVE_CAMERA_WORLD,
) = range(13)

SELECT, TOGGLE, ALL_TYPE, ADD_ALL_TYPE = range(1, 5)
"""Of a point."""
RECALL, SET, APPEND, SET_AND_STEAL, APPEND_AND_STEAL = range(1, 6)
"""Of a control group."""
SINGLE, DESELECT_UNIT, SELECT_ALL_OF_TYPE, DESELECT_ALL_OF_TYPE = range(1, 5)
"""Of the panel of the selected."""
SET_IDLE, ADD_IDLE, ALL_IDLE, ADD_ALL_IDLE = range(1, 5)
"""Of idle workers."""
