"""OpenSimplex noise in three dimensions, bit for bit what the `opensimplex` package gives.

The algorithm (Kurt Spencer, public domain) sums, for each point, kernels `max(0, 2 - |d|^2)^4 * (g . d)`
over the vertices of the simplectic honeycomb around it: the corners of the cell that it lies in and two
vertices of a neighbouring cell, chosen by which corners are closest. Here that choice is a table; the order of
the floating-point operations is the package's.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envsuite.families.crafter.engine.compiled import inlined, kernel

STRETCH = -1.0 / 6
SQUISH = 1.0 / 3
SCALE = 103.0
_OCTANTS = ((-1, 1, 1), (1, 1, 1), (-1, -1, 1), (1, -1, 1), (-1, 1, -1), (1, 1, -1), (-1, -1, -1), (1, -1, -1))
GRADIENTS = np.array(
    [
        [sign * (11 if axis == long else 4) for axis, sign in enumerate(octant)]
        for octant in _OCTANTS
        for long in range(3)
    ],
    np.float64,
)
"""The 24 directions to the vertices of a rhombicuboctahedron."""
_LCG_MULTIPLIER, _LCG_INCREMENT = np.int64(6364136223846793005), np.int64(1442695040888963407)

# Keys of the table of further vertices: a base for the case plus the bit sets of the closest corners.
_LOW_ORIGIN, _LOW_PAIR, _HIGH_ORIGIN, _HIGH_PAIR, _BOTH_FAR, _BOTH_NEAR, _MIXED = 0, 8, 16, 24, 32, 40, 64


def _further_vertices() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns, for each key, two vertices as offset = early + late, subtracted before and after the squish."""
    all_early, all_late = np.zeros((128, 2, 3), np.int64), np.zeros((128, 2, 3), np.int64)
    for axis in range(3):
        one = np.eye(3, dtype=np.int64)[axis]
        single, pair = 1 << axis, 7 - (1 << axis)
        first, second = (other for other in range(3) if other != axis)
        all_early[_LOW_PAIR + pair] = [1 - one, 1 - 2 * one]
        for slot, other in enumerate((first, second)):
            all_early[_LOW_ORIGIN + single, slot] = one - np.eye(3, dtype=np.int64)[other]
            far = (1 - one) + np.eye(3, dtype=np.int64)[other]
            # Along y the package takes the second step only after the squish.
            late = np.where((far == 2) & (np.arange(3) == 1), 1, 0)
            all_early[_HIGH_ORIGIN + pair, slot], all_late[_HIGH_ORIGIN + pair, slot] = far - late, late
        all_early[_HIGH_PAIR + single] = [one, 2 * one]
        all_early[_BOTH_FAR + single] = [np.ones(3, np.int64), 2 * one]
        all_early[_BOTH_NEAR + pair] = [np.zeros(3, np.int64), 1 - 2 * one]
        for near in range(3):
            key = _MIXED + 8 * pair + (1 << near)
            all_early[key, 0] = 1 - 2 * one
            all_late[key, 1] = 2 * np.eye(3, dtype=np.int64)[near]
    return all_early, all_late


_EARLY, _LATE = _further_vertices()
_EARLY_STEP, _LATE_STEP = _EARLY.astype(np.float64), _LATE.astype(np.float64)
_LATTICE_STEP = _EARLY + _LATE
_SHIFT = _LATTICE_STEP.sum(axis=2) * SQUISH
_SHIFT_1, _SHIFT_2, _SHIFT_3 = SQUISH, 2 * SQUISH, 3 * SQUISH


class Lattice(NamedTuple):
    """A seed's shuffle of the lattice, and the gradient at each place of it."""

    permutation: Any
    """uint8 (256,)"""
    gradients: Any
    """float64 (256, 3)"""
    source: Any
    """Scratch, uint8 (256,)."""


def allocate_lattice() -> Lattice:
    """Returns the memory of a lattice."""
    return Lattice(np.zeros(256, np.uint8), np.zeros((256, 3)), np.zeros(256, np.uint8))


