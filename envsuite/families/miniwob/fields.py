"""The fields of an instruction: what it asks for, as keys and values with the names that miniwob gives them."""

from __future__ import annotations

import re

from envsuite.errors import unknown_name
from envsuite.families.miniwob.pages import FieldPattern, pages

Field = tuple[str, str]
"""A key and its value, such as `("username", "ann")`."""

MAX_FIELDS = 20
"""How many fields an instruction has at most; further ones are left out."""


def extract(task: str, utterance: str) -> tuple[Field, ...]:
    """Returns the fields of an instruction, or () where the task has none or no pattern matches all of it.

    Args:
        task: The name of the page, such as `login-user`.
        utterance: The text of the instruction, every run of white space in it collapsed to one space.

    Raises:
        UnknownName: If there is no such page.
    """
    known = pages()
    if task not in known:
        raise unknown_name("miniwob task", task, known)
    for entry in known[task].fields:
        match = re.fullmatch(entry.pattern, utterance)
        if match:
            return tuple(_fields(entry, match))[:MAX_FIELDS]
    return ()


def _fields(entry: FieldPattern, match: re.Match[str]) -> list[Field]:
    fields: list[Field] = []
    group = 0
    for name in entry.keys:
        key, constant, fixed = name.partition("=")
        if constant:
            fields.append((key, fixed))
            continue
        group += 1
        value = match[group]
        if value is None:
            continue
        if entry.drop:
            value = value.replace(entry.drop, "")
        if entry.split and group == match.re.groups:
            fields += [(f"{key} {index}", part) for index, part in enumerate(value.split(entry.split))]
        else:
            fields.append((key, value))
    return fields
