"""The space of reset vectors: a box without the part in which object and goal are too close together."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

MIN_DISTANCES = {
    "assembly": 0.1,
    "basketball": 0.15,
    "box-close": 0.25,
    "coffee-pull": 0.15,
    "coffee-push": 0.15,
    "disassemble": 0.1,
    "hand-insert": 0.15,
    "peg-insert-side": 0.1,
    "pick-out-of-hole": 0.15,
    "pick-place": 0.15,
    "pick-place-wall": 0.15,
    "push": 0.15,
    "push-back": 0.15,
    "push-wall": 0.15,
    "reach": 0.15,
    "reach-wall": 0.15,
    "shelf-place": 0.1,
    "soccer": 0.15,
    "stick-pull": 0.1,
    "stick-push": 0.1,
    "sweep-into": 0.15,
}
"""Metres in the plane of the table below which upstream draws again, by task; the others take every vector."""
FIXED_GOALS = {"sweep-into": (0.0, 0.84)}
"""Where the distance is measured to a goal that the vector does not move."""


class ResetSpace(spaces.Box):
    """Reset vectors, float64 (3,) or (6,) in metres: where the object and, of six numbers, the goal are placed."""

    def __init__(self, low: NDArray[np.float64], high: NDArray[np.float64], name: str) -> None:
        """Creates the space of a task.

        Args:
            low: the least vector.
            high: the greatest vector.
            name: the task, as in `MIN_DISTANCES`.
        """
        super().__init__(low, high, dtype=np.float64)
        self.min_distance = MIN_DISTANCES.get(name, 0.0)
        """Metres that object and goal are apart at least, seen from above."""
        self._fixed_goal = np.array(FIXED_GOALS[name]) if name in FIXED_GOALS else None

    def draw(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Returns a member, uniformly distributed; takes the numbers from `rng` that upstream takes."""
        while True:
            vector = rng.uniform(self.low, self.high, size=self.low.size)
            if self._far_enough(vector):
                return vector

    def sample(self, mask: None = None, probability: None = None) -> NDArray[np.float64]:
        """Returns a member, uniformly distributed, from the space's own generator."""
        if mask is not None or probability is not None:
            raise ValueError("mask, probability: expected None, a box takes neither")
        return self.draw(self.np_random)

    def contains(self, x: Any) -> bool:
        """Returns whether `x` lies between the bounds, and object and goal far enough apart."""
        return bool(super().contains(x)) and self._far_enough(np.asarray(x))

    def __repr__(self) -> str:
        return f"ResetSpace({self.low}, {self.high}, min_distance={self.min_distance})"

    def _far_enough(self, vector: NDArray[np.float64]) -> bool:
        if not self.min_distance:
            return True
        goal = vector[3:5] if self._fixed_goal is None else self._fixed_goal
        return not np.linalg.norm(vector[:2] - goal) < self.min_distance
