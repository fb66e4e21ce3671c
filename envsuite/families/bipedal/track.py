"""The tracks as plain data, drawn from a generator; nothing here knows the physics engine.

Lengths are in world units (30 pixels of a frame). The constants and the order of the random draws of
`classic_track` are those of Gymnasium's BipedalWalker-v3, so that one seed gives the same track; the
formulas of `stump_track` are those of the Stump Tracks of teachDeepRL (Portelas et al., 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SCALE = 30.0
"""Pixels of a frame per world unit."""
VIEW = (600 / SCALE, 400 / SCALE)
"""Width and height of what a frame shows."""
STEP = 14 / SCALE
"""Length of one piece of ground."""
POINTS = 200
"""Points of the ground of a classic track, `STEP` apart."""
LENGTH = POINTS * STEP
GROUND = 400 / SCALE / 4
"""Height of flat ground."""
STARTPAD = 20
"""Points of flat ground before the first obstacle."""
START_X = STEP * STARTPAD / 2
FINISH_X = (POINTS - 10) * STEP
"""The episode is won when the hull lies beyond."""

_GRASS, _STUMP, _STAIRS, _PIT = range(4)
_GRASS_RUN = (5, 10)
_PIT_DEPTH = 4
_STAIR_WIDTH = 4
_CLOUDS, _PUFFS = 10, 5
_CLOUD_HEIGHT = 11.0
_SMALLEST = 0.05
"""Least height of a stump, in steps."""
_HEIGHT_SPREAD = 0.1
_LEAST_SPACING = 0.01

Point = tuple[float, float]
Polygon = tuple[Point, ...]
Cloud = tuple[Point, ...]
"""Centres of its puffs."""


@dataclass(frozen=True, slots=True)
class Track:
    """The ground as a line and the obstacles on it."""

    ground: tuple[Point, ...]
    """From left to right; neighbours are joined by an edge."""
    blocks: tuple[Polygon, ...]
    """Four corners each, in the order in which they are built."""


def classic_track(rng: np.random.Generator, hardcore: bool) -> Track:
    """Returns the track of BipedalWalker-v3, or of BipedalWalkerHardcore-v3 with `hardcore`.

    The generator is left where Gymnasium leaves it, before the clouds.
    """
    heights: list[float] = []
    blocks: list[Polygon] = []
    kind, length, first, velocity = _GRASS, STARTPAD, True, 0.0
    while len(heights) < POINTS:
        if kind == _GRASS:
            profile, velocity = _grass(rng, heights, length, velocity, starts=first)
        else:
            profile, new_blocks = _OBSTACLES[kind](rng, len(heights) * STEP, heights[-1])
            blocks += new_blocks
            length = len(profile)
        heights += profile
        if len(heights) > POINTS or len(profile) < length:
            break
        length, first = int(rng.integers(*_GRASS_RUN)), False
        kind = int(rng.integers(_STUMP, _PIT + 1)) if kind == _GRASS and hardcore else _GRASS
    return Track(tuple((i * STEP, y) for i, y in enumerate(heights[:POINTS])), tuple(blocks))


def _grass(
    rng: np.random.Generator, heights: Sequence[float], length: int, velocity: float, starts: bool
) -> tuple[list[float], float]:
    """Returns at most `length` heights that wander around GROUND, and the last slope.

    Except at the start of the track a run repeats the height before it once.
    """
    y = GROUND if starts else heights[-1]
    profile = [] if starts else [y]
    for i in range(len(heights) + len(profile), min(len(heights) + length, POINTS)):
        pull = (y < GROUND) - (y > GROUND)
        velocity = 0.8 * velocity + 0.01 * pull
        if i > STARTPAD:
            velocity += float(rng.uniform(-1, 1)) / SCALE
        y += velocity
        profile.append(y)
    return profile, velocity


def _stump(rng: np.random.Generator, x: float, y: float) -> tuple[list[float], list[Polygon]]:
    """Returns the ground under and the block of a square stump of one or two steps."""
    size = int(rng.integers(1, 3))
    return [y] * size, [_block(x, x + size * STEP, y, y + size * STEP)]


def _stairs(rng: np.random.Generator, x: float, y: float) -> tuple[list[float], list[Polygon]]:
    """Returns the ground and the blocks of three or four stairs up or down."""
    rise = 1 if rng.random() > 0.5 else -1
    # Gymnasium draws the width too, from a range of one value, for which NumPy does not advance the generator.
    stairs = int(rng.integers(3, 5))
    blocks = []
    for i in range(stairs):
        left, right = x + (i * _STAIR_WIDTH) * STEP, x + ((1 + i) * _STAIR_WIDTH) * STEP
        blocks.append(_block(left, right, y + (i * rise) * STEP, y + (-1 + i * rise) * STEP))
    climb = [y + ((i - rise) / _STAIR_WIDTH * rise) * STEP for i in range(1, stairs * _STAIR_WIDTH)]
    return [y, *climb], blocks


def _pit(rng: np.random.Generator, x: float, y: float) -> tuple[list[float], list[Polygon]]:
    """Returns the ground and the two walls of a pit of three or four steps."""
    width = int(rng.integers(3, 5))
    bottom = y - _PIT_DEPTH * STEP
    wall = _block(x, x + STEP, y, bottom)
    far_wall = tuple((corner_x + STEP * width, corner_y) for corner_x, corner_y in wall)
    return [y, *[bottom] * width, y], [wall, far_wall]


def _block(left: float, right: float, near: float, far: float) -> Polygon:
    return (left, near), (right, near), (right, far), (left, far)


_OBSTACLES = {_STUMP: _stump, _STAIRS: _stairs, _PIT: _pit}


def stump_track(rng: np.random.Generator, height: float, spacing: float) -> Track:
    """Returns flat ground with stumps one step wide.

    Each stump is max(0.05, N(height, 0.1)) steps high, and `spacing` world units (at least 0.01) lie
    between two stumps. teachDeepRL lets the ground end at the last obstacle, at times before the
    finish, and builds one edge of length zero at the first stump; here the ground goes on to LENGTH
    and there is no such edge.

    Args:
        rng: draws one height per stump.
        height: mean height in steps, 0 to 3 in the task space.
        spacing: 0 to 6 in the task space.
    """
    spacing = max(_LEAST_SPACING, spacing)
    points, blocks = [0.0], []
    x = STARTPAD * STEP
    while x < LENGTH:
        rise = max(_SMALLEST, float(rng.normal(height, _HEIGHT_SPREAD))) * STEP
        blocks.append(_block(x, x + STEP, GROUND, GROUND + rise))
        points += [x, x + STEP]
        x += STEP + spacing
    if points[-1] < LENGTH:
        points.append(LENGTH)
    return Track(tuple((point, GROUND) for point in points), tuple(blocks))


def clouds(rng: np.random.Generator) -> tuple[Cloud, ...]:
    """Returns ten clouds; draws as many numbers as Gymnasium does here, before those of the walker."""
    draws = rng.random((_CLOUDS, 1 + 2 * _PUFFS)).tolist()
    return tuple(_cloud(place * LENGTH, jitter[:_PUFFS], jitter[_PUFFS:]) for place, *jitter in draws)


def _cloud(x: float, along: Sequence[float], above: Sequence[float]) -> Cloud:
    """Returns a row of puffs around `x`, each shifted by up to half a unit along and above it."""
    return tuple((x + 0.85 * (i - _PUFFS // 2) + along[i] / 2, _CLOUD_HEIGHT + above[i] / 2) for i in range(_PUFFS))
