"""Battles as tasks: SMAC's scenarios, and SMACv2's random ones."""

from __future__ import annotations

import dataclasses

from envsuite.families.starcraft2.engine.battles import SMAC, Battle
from envsuite.families.starcraft2.teams.random import VARIANTS
from envsuite.references import references
from envsuite.task import Task, format_id

EVENTS = ("enemy_killed", "unit_lost", "won", "lost")
"""The family's events that a battle knows."""
FACTORS = ("kills", "damage", "win")
"""The family's factors that a shaped reward consists of; a sparse one is `win` alone."""
_CORE = "3m"
"""The battle that `core-v1` holds."""
BEST_RETURN = 20.0
_RANGES = {"shaped": (0.0, BEST_RETURN), "sparse": (-1.0, 1.0)}
_PACKAGE = (__package__ or "").rpartition(".")[0]
_PLURALS = {"Zealot": "zealots", "SpineCrawler": "spine crawlers", "Colossus": "colossi"}


def smac_tasks() -> tuple[Task, ...]:
    """Returns SMAC's scenarios as tasks, `starcraft2-sim-smac-<scenario>-v1`."""
    return tuple(
        _task(
            f"sim-smac-{battle.name}",
            battle.name,
            _goal(battle),
            battle.limit,
            *(("core",) if battle.name == _CORE else ()),
        )
        for battle in SMAC.values()
    )


def smacv2_tasks() -> tuple[Task, ...]:
    """Returns SMACv2's random battles as tasks, `starcraft2-sim-smacv2-<race>-<n>-vs-<m>-v1`."""
    return tuple(
        _task(
            f"sim-smacv2-{variant.name}",
            variant.name,
            f"Win a battle of {variant.allies} random units against {variant.enemies}, from random places.",
            variant.limit,
            "procedural",
        )
        for variant in VARIANTS.values()
    )


def ranged(task: Task, reward: str) -> Task:
    """Returns the task with the range that a step's reward has."""
    return dataclasses.replace(task, reward_range=_RANGES[reward])


def _task(name: str, scenario: str, goal: str, limit: int, *tags: str) -> Task:
    task_id = format_id("starcraft2", name)
    return Task(
        id=task_id,
        goal=goal,
        entry_point="envsuite.families.starcraft2.teams.central:BattleEnv",
        kwargs={"scenario": scenario},
        max_episode_steps=limit,
        metric="success_rate",
        reward_range=_RANGES["shaped"],
        deterministic="bitwise",
        snapshots=True,
        tags=frozenset({"discrete", "multi-agent", "simulator", "smac", *tags}),
        **references(_PACKAGE, task_id),
    )


def _goal(battle: Battle) -> str:
    return f"Win a battle with a team of {_listed(battle.allies)} against {_listed(battle.enemies)}."


def _listed(groups: tuple[tuple[tuple[float, float], str, int], ...]) -> str:
    counts: dict[str, int] = {}
    for _, name, count in groups:
        counts[name] = counts.get(name, 0) + count
    parts = [f"{count} {_title(name, count)}" for name, count in counts.items()]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _title(name: str, count: int) -> str:
    plural = _PLURALS.get(name, f"{name.lower()}s")
    if count > 1:
        return plural
    return "spine crawler" if name == "SpineCrawler" else name.lower()
