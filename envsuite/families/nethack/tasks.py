"""NetHack's tasks as data.

`deterministic` is "build": the engine is C whose compilers may order the evaluation of arguments, and with it
the random draws, differently, so a seed means the same dungeon only under the same binary of nle. The
wall clock, the other known leak, is mended where the binary allows it (see `clock`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from envsuite.references import references
from envsuite.task import Task, format_id


class _Row(NamedTuple):
    goal: str
    tags: tuple[str, ...] = ()
    metric: str = "return"
    reward_range: tuple[float, float] = (float("-inf"), float("inf"))
    max_episode_steps: int = 5000
    kwargs: Mapping[str, Any] = {}


_GOAL_REWARDS = (-0.01, 1.0)
_CHALLENGE = {
    "objective": "score",
    "every_key": True,
    "character": "@",
    "time_penalty": 0.0,
    "no_progress_timeout": 10_000,
}

_ROWS = {
    "score": _Row("Get as high a NetHack score as you can: go deep, fight, find gold.", ("quick", "core")),
    "staircase": _Row(
        "Find a staircase down and step onto it.", ("quick", "core", "goal"), "success_rate", _GOAL_REWARDS
    ),
    "staircase-pet": _Row(
        "Step onto a staircase down while your pet is next to you.", ("goal",), "success_rate", _GOAL_REWARDS
    ),
    "oracle": _Row(
        "Find the Oracle, five to nine levels down, and stand next to her.", ("goal",), "success_rate", _GOAL_REWARDS
    ),
    "gold": _Row("Collect as much gold as you can; it is picked up by walking over it.", ("core",)),
    "eat": _Row(
        "Eat as much as you can without choking: what you carry and what you kill.",
        reward_range=(-0.01, float("inf")),
    ),
    "scout": _Row("See as much of the dungeon as you can, level by level.", ("core",)),
    "challenge": _Row(
        "Play NetHack with the whole keyboard, as a hero drawn at random, for as high a score as you can.",
        ("long",),
        max_episode_steps=1_000_000,
        kwargs=_CHALLENGE,
    ),
}


def _task(name: str, row: _Row) -> Task:
    task_id = format_id("nethack", name)
    return Task(
        id=task_id,
        goal=row.goal,
        entry_point="envsuite.families.nethack.env:NetHackEnv",
        kwargs={"objective": name, **row.kwargs},
        max_episode_steps=row.max_episode_steps,
        metric=row.metric,
        reward_range=row.reward_range,
        deterministic="build",
        tags=frozenset({"discrete", "procedural", *row.tags}),
        **references(__package__, task_id),
    )


TASKS: tuple[Task, ...] = tuple(_task(name, row) for name, row in _ROWS.items())
"""The seven tasks of the NetHack Learning Environment with 23 actions, and the NetHack Challenge with 121."""
