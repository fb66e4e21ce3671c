"""The bipedal tasks: the walker's three tracks."""

from __future__ import annotations

from typing import Any

from envsuite.references import references
from envsuite.task import Task

_ENTRY_POINT = "envsuite.families.bipedal.env:BipedalEnv"
_ROWS: tuple[tuple[str, str, int, frozenset[str]], ...] = (
    (
        "flat",
        "Walk to the right end of a slightly uneven track, with little torque and without falling.",
        1600,
        frozenset({"quick", "core"}),
    ),
    (
        "hardcore",
        "Walk to the right end of a track with stumps, stairs and pits, without falling.",
        2000,
        frozenset({"core"}),
    ),
    (
        "stumps",
        "Walk over stumps of a given mean height and spacing to the right end of the track, without falling.",
        2000,
        frozenset({"quick", "core", "parameters"}),
    ),
)
_COMMON: dict[str, Any] = {
    "entry_point": _ENTRY_POINT,
    "metric": "return",
    # No step gains so much that a bound could be proven; the fall is the worst step.
    "reward_range": (-100.0, float("inf")),
    # The same Box2D binary: its float32 arithmetic and the sines of libm differ between builds.
    "deterministic": "build",
}

TASKS: tuple[Task, ...] = tuple(
    Task(
        id=f"envsuite/bipedal-{track}-v1",
        goal=goal,
        kwargs={"track": track},
        max_episode_steps=limit,
        tags=tags | {"continuous", "procedural", "vector"},
        **_COMMON,
        **references(__package__, f"envsuite/bipedal-{track}-v1"),
    )
    for track, goal, limit, tags in _ROWS
)
"""Every task of the family."""