@kernel
def shuffle(lattice: Lattice, seed: int) -> None:
    """Makes the lattice that the seed's linear congruential generator shuffles."""
    state = np.int64(seed)
    for _ in range(3):
        state = state * _LCG_MULTIPLIER + _LCG_INCREMENT
    source = lattice.source
    for index in range(256):
        source[index] = index
    for index in range(255, -1, -1):
        state = state * _LCG_MULTIPLIER + _LCG_INCREMENT
        count = np.int64(index + 1)
        drawn = (state % count + 31) % count
        value = source[drawn]
        lattice.permutation[index] = value
        for axis in range(3):
            lattice.gradients[index, axis] = GRADIENTS[value % 24, axis]
        source[drawn] = source[index]


@inlined
def _hashed(permutation: Any, index: int) -> Any:
    return np.int64(permutation[index & 255])


@inlined
def _kernel(gradients: Any, dx: float, dy: float, dz: float, place: int) -> float:
    """Returns what a vertex whose gradient is at `place` adds at the distance (dx, dy, dz)."""
    weight = 2.0 - dx * dx - dy * dy - dz * dz
    if weight <= 0.0:
        return 0.0
    weight *= weight
    at = place & 255
    return weight * weight * (gradients[at, 0] * dx + gradients[at, 1] * dy + gradients[at, 2] * dz)


@inlined
def noise(lattice: Lattice, x: float, y: float, z: float) -> float:
    """Returns the noise at a point, about -0.9 to 0.9.

    The corners of the three kinds of cell are written out: 30 ns a point, against 42 from a table of corners.
    """
    permutation, gradients = lattice.permutation, lattice.gradients
    stretch = (x + y + z) * STRETCH
    stretched_x, stretched_y, stretched_z = x + stretch, y + stretch, z + stretch
    cell_x, cell_y, cell_z = math.floor(stretched_x), math.floor(stretched_y), math.floor(stretched_z)
    squish = (cell_x + cell_y + cell_z) * SQUISH
    ox, oy, oz = x - (cell_x + squish), y - (cell_y + squish), z - (cell_z + squish)
    inside_x, inside_y, inside_z = stretched_x - cell_x, stretched_y - cell_y, stretched_z - cell_z
    total = inside_x + inside_y + inside_z
    xi, yi, zi = np.int64(cell_x), np.int64(cell_y), np.int64(cell_z)
    at_0, at_1 = _hashed(permutation, xi) + yi, _hashed(permutation, xi + 1) + yi
    at_00, at_01 = _hashed(permutation, at_0) + zi, _hashed(permutation, at_0 + 1) + zi
    at_10, at_11 = _hashed(permutation, at_1) + zi, _hashed(permutation, at_1 + 1) + zi
    near_x, near_y, near_z = ox - _SHIFT_1, oy - _SHIFT_1, oz - _SHIFT_1
    mid_x, mid_y, mid_z = ox - _SHIFT_2, oy - _SHIFT_2, oz - _SHIFT_2
    step_x, step_y, step_z = ox - 1.0, oy - 1.0, oz - 1.0
    value = 0.0
    if total <= 1.0:
        key = _low_key(inside_x, inside_y, inside_z, total)
        value += _kernel(gradients, ox, oy, oz, at_00)
        value += _kernel(gradients, step_x - _SHIFT_1, near_y, near_z, at_10)
        value += _kernel(gradients, near_x, step_y - _SHIFT_1, near_z, at_01)
        value += _kernel(gradients, near_x, near_y, step_z - _SHIFT_1, at_00 + 1)
    elif total >= 2.0:
        key = _high_key(inside_x, inside_y, inside_z, total)
        value += _kernel(gradients, step_x - _SHIFT_2, step_y - _SHIFT_2, mid_z, at_11)
        value += _kernel(gradients, step_x - _SHIFT_2, mid_y, step_z - _SHIFT_2, at_10 + 1)
        value += _kernel(gradients, mid_x, step_y - _SHIFT_2, step_z - _SHIFT_2, at_01 + 1)
        value += _kernel(gradients, step_x - _SHIFT_3, step_y - _SHIFT_3, step_z - _SHIFT_3, at_11 + 1)
    else:
        key = _middle_key(inside_x, inside_y, inside_z)
        value += _kernel(gradients, step_x - _SHIFT_1, near_y, near_z, at_10)
        value += _kernel(gradients, near_x, step_y - _SHIFT_1, near_z, at_01)
        value += _kernel(gradients, near_x, near_y, step_z - _SHIFT_1, at_00 + 1)
        value += _kernel(gradients, step_x - _SHIFT_2, step_y - _SHIFT_2, mid_z, at_11)
        value += _kernel(gradients, step_x - _SHIFT_2, mid_y, step_z - _SHIFT_2, at_10 + 1)
        value += _kernel(gradients, mid_x, step_y - _SHIFT_2, step_z - _SHIFT_2, at_01 + 1)
    for further in range(2):
        shift = _SHIFT[key, further]
        at = _hashed(permutation, xi + _LATTICE_STEP[key, further, 0]) + yi + _LATTICE_STEP[key, further, 1]
        value += _kernel(
            gradients,
            ox - _EARLY_STEP[key, further, 0] - shift - _LATE_STEP[key, further, 0],
            oy - _EARLY_STEP[key, further, 1] - shift - _LATE_STEP[key, further, 1],
            oz - _EARLY_STEP[key, further, 2] - shift - _LATE_STEP[key, further, 2],
            _hashed(permutation, at) + zi + _LATTICE_STEP[key, further, 2],
        )
    return value / SCALE


