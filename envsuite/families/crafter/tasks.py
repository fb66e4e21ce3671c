"""Crafter's tasks: on pictures with its reward and without any, and on symbols and text."""

from __future__ import annotations

from envsuite.references import references
from envsuite.task import Task, format_id

_GOAL = "Survive in a world of forests, caves and monsters, and unlock as many of the 22 achievements as you can."
_REWARDS = (-0.9, 1.1)
"""All nine health points may go at once; an achievement and a healed point may come together."""


def _task(name: str, *, goal: str = _GOAL, reward: bool = True, observe: str = "pixels", tags: frozenset[str]) -> Task:
    task_id = format_id("crafter", name)
    return Task(
        id=task_id,
        goal=goal,
        entry_point="envsuite.families.crafter.env:CrafterEnv",
        kwargs={"reward": reward, "observe": observe},
        max_episode_steps=10_000,
        metric="crafter_score",
        reward_range=_REWARDS if reward else (0.0, 0.0),
        deterministic="bitwise",
        snapshots=True,
        tags=frozenset({"discrete", "procedural", "survival"}) | tags,
        **references(__package__, task_id),
    )


TASKS: tuple[Task, ...] = (
    _task("reward", tags=frozenset({"quick", "core", "pixels"})),
    _task(
        "noreward",
        goal="Explore a world of forests, caves and monsters without any reward; its 22 achievements are the score.",
        reward=False,
        tags=frozenset({"quick", "core", "pixels", "reward-free"}),
    ),
    _task("symbolic", observe="symbols", tags=frozenset({"symbolic"})),
    _task("text", observe="text", tags=frozenset({"text", "language"})),
)
"""Every task of the family."""
