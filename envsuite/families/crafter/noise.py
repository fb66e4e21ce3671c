"""OpenSimplex noise in three dimensions on whole arrays, bit for bit what the scalar algorithm gives.

The algorithm (Kurt Spencer, public domain) sums, for each point, kernels `max(0, 2 - |d|^2)^4 * (g . d)`
over the vertices of the simplectic honeycomb around it: the corners of the cell that it lies in and two
vertices of a neighbouring cell, chosen by which corners are closest. Upstream evaluates it point by point
in Python, which is nearly the whole cost of a reset. Here the choice of vertices is a table, and the
order of the floating-point operations is kept.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STRETCH = -1.0 / 6
SQUISH = 1.0 / 3
SCALE = 103
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
_LCG = (6364136223846793005, 1442695040888963407)

# The corners of each cell, in the order in which they are summed; the last rows of the tetrahedra pad.
_CORNERS = np.array(
    [
        [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0), (0, 0, 0)],
        [(1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1), (0, 0, 0), (0, 0, 0)],
        [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1)],
    ],
    np.int64,
)
_CORNER_COUNT = np.array([4, 4, 6])
_LOW, _HIGH, _OCTAHEDRON = range(3)

# Keys of the table of further vertices: a base for the case plus the bit sets of the closest corners.
_LOW_ORIGIN, _LOW_PAIR, _HIGH_ORIGIN, _HIGH_PAIR, _BOTH_FAR, _BOTH_NEAR, _MIXED = 0, 8, 16, 24, 32, 40, 64


class _Vertices(NamedTuple):
    """For each key, two vertices: offset = early + late, subtracted before and after the squish."""

    early: Ints
    late: Ints


def _further_vertices() -> _Vertices:
    table = _Vertices(np.zeros((128, 2, 3), np.int64), np.zeros((128, 2, 3), np.int64))
    for axis in range(3):
        one = np.eye(3, dtype=np.int64)[axis]
        single, pair = 1 << axis, 7 - (1 << axis)
        first, second = (other for other in range(3) if other != axis)
        table.early[_LOW_PAIR + pair] = [1 - one, 1 - 2 * one]
        for slot, other in enumerate((first, second)):
            table.early[_LOW_ORIGIN + single, slot] = one - np.eye(3, dtype=np.int64)[other]
            far = (1 - one) + np.eye(3, dtype=np.int64)[other]
            # Along y the scalar algorithm takes the second step only after the squish.
            late = np.where((far == 2) & (np.arange(3) == 1), 1, 0)
            table.early[_HIGH_ORIGIN + pair, slot], table.late[_HIGH_ORIGIN + pair, slot] = far - late, late
        table.early[_HIGH_PAIR + single] = [one, 2 * one]
        table.early[_BOTH_FAR + single] = [np.ones(3, np.int64), 2 * one]
        table.early[_BOTH_NEAR + pair] = [np.zeros(3, np.int64), 1 - 2 * one]
        for near in range(3):
            key = _MIXED + 8 * pair + (1 << near)
            table.early[key, 0] = 1 - 2 * one
            table.late[key, 1] = 2 * np.eye(3, dtype=np.int64)[near]
    return table


_FURTHER = _further_vertices()


class SimplexNoise:
    """Three-dimensional noise of one seed, values in about [-1, 1]."""

    def __init__(self, seed: int) -> None:
        permutation = _permutation(seed)
        self._permutation = permutation
        self._gradient = permutation % len(GRADIENTS)

    def __call__(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """Returns the noise at each point; three float64 arrays of the same shape (n,)."""
        point = np.stack([x, y, z])
        stretched = point + (x + y + z) * STRETCH
        cell = np.floor(stretched)
        # The corner sums are small integers, exact in float64.
        origin = point - (cell + (cell[0] + cell[1] + cell[2]) * SQUISH)
        inside = stretched - cell
        lattice = cell.astype(np.int64)
        total = inside[0] + inside[1] + inside[2]
        region = np.where(total <= 1, _LOW, np.where(total >= 2, _HIGH, _OCTAHEDRON))
        value = np.zeros_like(x)
        for slot in range(_CORNERS.shape[1]):
            used = slice(None) if slot < 4 else np.flatnonzero(region == _OCTAHEDRON)
            offset = _CORNERS[region[used], slot].T
            value[used] += self._kernel(origin[:, used], lattice[:, used], offset, None)
        key = _keys(inside, total, region)
        for slot in range(2):
            value += self._kernel(origin, lattice, _FURTHER.early[key, slot].T, _FURTHER.late[key, slot].T)
        return value / SCALE

    def _kernel(self, origin: Floats, lattice: Ints, early: Ints, late: Ints | None) -> Floats:
        """Returns the contribution of the vertex at `early + late` from each cell's origin."""
        offset = early if late is None else early + late
        delta = origin - early - offset.sum(axis=0) * SQUISH
        if late is not None:
            delta -= late
        x, y, z = delta
        weight = 2 - x * x - y * y - z * z
        np.maximum(weight, 0.0, out=weight)
        weight *= weight
        xi, yi, zi = lattice + offset
        hashed = self._permutation[(self._permutation[xi & 0xFF] + yi) & 0xFF]
        gx, gy, gz = GRADIENTS[self._gradient[(hashed + zi) & 0xFF]].T
        contribution: Floats = weight * weight * (gx * x + gy * y + gz * z)
        return contribution


