"""What a game is in memory: records of units, orders and players, one row of each array per game of a batch.

A unit is a slot. Slots are taken lowest first, and units act in order of their slots. A tag names a unit for good: it
holds the slot and a serial number, so that a tag whose unit is gone finds nothing (`slot_of`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LAYOUT_VERSION = 1
"""Rises with any change of what the records mean: a snapshot of another version cannot be restored."""
TAG_SLOTS = 4096
"""A tag is serial * TAG_SLOTS + slot."""
QUEUED_ORDERS = 8
"""Orders a unit keeps, the running one included."""
QUEUED_UNITS = 5
"""Units in a structure's production queue."""
CONTROL_GROUPS = 10
LEDGE = 2
"""In `Game.blocked`: a cliff that a colossus steps over and nobody else."""
GRAIN = 4096.0
"""Positions are multiples of 1 / GRAIN, as the game's are: they survive the protocol's 32-bit floats."""

ME, FOE, NEUTRAL = 1, 2, 16
"""Owners. `ME` is the first player, whose return a task counts."""
PLAYERS = 2

# What a unit is doing: `verb` of an order.
(
    IDLE,
    MOVE,
    ATTACK,
    PATROL,
    HOLD,
    GATHER,
    RETURN,
    BUILD,
    HEAL,
    SCAN_MOVE,
) = range(10)
"""ATTACK without a tag moves to its point and attacks what it meets; SCAN_MOVE is that of the unarmed."""

ORDER = np.dtype(
    [
        ("tag", np.int64),  # of the target, 0 for a point or none
        ("x", np.float64),
        ("y", np.float64),
        ("ability", np.int32),  # the protocol's specific id, which observations report
        ("verb", np.int8),
        ("type", np.int16),  # what BUILD builds
    ],
    align=True,
)
UNIT = np.dtype(
    [
        ("tag", np.int64),
        ("x", np.float64),
        ("y", np.float64),
        ("goal_x", np.float64),  # where movement goes this loop
        ("goal_y", np.float64),
        ("facing_x", np.float64),
        ("facing_y", np.float64),
        ("health", np.float64),
        ("shield", np.float64),
        ("energy", np.float64),
        ("cooldown", np.float64),  # loops until the weapon is ready
        ("swing", np.float64),  # loops until an attack that has begun hits; 0 for none
        ("flight", np.float64),  # loops until the missile that it has shot arrives; 0 for none
        ("missile_target", np.int64),
        ("target", np.int64),  # tag of what is attacked, healed or harvested now; 0 for none
        ("progress", np.float64),  # of construction, 1 when finished
        ("work", np.float64),  # loops left at a field, inside a refinery or at a command centre
        ("made", np.float64),  # loops spent on the first unit of `queue`
        ("rally_x", np.float64),
        ("rally_y", np.float64),
        ("rally_tag", np.int64),  # of a worker: what it harvested last
        ("hit_loop", np.int32),  # of the last damage
        ("chase_loop", np.int32),  # when an idle unit took up its target
        ("contents", np.int32),  # minerals or gas left
        ("minerals", np.int16),  # carried
        ("vespene", np.int16),
        ("queue", np.int16, (QUEUED_UNITS,)),  # types in production
        ("type", np.int16),  # 0 for a free slot
        ("owner", np.int8),
        ("orders", np.int8),  # how many of `Game.orders` hold
        ("stuck", np.int16),  # loops without getting nearer
        ("moving", np.int8),  # whether it wants to move this loop
        ("bumped", np.int8),  # whether it was pushed back in the last loop
        ("has_rally", np.int8),  # 1 for a point, 2 for a unit
        ("selected", np.uint8),  # bit p - 1 for player p
        ("groups", np.uint16),  # bit g: in control group g of its owner
        ("inside", np.int8),  # in a refinery, or a geyser under one: cannot be seen or hit
        ("way", np.int32),  # cell on the way to the goal, -1 for the goal itself: `paths`
        ("way_goal", np.int32),  # cell of the goal that `way` leads to
        ("way_loop", np.int32),  # when `way` is to be looked for again
    ],
    align=True,
)
PLAYER = np.dtype(
    [
        ("minerals", np.int32),
        ("vespene", np.int32),
        ("collected_minerals", np.int32),
        ("collected_vespene", np.int32),
        ("spent_minerals", np.int32),
        ("spent_vespene", np.int32),
        ("supply", np.float64),
        ("supply_cap", np.int32),
        ("camera_x", np.float64),  # centre of the screen
        ("camera_y", np.float64),
        ("dealt", np.float64, (3,)),  # damage to life, shields, energy
        ("taken", np.float64, (3,)),
        ("healed", np.float64),
        ("killed_minerals", np.int32),
        ("killed_vespene", np.int32),
        ("lost_minerals", np.int32),
        ("lost_vespene", np.int32),
        ("kills", np.int32),
        ("losses", np.int32),
        ("made_units", np.int32),  # marines trained, which BuildMarines counts
        ("units", np.int32),  # alive now, structures too
        ("result", np.int8),  # 0 while it plays, 1 victory, 2 defeat, 3 tie
    ],
    align=True,
)
STATE = np.dtype(
    [
        ("random", np.uint64),
        ("loop", np.int64),
        ("serial", np.int64),  # of the last tag
        ("slots", np.int32),  # all units lie below
        ("wave", np.int32),
        ("left", np.int32),  # of the wave: roaches, zerglings, shards
        ("side", np.int8),  # where the first player's units began
        ("ended", np.int8),
        ("score", np.float64),
        ("reward", np.float64),  # what the score has risen by in this step
        ("episode", np.int64),
        ("steps", np.int64),  # agent steps of the episode
        ("no_effect", np.int64),
        ("events", np.int64),  # bits of `rules.EVENTS` seen in this step
        ("goal_x", np.float64),  # the beacon
        ("goal_y", np.float64),
        ("overflow", np.int32),  # units that no slot was free for
        ("blocked", np.int32),  # the sum of `Game.blocked`
    ],
    align=True,
)


