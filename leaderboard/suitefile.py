"""Suites of a private board, declared in a TOML or JSON file beside those that envsuite brings."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from envsuite.catalogue import add_suite, get_task
from envsuite.errors import EnvsuiteError, InvalidArgument, UnknownName
from envsuite.task import Budget, Suite, SuiteTask

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*-v[1-9]\d{0,3}")
_SUITE = TypeAdapter(Suite)


def read_suites(file: Path) -> list[Suite]:
    """Returns the suites of a file; `docs/how-to/run-a-board.md` shows one.

    The file has a list `suites` (in TOML: `[[suites]]`) of the fields of `Suite`; its tasks are a list of
    `task_id` and `episodes`. Raises `InvalidArgument` with every problem, each with the suite it is in.
    """
    try:
        text = file.read_text(encoding="utf-8")
        content = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"{file}: expected a TOML or JSON file with suites: {error}") from error
    entries = content.get("suites") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise InvalidArgument(f"{file}: expected a list `suites` with at least one suite, got {type(entries).__name__}")
    suites, problems = [], []
    for number, entry in enumerate(entries, start=1):
        try:
            suites.append(_read(entry))
        except (ValidationError, EnvsuiteError, ValueError) as error:
            problems += [f"{file}: suite {number}: {problem}" for problem in _problems(error)]
    if problems:
        raise InvalidArgument("\n".join(problems))
    return suites


def add_suites(file: Path) -> list[Suite]:
    """Returns the suites of a file, which this process knows from now on."""
    suites = read_suites(file)
    for suite in suites:
        add_suite(suite)
    return suites


def _read(entry: Any) -> Suite:
    suite = _SUITE.validate_python(entry, strict=False)
    for part, kind in (
        (entry, Suite),
        *((task, SuiteTask) for task in entry["tasks"]),
        (entry.get("budget", {}), Budget),
    ):
        unknown = sorted(set(part) - {one.name for one in fields(kind)})
        if unknown:
            raise InvalidArgument(f"{', '.join(map(str, unknown))}: no field of {kind.__name__}; it would be left out")
    if not _NAME.fullmatch(suite.name) or len(suite.name) > 80:
        raise InvalidArgument(f"name: expected lower-case kebab that ends in -v<N>, got {suite.name!r}")
    for task_id in suite.task_ids:
        if get_task(task_id).id != task_id:
            raise UnknownName(f"tasks: expected the whole id {get_task(task_id).id}, got {task_id}")
        if not get_task(task_id).scored:
            raise InvalidArgument(f"tasks: {task_id} is for training and is never scored")
    return suite


def _problems(error: Exception) -> list[str]:
    if isinstance(error, ValidationError):
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return [str(error)]
