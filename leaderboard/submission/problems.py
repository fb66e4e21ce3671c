"""Turns what pydantic finds wrong with a manifest into lines that name file, line, field, expected and got."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from envsuite.leaderboard.submission.names import few, shown
from envsuite.leaderboard.submission.rules import Fault, Faults
from envsuite.leaderboard.submission.toml_lines import find_lines

_POSITION = re.compile(r" \(at line (\d+), column (\d+)\)$")
_OF_AN_ITEM: Mapping[str, str] = {
    "string_type": "a string",
    "too_short": "at least {min_length} characters",
    "too_long": "at most {max_length} characters",
    "model_type": "a table",
}
"""What is expected of an item, which has no description: pydantic's type of error -> text."""


def syntax_problem(file: str, text: str, message: str) -> str:
    """Returns the line of a text that is no TOML, from the message of `tomllib`."""
    match = _POSITION.search(message)
    line = int(match[1]) if match else text.count("\n") + 1
    told = _POSITION.sub(f", in column {match[2]}" if match else "", message)
    return f"{file}:{line}: expected TOML, got an error: {told}"


def field_problems(file: str, text: str, error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Returns one line for everything that is wrong, in the order of the file."""
    lines: Mapping[tuple[str | int, ...], int] = find_lines(text)
    found: list[tuple[int, str]] = []
    details = error.errors(include_url=False)
    for detail in details:
        if detail["type"] == "too_short" and any(_lies_below(other, detail) for other in details):
            continue  # the items are there, and said to be wrong
        path = tuple(part for part in detail["loc"] if part != "[key]")
        for fault in _faults(detail, path, model):
            below = (*path, *fault.below)
            line = next((lines[below[:end]] for end in range(len(below), 0, -1) if below[:end] in lines), 1)
            told = fault.message if fault.elsewhere else f"{file}:{line}: {_written(below)}: {fault.message}"
            found.append((line, told))
    return few(told for _, told in sorted(found, key=lambda pair: pair[0]))


def _faults(detail: ErrorDetails, path: tuple[str | int, ...], model: type[BaseModel]) -> Iterator[Fault]:
    raised = detail.get("ctx", {}).get("error")
    if isinstance(raised, Faults):
        yield from raised.faults
    elif isinstance(raised, ValueError):
        yield Fault(str(raised))
    elif detail["type"] == "extra_forbidden":
        parent = _model_at(model, path[:-1])
        near = difflib.get_close_matches(str(path[-1]), parent.model_fields if parent else (), n=1, cutoff=0.6)
        known = ", ".join(parent.model_fields) if parent else "none"
        hint = f"did you mean {near[0]}?" if near else f"known are {known}"
        yield Fault(f"expected a field of the manifest, got an unknown one; {hint}")
    else:
        got = "nothing" if detail["type"] == "missing" else shown(detail["input"])
        yield Fault(f"expected {_expected(detail, path, model)}, got {got}")


def _lies_below(detail: ErrorDetails, other: ErrorDetails) -> bool:
    depth = len(other["loc"])
    return len(detail["loc"]) > depth and detail["loc"][:depth] == other["loc"]


def _expected(detail: ErrorDetails, path: tuple[str | int, ...], model: type[BaseModel]) -> str:
    parent = _model_at(model, path[:-1])
    field = parent.model_fields.get(str(path[-1])) if parent else None
    if field is not None and field.description:
        return field.description
    told = _OF_AN_ITEM.get(detail["type"])
    return told.format(**detail.get("ctx", {})) if told else detail["msg"]


def _model_at(model: type[BaseModel], path: tuple[str | int, ...]) -> type[BaseModel] | None:
    """Returns the model of the table at a path; None where there is a list or a free table."""
    current: type[BaseModel] | None = model
    for part in path:
        if isinstance(part, int):
            continue
        field = current.model_fields.get(part) if current else None
        current = _inner_model(field.annotation) if field else None
    return current


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    """Returns the model in `Model`, `Model | None` or `tuple[Model, ...]`."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _written(path: tuple[str | int, ...]) -> str:
    """Returns a path as a reader writes it: runs[0].weights[1]."""
    text = ""
    for part in path:
        key = part if isinstance(part, int) or re.fullmatch(r"[A-Za-z0-9_-]{1,40}", part) else shown(part)
        text += f"[{part}]" if isinstance(part, int) else f"{'.' * bool(text)}{key}"
    return text