class Setting(NamedTuple):
    """What all games of a batch share: the scenario."""

    script: int
    """Which rules: `scenario.BEACON` and so on."""
    width: float
    height: float
    """Of the map."""
    left: float
    bottom: float
    right: float
    top: float
    """The playable rectangle."""
    limit_loops: int
    """The game ends at this loop; 0 for never."""
    fog: bool
    free_camera: bool
    attack_x: float
    attack_y: float
    """Where a scenario's enemies go; NaN for nowhere."""
    hunt: bool
    """Whether a battle's idle enemies go for the nearest of the first player's units, wherever it is."""
    flat: bool
    """Whether the map has no cliffs."""
    spawn: NDArray[np.float64]
    """(n, 4): owner, type, x, y of what a scenario begins with."""
    cliffs: NDArray[np.uint8]
    """(width, height): 1 where ground units cannot be, LEDGE where a colossus can."""


class Game(NamedTuple):
    """One row of a batch."""

    units: Any
    """(slots,) of UNIT."""
    orders: Any
    """(slots, QUEUED_ORDERS) of ORDER."""
    players: Any
    """(PLAYERS + 1,) of PLAYER; player p is at p."""
    state: Any
    """(1,) of STATE."""
    blocked: Any
    """uint8 (width, height): 1 where a structure, a field or a cliff is, LEDGE at a low cliff."""
    seen: Any
    """uint8 (PLAYERS + 1, width, height): 0 hidden, 1 seen before, 2 visible, for each player; with fog only."""
    path: Any
    """uint16 (2, width * height): what a search of `paths` writes to; of no meaning after it."""


class Batch(NamedTuple):
    """The games of a batch: `Game` with a first axis of rows."""

    units: NDArray[Any]
    orders: NDArray[Any]
    players: NDArray[Any]
    state: NDArray[Any]
    blocked: NDArray[np.uint8]
    seen: NDArray[np.uint8]
    path: NDArray[np.uint16]


def allocate(num_envs: int, slots: int, width: int, height: int) -> Batch:
    """Returns the arrays of `num_envs` games of zeros."""
    return Batch(
        units=np.zeros((num_envs, slots), UNIT),
        orders=np.zeros((num_envs, slots, QUEUED_ORDERS), ORDER),
        players=np.zeros((num_envs, PLAYERS + 1), PLAYER),
        state=np.zeros((num_envs, 1), STATE),
        blocked=np.zeros((num_envs, width, height), np.uint8),
        seen=np.zeros((num_envs, PLAYERS + 1, width, height), np.uint8),
        path=np.zeros((num_envs, 2, width * height), np.uint16),
    )
