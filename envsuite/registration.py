"""Registers every task with Gymnasium; nothing is imported until an environment is made."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from typing import Any

import gymnasium

from envsuite.catalogue import TASKS, family_of, get_task
from envsuite.env import TaskEnv
from envsuite.errors import MissingSimulator
from envsuite.task import Family, Task


def register_all() -> None:
    """Registers every task of the catalogue; a second call changes nothing.

    Gymnasium's own wrappers stay off: TimeLimit would truncate a step that also terminates, and the
    passive checker would turn `InvalidAction` into an AssertionError. `TaskEnv` does both jobs.
    """
    for task_id in TASKS:
        if task_id not in gymnasium.registry:
            gymnasium.register(
                id=task_id,
                entry_point="envsuite.registration:make_env",
                vector_entry_point="envsuite.vector:make_vec",
                kwargs={"task_id": task_id},
                nondeterministic=TASKS[task_id].deterministic == "statistical",
                order_enforce=False,
                disable_env_checker=True,
            )


def make_env(task_id: str, render_mode: str | None = None, **kwargs: Any) -> TaskEnv:
    """Returns the bare environment of a task; what `gymnasium.make` calls.

    Raises `UnknownName` for an unknown id and `MissingSimulator` when its simulator is not installed.
    """
    task = get_task(task_id)
    family = family_of(task.id)
    require_simulator(family)
    module_name, _, class_name = task.entry_point.partition(":")
    env_class = getattr(importlib.import_module(module_name), class_name)
    env: TaskEnv = env_class(task=task, family=family, render_mode=render_mode, **{**task.kwargs, **kwargs})
    return env


def missing_modules(family: Family) -> list[str]:
    """Returns the modules of the family's simulator that cannot be found, without importing them."""
    return [name for name in family.modules if importlib.util.find_spec(name) is None]


def simulator_version(family: Family) -> str | None:
    """Returns the version of the family's simulator as it is installed here, None where it is not."""
    if family.identify is not None:
        module_name, _, function = family.identify.partition(":")
        return getattr(importlib.import_module(module_name), function)() or None
    try:
        return importlib.metadata.version(family.distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def simulator_of(task: Task) -> tuple[str, str | None]:
    """Returns the name of what plays a task, and its version here, None where it is not installed."""
    if task.simulator is None:
        family = family_of(task.id)
        return family.distribution, simulator_version(family)
    name, _, entry_point = task.simulator.partition("=")
    module_name, _, function = entry_point.partition(":")
    return name, getattr(importlib.import_module(module_name), function)() or None


def install_command(family: Family) -> str:
    """Returns the one command that brings the family's simulator."""
    return f'pip install "envsuite[{family.extra}]"'


def require_simulator(family: Family) -> None:
    """Raises `MissingSimulator` with the command that installs the simulator, if it is missing."""
    missing = missing_modules(family)
    if missing:
        raise MissingSimulator(
            f"{family.title} is not installed (no module {', '.join(missing)}); run: {install_command(family)}"
        )
