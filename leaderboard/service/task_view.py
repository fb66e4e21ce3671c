"""The pages of tasks: what the catalogue knows of them beside the best entries."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from envsuite import families
from envsuite.catalogue import FAMILIES, SUITES, family_of
from envsuite.errors import MissingSimulator
from envsuite.leaderboard.store.views import TaskView
from envsuite.registration import make_env
from envsuite.task import Determinism, Task

DETERMINISM: dict[Determinism, str] = {
    "bitwise": "to the bit, on every machine",
    "build": "to the bit with the same build of the simulator",
    "statistical": "not to the bit: compared by statistics",
}
"""What `Task.deterministic` means to a reader."""


def task_context(task: Task, view: TaskView) -> dict[str, Any]:
    """Returns what `task.html` shows."""
    return {
        "task": task,
        "family": FAMILIES[task.family],
        "view": view,
        "spaces": spaces_of(task.id),
        "determinism": DETERMINISM[task.deterministic],
        "published": published(task.id),
    }


def task_list() -> list[tuple[Any, list[Task]]]:
    """Returns every family with its tasks that may stand on a board."""
    listed = [(family, [task for task in family.tasks if task.scored]) for family in FAMILIES.values()]
    return [(family, tasks) for family, tasks in listed if tasks]


@cache
def spaces_of(task_id: str) -> tuple[tuple[str, str], ...]:
    """Returns both spaces in words; makes the environment once, and says so where its simulator is missing."""
    try:
        env = make_env(task_id)
    except MissingSimulator:
        return (("Spaces", f"known where {family_of(task_id).distribution} is installed"),)
    try:
        return (("Observations", str(env.observation_space)), ("Actions", str(env.action_space)))
    finally:
        env.close()


@cache
def published(task_id: str) -> tuple[dict[str, Any], ...]:
    """Returns the published scores of a task, and of the suites that it belongs to, as its family lists them."""
    source = files(f"{families.__name__}.{family_of(task_id).name}").joinpath("published.toml")
    if not source.is_file():
        return ()
    rows = tomllib.loads(source.read_text(encoding="utf-8")).get("score", [])
    own = [suite.name for suite in SUITES.values() if task_id in suite.task_ids]
    return tuple(row for row in rows if row.get("task") == task_id or row.get("suite") in own)
