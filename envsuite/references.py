"""Floors and ceilings of tasks, read from the `references.toml` of each family."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from envsuite.task import Reference


@cache
def _table(package: str) -> dict[str, dict[str, Reference]]:
    text = files(package).joinpath("references.toml").read_text(encoding="utf-8")
    return {
        task_id: {bound: Reference(**fields) for bound, fields in bounds.items()}
        for task_id, bounds in tomllib.loads(text).items()
    }


def references(package: str, task_id: str) -> dict[str, Reference]:
    """Returns the `floor` and `ceiling` that the family's `references.toml` has for a task, or fewer.

    Made to be splatted into `Task(...)`. Raises TypeError for a field that `Reference` does not have.
    """
    return _table(package).get(task_id, {})
