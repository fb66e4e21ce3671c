"""Crafter's two tasks: with its reward, and without any."""

from __future__ import annotations

from envsuite.references import references
from envsuite.task import Task, format_id


def _task(name: str, *, goal: str, reward: bool, reward_range: tuple[float, float], tags: frozenset[str]) -> Task:
    task_id = format_id("crafter", name)
    return Task(
        id=task_id,
        goal=goal,
        entry_point="envsuite.families.crafter.env:CrafterEnv",
        kwargs={"reward": reward},
        max_episode_steps=10_000,
        metric="crafter_score",
        reward_range=reward_range,
        deterministic="bitwise",
        snapshots=True,
        tags=frozenset({"quick", "core", "pixels", "discrete", "procedural", "survival"}) | tags,
        **references(__package__, task_id),
    )


TASKS: tuple[Task, ...] = (
    _task(
        "reward",
        goal="Survive in a world of forests, caves and monsters, and unlock as many of the 22 achievements as you can.",
        reward=True,
        # All nine health points may go at once; an achievement and a healed point may come together.
        reward_range=(-0.9, 1.1),
        tags=frozenset(),
    ),
    _task(
        "noreward",
        goal="Explore a world of forests, caves and monsters without any reward; its 22 achievements are the score.",
        reward=False,
        reward_range=(0.0, 0.0),
        tags=frozenset({"reward-free"}),
    ),
)
"""Every task of the family."""
