"""The task pages of miniwob 1.1.0, as `pages.toml` describes them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldPattern:
    """How the fields of one form of instruction are read: a regular expression and a key for each of its groups."""

    pattern: str
    """The regular expression of the whole instruction. A group that took no part in the match makes no field."""
    keys: tuple[str, ...]
    """A key per group, in the order of the fields; `key=value` among them is a field that takes no group."""
    split: str = ""
    """What separates the values of the last group, if it is a list; they become `key 0`, `key 1` and so on."""
    drop: str = ""
    """Text that is taken out of the values."""


@dataclass(frozen=True, slots=True)
class Page:
    """A task page: one task in one HTML file."""

    name: str
    """The task's name upstream, such as `login-user` or `flight.AA`."""
    goal: str
    """What is to be achieved in this task in general, in one sentence."""
    limit_s: int
    """After how many seconds the page itself ends an episode as failed."""
    group: str
    """What the task needs: `click`, `form`, `app`, `geometry`, `drag`, `flight` or `waiting`."""
    origin: str
    """Where upstream lists it: `original`, `nodelay`, `additional`, `debug`, `flight`, `hidden` or `waiting`."""
    partial: bool = False
    """Whether the page can give a raw reward strictly between -1 and 1."""
    pointer: bool = False
    """Whether clicks on whole elements and typing are not enough, as where something is dragged or hovered over."""
    fields: tuple[FieldPattern, ...] = ()
    """How its instructions are read, to be tried in this order."""


@cache
def pages() -> Mapping[str, Page]:
    """Returns every task page by its name."""
    table = tomllib.loads(files(__package__).joinpath("pages.toml").read_text(encoding="utf-8"))
    return MappingProxyType({name: _page(name, entry) for name, entry in table.items()})


def _page(name: str, entry: dict[str, Any]) -> Page:
    patterns = tuple(_field_pattern(**row) for row in entry.pop("fields", ()))
    return Page(name=name, **entry, fields=patterns)


def _field_pattern(pattern: str, keys: list[str], **options: str) -> FieldPattern:
    return FieldPattern(pattern, tuple(keys), **options)
