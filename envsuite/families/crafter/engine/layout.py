"""What a world is in memory: the arrays of a batch, one row per world, and the names of their columns.

Maps have x first, as the reference's arrays do. A thing (the player, a creature, an
arrow, a plant) is a slot; slots keep the order in which things came into the world, which is the order in
which they act.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envsuite.families.crafter.options import Options
from envsuite.families.crafter.rules import ACHIEVEMENTS, ACTIONS, ITEMS, SEMANTICS

LAYOUT_VERSION = 1
"""Rises with any change of what the arrays mean: a snapshot of another version cannot be restored."""
CHUNK = 12
"""Side of the squares in which creatures are counted, in tiles."""
STREAM_WORDS = 624
"""Words of the generator's state; one more holds how many of them were used."""

# Kinds of things: their numbers in the semantic map.
PLAYER, COW, ZOMBIE, SKELETON, ARROW, PLANT = (
    SEMANTICS.index(name) for name in ("player", "cow", "zombie", "skeleton", "arrow", "plant")
)
GONE = 0
"""The kind of a slot whose thing has left the world."""

# Columns of `things`. A timer is a zombie's cooldown, a skeleton's reload, an arrow's direction, a plant's age.
AT_X, AT_Y, TIMER, STAMP = range(4)
# Columns of `bodies`.
KIND, HEALTH = range(2)

# Columns of `chunks`.
ZOMBIES, SKELETONS, COWS, GRASS_TILES, PATH_TILES, TOUCHED, ORDER = range(7)
"""How many of each are in the chunk; whether anything has been in it; the chunk that was touched n-th."""
CHUNK_COLUMNS = 7

# Columns of `state`.
(
    STEP,
    X,
    Y,
    FACING,
    SLEEPING,
    HUNGER,
    THIRST,
    FATIGUE,
    RECOVER,
    HURT_FROM,
    REWARDED_HEALTH,
    SLOTS,
    LIVING,
    CLOCK,
    TOUCHED_CHUNKS,
    NO_EFFECT,
    EPISODE,
    INVENTORY,
) = range(18)
"""Hunger, thirst and recovery are counted in halves; `HURT_FROM` is the health that a sleeper compares with."""
ACHIEVED = INVENTORY + len(ITEMS)
STATE_COLUMNS = ACHIEVED + len(ACHIEVEMENTS)

ITEM_COUNT, ACTION_COUNT, ACHIEVEMENT_COUNT = len(ITEMS), len(ACTIONS), len(ACHIEVEMENTS)

DIRECTION_X = np.array([-1, 1, 0, 0])
DIRECTION_Y = np.array([0, 0, -1, 1])
"""Left, right, up, down."""
SPARE_SLOTS = 64
"""Slots of the gone that may gather before the living move up."""


class Batch(NamedTuple):
    """The worlds of a batch; a `World` is one row of each."""

    stream: NDArray[np.uint32]
    """(n, 625): the state of MT19937, and how many of its words were used."""
    tiles: NDArray[np.uint8]
    """(n, width, height): materials."""
    occupant: NDArray[np.int32]
    """(n, width, height): 0, or the slot of the thing on the tile plus 1."""
    things: NDArray[np.int32]
    """(n, slots, 4): `AT_X`, `AT_Y`, `TIMER`, `STAMP` (when it came into its chunk)."""
    bodies: NDArray[np.uint8]
    """(n, slots, 2): `KIND`, `HEALTH`."""
    chunks: NDArray[np.int32]
    """(n, chunks, 7)."""
    state: NDArray[np.int32]
    """(n, columns): the player and the counters."""
    seeds: NDArray[np.int64]
    """(n,): Python's hash of the seed that the row's episodes are numbered under."""


class World(NamedTuple):
    """One row of a `Batch`, and what all rows share."""

    stream: Any
    tiles: Any
    occupant: Any
    things: Any
    bodies: Any
    chunks: Any
    state: Any
    width: Any
    height: Any


def allocate(num_envs: int, options: Options) -> Batch:
    """Returns the arrays of `num_envs` worlds of zeros.

    Slots suffice for any game: at the beginning of a step there are at most `SPARE_SLOTS` of the gone; within a
    step a thing can only come onto a free tile, and only what acts, or vanishes from a chunk, frees one.
    """
    area, reach = options.area, options.reach
    cells = area[0] * area[1]
    chunks = -(-area[0] // CHUNK) * -(-area[1] // CHUNK)
    acting = min(cells, 2 * reach * (reach - 1) + 1)
    slots = cells + SPARE_SLOTS + acting + 3 * chunks
    return Batch(
        stream=np.zeros((num_envs, STREAM_WORDS + 1), np.uint32),
        tiles=np.zeros((num_envs, *area), np.uint8),
        occupant=np.zeros((num_envs, *area), np.int32),
        things=np.zeros((num_envs, slots, 4), np.int32),
        bodies=np.zeros((num_envs, slots, 2), np.uint8),
        chunks=np.zeros((num_envs, chunks, CHUNK_COLUMNS), np.int32),
        state=np.zeros((num_envs, STATE_COLUMNS), np.int32),
        seeds=np.zeros(num_envs, np.int64),
    )
