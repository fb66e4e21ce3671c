"""Observations of the walker in English: pure functions, the same text for the same numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.families.bipedal.track import VIEW

EVENTS: Mapping[str, str] = {
    "left_contact": "The left foot touches the ground.",
    "right_contact": "The right foot touches the ground.",
    "fell": "The walker has fallen or left the track to the left.",
    "finished": "The walker has reached the end of the track.",
}
"""What the names in `info["events"]` mean."""
FACTORS: Mapping[str, str] = {
    "progress": "gained by moving to the right",
    "posture": "lost by tilting the hull further",
    "torque": "lost by the torque of the motors",
    "fall": "lost by a fall, in place of everything else",
}
"""What the names in `info["factors"]` mean."""
METRICS = ("distance", "progress_fraction", "mastered")
"""World units from the start, their share of the way to the finish, and whether the return is above 230 (0 or 1)."""

_FPS = 50
_LEVEL = 0.1
"""Radians of tilt up to which the hull counts as level."""
_CLEAR = 0.999
_RAY_STEP = 0.15
"""Radians between two lidar rays; the first points straight down."""
_RAY_LENGTH = 160 / 30


def describe(observation: NDArray[np.float32], info: Mapping[str, Any] | None = None) -> str:
    """Returns what an observation of 24 numbers says, in a few short sentences.

    Args:
        observation: float32 (24,), as the environment returns it.
        info: adds what has just happened and, on the stump track, which stumps stand there.
    """
    values = [float(value) for value in observation]
    sentences = [_hull(values), _leg("Left", values[4:9]), _leg("Right", values[9:14]), _ahead(values[14:24])]
    if info is not None:
        stumps = info.get("task")
        if stumps is not None:
            sentences.append(f"Stumps are about {stumps[0]:.1f} steps high and {stumps[1]:.1f} units apart.")
        sentences += [EVENTS[name] for name in info.get("events", ())]
    return " ".join(sentences)


def _hull(values: list[float]) -> str:
    angle = values[0]
    posture = "level" if abs(angle) <= _LEVEL else f"tilted {abs(angle):.1f} rad {'back' if angle > 0 else 'forward'}"
    speed_x, speed_y = (value * _FPS / 0.3 / extent for value, extent in zip(values[2:4], VIEW, strict=True))
    return f"The hull is {posture} and moves at {_number(speed_x)} units/s forward and {_number(speed_y)} up."


def _leg(side: str, leg: list[float]) -> str:
    hip, _, knee, _, contact = leg
    place = "on the ground" if contact else "in the air"
    return f"{side} leg {place}, hip {_number(hip)} rad, knee {_number(knee - 1.0)} rad."


def _ahead(lidar: list[float]) -> str:
    below = f"Ground {lidar[0] * _RAY_LENGTH:.1f} units below"
    flat_ground = lidar[0]
    # A ray over flat ground ends at the height of the first one; the first that is shorter meets an obstacle.
    for i, fraction in enumerate(lidar[1:], start=1):
        drop = fraction * math.cos(i * _RAY_STEP)
        if fraction < _CLEAR and drop < 0.9 * flat_ground:
            distance = fraction * math.sin(i * _RAY_STEP) * _RAY_LENGTH
            return f"{below}, higher ground {distance:.1f} units ahead."
    return f"{below}, no higher ground in sight."


def _number(value: float) -> str:
    # Adding 0.0 turns a rounded minus zero into zero.
    return f"{round(value, 1) + 0.0:.1f}"
