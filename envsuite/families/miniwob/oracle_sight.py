"""What the scripted agent sees of a page, and the actions that its scripts take there."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.families.miniwob.actions import KEYS, ActionForm
from envsuite.families.miniwob.nodes import COLUMNS, FLAGS, TAGS, TEXTS, text_of

Action = NDArray[Any]
Moves = Generator[Action, None, None]
"""A script: it yields an action and goes on when `Sight` shows what came of it."""
Color = tuple[int, int, int, int]
_KEY_NAMES: Mapping[str, str] = {" ": "<Space>", "+": "<NumpadAdd>", "*": "<NumpadMultiply>"}


@dataclass(frozen=True, slots=True)
class Row:
    """A node of the page."""

    index: int
    parent: int
    tag: str
    left: int
    top: int
    width: int
    height: int
    text: str
    value: str
    id: str
    classes: str
    flags: frozenset[str]
    fill: Color
    """The background of an element; what fills a shape."""

    @property
    def middle(self) -> tuple[float, float]:
        """Its centre in pixels."""
        return self.left + self.width / 2, self.top + self.height / 2

    def has(self, name: str) -> bool:
        """Returns whether a class is among its classes, as far as the observation holds them."""
        return name in self.classes.split()


class Sight:
    """The last observation, with ways to find rows in it, and the actions of a form."""

    def __init__(self, form: ActionForm) -> None:
        self.form = form
        self.rows: list[Row] = []
        self.fields: dict[str, str] = {}
        self.utterance = ""
        self._keys: list[str] = []

    def look(self, observation: Mapping[str, Any]) -> None:
        """Takes in an observation."""
        self.rows = _rows_of(observation)
        self.utterance = text_of(observation["utterance"])
        self._keys = [text_of(key) for key in observation["field_keys"]]
        values = [text_of(value) for value in observation["field_values"]]
        self.fields = {key: value for key, value in zip(self._keys, values, strict=True) if key}

    # Finding.

    def every(
        self,
        *,
        named: str | None = None,
        tag: str | None = None,
        text: str | None = None,
        cls: str | None = None,
        inside: Row | None = None,
        when: Callable[[Row], bool] | None = None,
    ) -> list[Row]:
        """Returns the rows that are all of what is asked for: `named` is an id, `tag` perhaps the beginning of one."""
        return [
            row
            for row in self.rows
            if (named is None or row.id == named)
            and (tag is None or row.tag == tag or row.tag.startswith(tag + "_"))
            and (text is None or row.text == text)
            and (cls is None or row.has(cls))
            and (inside is None or self._is_inside(row, inside))
            and (when is None or when(row))
        ]

    def first(self, **asked: Any) -> Row | None:
        """Returns the first row of `every`, if there is one."""
        found = self.every(**asked)
        return found[0] if found else None

    def one(self, **asked: Any) -> Row:
        """Returns the first row of `every`; raises LookupError without one."""
        row = self.first(**asked)
        if row is None:
            raise LookupError(f"no row has {asked}")
        return row

    def labelled(self, text: str, tag: str) -> Row:
        """Returns the control of a tag in the same parent as a text; raises LookupError without one."""
        for row in self.every(text=text):
            control = self.first(tag=tag, inside=self.rows[row.parent])
            if control:
                return control
        raise LookupError(f"no {tag} beside {text!r}")

    def around(self, row: Row, **asked: Any) -> Row:
        """Returns the nearest row about a row that is all of what is asked for; raises LookupError without one."""
        found = {each.index for each in self.every(**asked)}
        while row.parent >= 0:
            row = self.rows[row.parent]
            if row.index in found:
                return row
        raise LookupError(f"nothing around has {asked}")

    def words(self, row: Row) -> str:
        """Returns the text of a row and of all that is in it."""
        parts = [row.text, *(each.text for each in self.rows if self._is_inside(each, row))]
        return " ".join(part for part in parts if part)

    def _is_inside(self, row: Row, outer: Row) -> bool:
        while row.parent >= outer.index:
            if row.parent == outer.index:
                return True
            row = self.rows[row.parent]
        return False

    # Acting.

    def can(self, name: str) -> bool:
        """Returns whether the form has that type of action."""
        return name in self.form.types

    def click(self, row: Row) -> Action:
        """Returns a click on an element, or at its centre."""
        if self.can("click"):
            return self.form.action("click", element=row.index)
        return self.at("click_at", *row.middle)

    def fill(self, row: Row, key: str) -> Action:
        """Returns the action that puts the value of a field into an element."""
        return self.form.action("type", element=row.index, field=self._keys.index(key))

    def press(self, key: str) -> Action:
        """Returns the press of a key."""
        return self.form.action("key", key=KEYS.index(_KEY_NAMES.get(key, key)))

    def at(self, name: str, x: float, y: float) -> Action:
        """Returns an action of the pointer at a place in pixels."""
        return self.form.at(name, x, y)

    def idle(self) -> Action:
        """Returns an action that lets time pass and changes as little as the form allows."""
        if self.can("wait"):
            return self.form.action("wait")
        if self.can("key"):
            return self.press("C-c")
        if self.can("click"):
            return self.form.action("click", element=0)
        return self.at("move_at", 0, 0)

    def write(self, row: Row, text: str) -> Moves:
        """Puts a text into an element: by a field that holds it, or else by keys."""
        for key, value in self.fields.items():
            if value == text and self.can("type"):
                yield self.fill(row, key)
                return
        yield self.click(row)
        if row.value:
            yield self.press("C-a")
        for letter in text:
            yield self.press(letter)


def _rows_of(observation: Mapping[str, Any]) -> list[Row]:
    count = int(observation["node_mask"].sum())
    columns = [COLUMNS.index(name) for name in ("parent", "tag", "left", "top", "width", "height")]
    nodes = observation["nodes"][:count, columns].tolist()
    flags = observation["flags"][:count].tolist()
    if "colors" in observation:
        fills = observation["colors"][:count, :4].tolist()
    else:
        fills = np.zeros((count, 4), np.uint8).tolist()
    rows = []
    for index, (parent, tag, left, top, width, height) in enumerate(nodes):
        text, value, name, classes = (text_of(observation[kind][index]) for kind in TEXTS)
        states = frozenset(state for state, holds in zip(FLAGS, flags[index], strict=True) if holds)
        place = left, top, width, height
        rows.append(Row(index, parent, TAGS[tag], *place, text, value, name, classes, states, tuple(fills[index])))
    return rows
