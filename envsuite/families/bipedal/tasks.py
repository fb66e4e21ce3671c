"""The bipedal tasks: the walker's three tracks."""

from __future__ import annotations

from envsuite.references import references
from envsuite.task import Task, format_id

_Row = tuple[str, int, frozenset[str]]
_ROWS: dict[str, _Row] = {
    "flat": (
        "Walk to the right end of a slightly uneven track, with little torque and without falling.",
        1600,
        frozenset({"quick", "core"}),
    ),
    "hardcore": (
        "Walk to the right end of a track with stumps, stairs and pits, without falling.",
        2000,
        frozenset({"core"}),
    ),
    "stumps": (
        "Walk over stumps of a given mean height and spacing to the right end of the track, without falling.",
        2000,
        frozenset({"quick", "core", "parameters"}),
    ),
}


def _task(track: str, goal: str, limit: int, tags: frozenset[str]) -> Task:
    task_id = format_id("bipedal", track)
    return Task(
        id=task_id,
        goal=goal,
        entry_point="envsuite.families.bipedal.env:BipedalEnv",
        kwargs={"track": track},
        max_episode_steps=limit,
        metric="return",
        # No step gains so much that a bound could be proven; the fall is the worst step.
        reward_range=(-100.0, float("inf")),
        # The same Box2D binary: its float32 arithmetic and the sines of libm differ between builds.
        deterministic="build",
        tags=tags | {"continuous", "procedural", "vector"},
        **references(__package__, task_id),
    )


TASKS: tuple[Task, ...] = tuple(_task(track, *row) for track, row in _ROWS.items())
"""Every task of the family."""
