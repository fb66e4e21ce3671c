"""Every family, task and suite, found by name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from envsuite import families
from envsuite.errors import InvalidArgument, unknown_name
from envsuite.suites import make_suites
from envsuite.task import NAMESPACE, Family, Suite, Task, parse_id


def _discover() -> dict[str, Family]:
    """Returns the FAMILY constant of every package in `envsuite.families`, by name."""
    found = {}
    for module in sorted(pkgutil.iter_modules(families.__path__), key=lambda module: module.name):
        family: Family = importlib.import_module(f"{families.__name__}.{module.name}").FAMILY
        found[family.name] = family
    return found


FAMILIES: Mapping[str, Family] = MappingProxyType(_discover())
"""Every family by name."""

TASKS: Mapping[str, Task] = MappingProxyType({task.id: task for family in FAMILIES.values() for task in family.tasks})
"""Every task by id, families in alphabetical order."""

_suites = {suite.name: suite for suite in make_suites(TASKS.values())}
SUITES: Mapping[str, Suite] = MappingProxyType(_suites)
"""Every suite by name; those of private boards join them by `add_suite`."""


def add_suite(suite: Suite) -> None:
    """Makes a suite of a private board known in this process; adding it again changes nothing.

    Raises `InvalidArgument` where another suite has its name, `UnknownName` for a task that does not exist.
    """
    for task_id in suite.task_ids:
        get_task(task_id)
    if _suites.setdefault(suite.name, suite) != suite:
        raise InvalidArgument(f"suite: {suite.name} is another suite already; give this one a name of its own")


def get_task(task_id: str) -> Task:
    """Returns the task of an id, which may leave out the `envsuite/`.

    Raises `UnknownName` with the nearest ids.
    """
    full_id = task_id if task_id.startswith(f"{NAMESPACE}/") else f"{NAMESPACE}/{task_id}"
    if full_id not in TASKS:
        raise unknown_name("task id", task_id, TASKS)
    return TASKS[full_id]


def get_suite(name: str) -> Suite:
    """Returns the suite of a name; raises `UnknownName` with the nearest names."""
    if name not in SUITES:
        raise unknown_name("suite", name, SUITES)
    return SUITES[name]


def family_of(task_id: str) -> Family:
    """Returns the family that a task id belongs to; raises `UnknownName` for an unknown one."""
    return FAMILIES[parse_id(get_task(task_id).id).family]


def find_tasks(family: str | None = None, tags: Iterable[str] = (), text: str = "") -> list[Task]:
    """Returns the tasks of a family that carry all tags and whose id or goal contains the text.

    Raises `UnknownName` for a family or a tag that no task has: a typing error is not an empty list.
    """
    if family is not None and family not in FAMILIES:
        raise unknown_name("family", family, FAMILIES)
    known_tags = frozenset().union(*(task.tags for task in TASKS.values()))
    wanted = frozenset(tags)
    for tag in sorted(wanted - known_tags):
        raise unknown_name("tag", tag, known_tags)
    needle = text.lower()
    return [
        task
        for task in TASKS.values()
        if (family is None or task.family == family)
        and wanted <= task.tags
        and (needle in task.id or needle in task.goal.lower())
    ]