def _permutation(seed: int) -> Ints:
    """Returns the permutation of 0..255 that the seed's linear congruential generator shuffles."""

    def advance(state: int) -> int:
        state = (state * _LCG[0] + _LCG[1]) & (2**64 - 1)
        return state - 2**64 if state >= 2**63 else state

    state = advance(advance(advance(seed)))
    source = list(range(256))
    permutation = np.zeros(256, np.int64)
    for index in range(255, -1, -1):
        state = advance(state)
        drawn = (state + 31) % (index + 1)
        permutation[index] = source[drawn]
        source[drawn] = source[index]
    return permutation


def _keys(inside: Floats, total: Floats, region: Ints) -> Ints:
    """Returns the row of `_FURTHER` for each point."""
    key = np.empty(len(total), np.int64)
    for which, function in ((_LOW, _low_keys), (_HIGH, _high_keys), (_OCTAHEDRON, _octahedron_keys)):
        members = np.flatnonzero(region == which)
        key[members] = function(inside[:, members], total[members])
    return key


def _low_keys(inside: Floats, total: Floats) -> Ints:
    """Returns the keys in the tetrahedron at (0, 0, 0): by the closest two of its four corners."""
    x, y, z = inside
    replaces_b = (x >= y) & (z > y)
    replaces_a = (x < y) & (z > x)
    a_score, a = np.where(replaces_a, z, x), np.where(replaces_a, 4, 1)
    b_score, b = np.where(replaces_b, z, y), np.where(replaces_b, 4, 2)
    rest = 1 - total
    closest = np.where(b_score > a_score, b, a)
    return np.where((rest > a_score) | (rest > b_score), _LOW_ORIGIN + closest, _LOW_PAIR + (a | b))


def _high_keys(inside: Floats, total: Floats) -> Ints:
    """Returns the keys in the tetrahedron at (1, 1, 1): by the closest two of its four corners."""
    x, y, z = inside
    replaces_b = (x <= y) & (z < y)
    replaces_a = (x > y) & (z < x)
    a_score, a = np.where(replaces_a, z, x), np.where(replaces_a, 3, 6)
    b_score, b = np.where(replaces_b, z, y), np.where(replaces_b, 3, 5)
    rest = 3 - total
    closest = np.where(b_score < a_score, b, a)
    return np.where((rest < a_score) | (rest < b_score), _HIGH_ORIGIN + closest, _HIGH_PAIR + (a & b))


def _octahedron_keys(inside: Floats, total: Floats) -> Ints:
    """Returns the keys in the octahedron: by its closest two corners and the side each lies on."""
    del total
    x, y, z = inside
    sums = (x + y, x + z, y + z)
    far = [value > 1 for value in sums]
    a_score, b_score, score = (np.where(side, value - 1, 1 - value) for side, value in zip(far, sums, strict=True))
    replaces_a = (a_score <= b_score) & (a_score < score)
    replaces_b = (a_score > b_score) & (b_score < score)
    third = np.where(far[2], 6, 1)
    a = np.where(replaces_a, third, np.where(far[0], 3, 4))
    b = np.where(replaces_b, third, np.where(far[1], 5, 2))
    a_far = np.where(replaces_a, far[2], far[0])
    b_far = np.where(replaces_b, far[2], far[1])
    mixed = _MIXED + 8 * np.where(a_far, a, b) + np.where(a_far, b, a)
    return np.where(a_far & b_far, _BOTH_FAR + (a & b), np.where(a_far | b_far, mixed, _BOTH_NEAR + (a | b)))
