"""Floors and ceilings of tasks, read from the `references.toml` of each family."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TypedDict

from envsuite.task import Reference


class Bounds(TypedDict, total=False):
    """The references that a task has."""

    floor: Reference
    ceiling: Reference


@cache
def _table(package: str) -> dict[str, Bounds]:
    text = files(package).joinpath("references.toml").read_text(encoding="utf-8")
    return {
        task_id: Bounds(**{bound: Reference(**fields) for bound, fields in bounds.items()})  # type: ignore[typeddict-item]  # a wrong key is a wrong argument of Task
        for task_id, bounds in tomllib.loads(text).items()
    }


def references(package: str, task_id: str) -> Bounds:
    """Returns the `floor` and `ceiling` that the family's `references.toml` has for a task, or fewer.

    Made to be splatted into `Task(...)`. Raises TypeError for a field that `Reference` does not have.
    """
    return _table(package).get(task_id, {})