@inlined
def _low_key(x: float, y: float, z: float, total: float) -> int:
    """Returns the key in the tetrahedron at (0, 0, 0): by the closest two of its four corners."""
    a_score, a, b_score, b = x, 1, y, 2
    if x >= y and z > y:
        b_score, b = z, 4
    elif x < y and z > x:
        a_score, a = z, 4
    rest = 1.0 - total
    if rest > a_score or rest > b_score:
        return _LOW_ORIGIN + (b if b_score > a_score else a)
    return _LOW_PAIR + (a | b)


@inlined
def _high_key(x: float, y: float, z: float, total: float) -> int:
    """Returns the key in the tetrahedron at (1, 1, 1): by the closest two of its four corners."""
    a_score, a, b_score, b = x, 6, y, 5
    if x <= y and z < y:
        b_score, b = z, 3
    elif x > y and z < x:
        a_score, a = z, 3
    rest = 3.0 - total
    if rest < a_score or rest < b_score:
        return _HIGH_ORIGIN + (b if b_score < a_score else a)
    return _HIGH_PAIR + (a & b)


@inlined
def _middle_key(x: float, y: float, z: float) -> int:
    """Returns the key in the octahedron: by its closest two corners and the side each lies on."""
    a_score, a, a_far = x + y, 4, False
    if a_score > 1.0:
        a_score, a, a_far = a_score - 1.0, 3, True
    else:
        a_score = 1.0 - a_score
    b_score, b, b_far = x + z, 2, False
    if b_score > 1.0:
        b_score, b, b_far = b_score - 1.0, 5, True
    else:
        b_score = 1.0 - b_score
    score, third, third_far = y + z, 1, False
    if score > 1.0:
        score, third, third_far = score - 1.0, 6, True
    else:
        score = 1.0 - score
    if a_score <= b_score and a_score < score:
        a, a_far = third, third_far
    elif a_score > b_score and b_score < score:
        b, b_far = third, third_far
    if a_far and b_far:
        return _BOTH_FAR + (a & b)
    if not a_far and not b_far:
        return _BOTH_NEAR + (a | b)
    far, near = (a, b) if a_far else (b, a)
    return _MIXED + 8 * far + near
