"""The arrays that come back from a batch of worlds."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from envsuite.families.crafter.engine.layout import ACHIEVEMENT_COUNT, ACTION_COUNT
from envsuite.families.crafter.engine.run import Results
from envsuite.families.crafter.options import Options
from envsuite.families.crafter.rules import STATE_EVENTS


def allocate_results(
    num_envs: int, options: Options, *, pictures: bool, symbols: bool = True, semantic: bool = True
) -> Results:
    """Returns the arrays that come back from a batch.

    Args:
        num_envs: how many rows.
        options: the shape of the worlds.
        pictures: whether pictures are drawn.
        symbols: whether the tiles in view are written as numbers.
        semantic: whether the map of each whole world is written.
    """
    width, height = options.size
    columns, rows = options.map_view
    picture = np.zeros((num_envs if pictures else 0, height, width, 3), np.uint8)
    seen = (num_envs if symbols else 0, rows, columns)
    return Results(
        picture=picture,
        flat=flattened(picture),
        handout=flattened(picture)[:0],
        material=np.zeros(seen, np.uint8),
        thing=np.zeros(seen, np.uint8),
        semantic=np.zeros((num_envs if semantic else 0, *options.area), np.uint8),
        rewards=np.zeros(num_envs),
        terminated=np.zeros(num_envs, np.bool_),
        truncated=np.zeros(num_envs, np.bool_),
        events=np.zeros((num_envs, ACHIEVEMENT_COUNT + len(STATE_EVENTS)), np.bool_),
        factors=np.zeros((num_envs, 2)),
        effective=np.zeros((num_envs, ACTION_COUNT), np.bool_),
    )


def flattened(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the same memory with one axis for a picture, (n, bytes)."""
    return pictures.reshape(len(pictures), math.prod(pictures.shape[1:]))
