"""English for what an observation of Meta-World says; names of events, reward factors and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

EVENTS = ("success", "grasped", "near_object")
"""What may newly become true: the goal is met, the gripper holds the object, the gripper is at the object."""
FACTORS = ("grasp_reward", "in_place_reward")
"""The terms of the reward that Meta-World reports; every task combines them in its own way, not by a sum."""
METRICS = ("obj_to_target_final", "success_steps")
"""Distance after the last step, and how many steps of the episode were successful."""

HAND, GRIPPER, OBJECTS, PREVIOUS, GOAL = slice(0, 3), 3, slice(4, 18), slice(18, 36), slice(36, 39)
"""Where the parts of the observation lie; OBJECTS holds two times position (3) and quaternion (4)."""
_OPEN = 0.5
_PRECISION = 0.005


def describe(observation: NDArray[np.float64], info: Mapping[str, Any]) -> str:
    """Returns a few sentences about the hand, the objects and the goal, in centimetres.

    x grows to the right, y away from the robot, z upwards. `observation` is float64 (39,); of `info`
    the entries `success` and `events` are used where they exist. The same input gives the same text.
    """
    hand = observation[HAND]
    opening = float(observation[GRIPPER])
    state = "open" if opening >= _OPEN else "nearly closed"
    sentences = [f"The hand is at {_point(hand)}, its gripper {state} ({opening:.0%})."]
    moved = hand - observation[PREVIOUS][HAND]
    if np.abs(moved).max() >= _PRECISION:
        sentences.append(f"It moved {_direction(moved)}.")
    for name, position in zip(("object", "second object"), _positions(observation), strict=False):
        sentences.append(f"The {name} is at {_point(position)}, {_direction(position - hand)} of the hand.")
    goal = observation[GOAL]
    if goal.any():
        sentences.append(f"The goal is at {_point(goal)}, {_direction(goal - hand)} of the hand.")
    if "grasped" in info.get("events", ()):
        sentences.append("The gripper has just taken hold.")
    if info.get("success"):
        sentences.append("The task is solved.")
    return " ".join(sentences)


def _positions(observation: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Returns the positions of the objects that exist; a missing one is all zeros."""
    return [part[:3] for part in np.split(observation[OBJECTS], 2) if part.any()]


def _point(position: NDArray[np.float64]) -> str:
    x, y, z = (round(100 * float(value)) for value in position)
    return f"x {x}, y {y}, z {z} cm"


def _direction(offset: NDArray[np.float64]) -> str:
    """Returns the offset in words, axes below half a centimetre left out."""
    words = (("right", "left"), ("ahead", "back"), ("up", "down"))
    parts = [
        f"{abs(100 * float(value)):.0f} cm {ways[0] if value > 0 else ways[1]}"
        for value, ways in zip(offset, words, strict=True)
        if abs(value) >= _PRECISION
    ]
    return " and ".join(parts) if parts else "less than half a centimetre"
