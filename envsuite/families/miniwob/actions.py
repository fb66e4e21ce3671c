"""Action spaces: presets of action types, each a `MultiDiscrete` of named parts; and a text form."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envsuite.errors import InvalidArgument, unknown_name
from envsuite.families.miniwob.fields import MAX_FIELDS, Field
from envsuite.families.miniwob.nodes import FLAGS, text_of

SCROLL_PX = 50
TEXT_ACTION_BYTES = 512
_PAPER_KEYS = (
    *(
        f"<{name}>"
        for name in [
            "Enter",
            "PageUp",
            "PageDown",
            "Backspace",
            "Delete",
            "Tab",
            "Space",
            "ArrowUp",
            "ArrowRight",
            "ArrowDown",
        ]
    ),
    *("<ArrowLeft>", *'[]-=;"\\,./`1234567890'),
    *(f"<Numpad{digit}>" for digit in range(10)),
    *(f"<Numpad{name}>" for name in ["Add", "Multiply", "Subtract", "Divide", "Decimal", "Enter"]),
    *"abcdefghijklmnopqrstuvwxyz",
    *("C-a", "C-c", "C-x", "C-v"),
    *"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
)
KEYS = (*_PAPER_KEYS, *"~!@#$%^&*()_+{}|:<>?'")
"""Part `key` is an index into this: the keys of Humphreys et al. 2022, as miniwob lists them, then the marks that they
leave out. The presets of that paper and of Shi et al. 2017 have the former only."""
_OF_PAPERS = frozenset({"shi17", "humphreys22"})
_ACTIONABLE, _TYPEABLE, _FOCUSED = FLAGS.index("actionable"), FLAGS.index("typeable"), FLAGS.index("focused")
_NAMED_KEYS = np.array([len(key) > 1 for key in KEYS], np.int8)
"""Which keys mean something where nothing can be typed."""
Command = list[Any]
"""What a page is told: kind of action and a list of its arguments."""

# Type -> (the page's kind of action, the parts that it takes, what is added to them).
_TYPES: Mapping[str, tuple[str, tuple[str, ...], tuple[Any, ...]]] = MappingProxyType(
    {
        "wait": ("wait", (), ()),
        "click": ("click", ("element",), ()),
        "type": ("type", ("element", "field"), ()),
        "append": ("append", ("element", "field"), ()),
        "double_click": ("double", ("element",), ()),
        "hover": ("hover", ("element",), ()),
        "press": ("press", ("element",), ()),
        "release": ("release", ("element",), ()),
        "scroll_up": ("scroll", ("element",), (-SCROLL_PX,)),
        "scroll_down": ("scroll", ("element",), (SCROLL_PX,)),
        "key": ("key", ("key",), ()),
        "type_field": ("text", ("field",), ()),
        "move_at": ("move_at", ("x", "y"), ()),
        "click_at": ("click_at", ("x", "y"), ()),
        "double_click_at": ("double_at", ("x", "y"), ()),
        "press_at": ("press_at", ("x", "y"), ()),
        "release_at": ("release_at", ("x", "y"), ()),
        "scroll_up_at": ("scroll_at", ("x", "y"), (-SCROLL_PX,)),
        "scroll_down_at": ("scroll_at", ("x", "y"), (SCROLL_PX,)),
    }
)
_MOUSE_AT = ("click_at", "double_click_at", "press_at", "release_at", "scroll_up_at", "scroll_down_at")
PRESETS: Mapping[str, tuple[tuple[str, ...], int | None]] = MappingProxyType(
    {
        "elements": (("click", "type"), None),
        "keyboard": (("click", "type", "key"), None),
        "waiting": (("wait", "click"), None),
        "pointer": (("click_at", "press_at", "release_at", "move_at"), 40),
        "shi17": (("wait", *_MOUSE_AT, "key"), None),
        "liu18": (("wait", "click", "append"), None),
        "humphreys22": (("wait", "move_at", *_MOUSE_AT, "key", "type_field"), 51),
        "all": (tuple(_TYPES), None),
    }
)
"""Preset -> its types in order, and into how many bins x and y are cut; None: one for each pixel."""
TEXT = "text"
"""The preset whose actions are commands in UTF-8, such as `click 12` or `type 5 "hello"`."""


@dataclass(frozen=True, slots=True)
class ActionForm:
    """How the actions of a space become commands to a page."""

    name: str
    types: tuple[str, ...]
    parts: tuple[str, ...]
    """The dimensions of the space: "type", then those of element, field, key, x, y that some type takes."""
    sizes: tuple[int, ...]
    size_px: tuple[int, int]

    @property
    def space(self) -> spaces.Space[Any]:
        """The action space."""
        if self.name == TEXT:
            return spaces.Box(0, 255, (TEXT_ACTION_BYTES,), np.uint8)
        return spaces.MultiDiscrete(np.array(self.sizes))

    @property
    def names(self) -> tuple[str, ...]:
        """What each dimension is called."""
        return self.parts

    def command(self, action: Any, fields: Sequence[Field]) -> Command:
        """Returns what the page is told for an action of the space; ["wait", []] for a text that is no command."""
        if self.name == TEXT:
            return parse(text_of(action))
        values = dict(zip(self.parts, action.tolist(), strict=True))
        kind, parts, added = _TYPES[self.types[values["type"]]]
        return [kind, [*(self._argument(part, values[part], fields) for part in parts), *added]]

    def action(self, type_name: str, **values: int) -> NDArray[Any]:
        """Returns the action of a type; parts that are left out are 0."""
        if type_name not in self.types:
            raise unknown_name("action type", type_name, self.types)
        values["type"] = self.types.index(type_name)
        return np.array([values.get(part, 0) for part in self.parts], np.int64)

    def at(self, type_name: str, x: float, y: float) -> NDArray[Any]:
        """Returns the action of a type at the bin of a point in pixels."""
        size = dict(zip(self.parts, self.sizes, strict=True))
        column = int(np.clip(x * size["x"] / self.size_px[0], 0, size["x"] - 1))
        row = int(np.clip(y * size["y"] / self.size_px[1], 0, size["y"] - 1))
        return self.action(type_name, x=column, y=row)

    def _argument(self, part: str, value: int, fields: Sequence[Field]) -> Any:
        if part == "field":
            return fields[value][1] if value < len(fields) else ""
        if part == "key":
            return KEYS[value]
        if part in ("x", "y"):
            pixels = self.size_px["xy".index(part)]
            return int((value + 0.5) * pixels / self.sizes[self.parts.index(part)])
        return value

    def mask(self, flags: NDArray[np.uint8], count: int, fields: int) -> NDArray[np.int8] | None:
        """Returns which values of each dimension make sense now, one dimension after another; None in the text form."""
        if self.name == TEXT:
            return None
        live = flags[:count]
        useful = live[:, _ACTIONABLE] | live[:, _TYPEABLE]
        if not useful.any():
            useful = np.ones(max(count, 1), np.uint8)
        focused = live[live[:, _FOCUSED] == 1]
        mask = np.ones(sum(self.sizes), np.int8)
        place = 0
        for part, size in zip(self.parts, self.sizes, strict=True):
            if part == "type" and not (fields and live[:, _TYPEABLE].any()):
                for name in ("type", "append"):
                    if name in self.types:
                        mask[place + self.types.index(name)] = 0
            if part == "type" and "key" in self.types and not len(focused):
                mask[place + self.types.index("key")] = 0
            elif part == "key" and not focused[:, _TYPEABLE].any():
                mask[place : place + size] = _NAMED_KEYS[:size]
            elif part == "element":
                mask[place : place + size] = 0
                mask[place : place + len(useful)] = useful
            elif part == "field":
                mask[place + max(fields, 1) : place + size] = 0
            place += size
        return mask


def make_form(name: str, max_nodes: int, size_px: tuple[int, int], max_fields: int = MAX_FIELDS) -> ActionForm:
    """Returns the form of a preset; raises `UnknownName`.

    Args:
        name: A name in `PRESETS`, or "text".
        max_nodes: Size of the dimension `element`.
        size_px: Width and height of the task's area.
        max_fields: Size of the dimension `field`.
    """
    if name == TEXT:
        return ActionForm(TEXT, (), (), (), size_px)
    if name not in PRESETS:
        raise unknown_name("actions preset", name, [*PRESETS, TEXT])
    types, bins = PRESETS[name]
    used = {part for each in types for part in _TYPES[each][1]}
    sizes = {"type": len(types), "element": max_nodes, "field": max_fields, "key": len(KEYS)}
    if name in _OF_PAPERS:
        sizes["key"] = len(_PAPER_KEYS)
    sizes |= {"x": bins or size_px[0], "y": bins or size_px[1]}
    parts = tuple(part for part in sizes if part == "type" or part in used)
    return ActionForm(name, types, parts, tuple(sizes[part] for part in parts), size_px)


def encode(command: str) -> NDArray[np.uint8]:
    """Returns a command as an action of the text form; raises `InvalidArgument` when it is too long."""
    data = command.encode("utf-8", errors="replace")
    if len(data) > TEXT_ACTION_BYTES:
        raise InvalidArgument(f"command: expected at most {TEXT_ACTION_BYTES} bytes of UTF-8, got {len(data)}")
    action = np.zeros(TEXT_ACTION_BYTES, np.uint8)
    action[: len(data)] = np.frombuffer(data, np.uint8)
    return action


# Name -> (kind of the page, a letter for each argument: n a whole number, s a text).
_COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "wait": ("wait", ""),
        "click": ("click", "n"),
        "double_click": ("double", "n"),
        "hover": ("hover", "n"),
        "press": ("press", "n"),
        "release": ("release", "n"),
        "scroll": ("scroll", "nn"),
        "type": ("type", "ns"),
        "append": ("append", "ns"),
        "text": ("text", "s"),
        "key": ("key", "s"),
        "move_at": ("move_at", "nn"),
        "click_at": ("click_at", "nn"),
        "double_click_at": ("double_at", "nn"),
        "press_at": ("press_at", "nn"),
        "release_at": ("release_at", "nn"),
        "scroll_at": ("scroll_at", "nnn"),
    }
)
_MOST_PX = 100_000


def parse(text: str) -> Command:
    """Returns the command that a text names, as `click 12` or `type 5 "two words"`; ["wait", []] for any other text."""
    try:
        name, *words = shlex.split(text)
        kind, letters = _COMMANDS[name]
        if len(words) != len(letters):
            return ["wait", []]
        arguments = [int(word) if letter == "n" else word for letter, word in zip(letters, words, strict=True)]
    except (ValueError, KeyError):
        return ["wait", []]
    if any(isinstance(value, int) and abs(value) > _MOST_PX for value in arguments):
        return ["wait", []]
    return [kind, arguments]
