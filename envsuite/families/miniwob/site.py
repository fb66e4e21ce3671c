"""Every page by name: miniwob's own, the flight pages, and ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from envsuite.errors import InvalidTask
from envsuite.families.miniwob import document, forms
from envsuite.families.miniwob.document import Document

FLIGHT_PX, TASK_PX = (375, 667), (160, 210)
_PARTS = ("prefill", "subgoal", "fields")
_OPTIONS = {
    forms.NAME: (*_PARTS, "style", "split"),
    forms.BOOKING_NAME: _PARTS,
    "login-user": _PARTS,
    "enter-password": _PARTS,
    "click-checkboxes": _PARTS,
    "social-media-all": _PARTS,
}
"""Page -> the options of `reset` that it takes, in which nothing is checked but the types."""
_NAMES = tuple(dict.fromkeys(name for names in _OPTIONS.values() for name in names))


def load(name: str) -> Document:
    """Returns the page of that name; raises `MissingSimulator` where the wheel's pages are not here."""
    if name == forms.NAME:
        return forms.document()
    return forms.book_flight_form() if name == forms.BOOKING_NAME else document.load(name)


def size_px(name: str) -> tuple[int, int]:
    """Returns width and height of a page's area."""
    return FLIGHT_PX if name.startswith("flight.") else TASK_PX


def task_space(name: str) -> spaces.MultiDiscrete | None:
    """Returns the space of a page's parameters: of forms, how many fields, distracting elements and pages."""
    if name != forms.NAME:
        return None
    counts = np.array([forms.MAX_FIELDS_OF_FORM, forms.MAX_ELEMENTS + 1, forms.MAX_PAGES])
    return spaces.MultiDiscrete(counts, start=np.array([1, 0, 1]))


def sample_task(name: str, rng: np.random.Generator) -> Any:
    """Returns parameters for an episode whose caller named none: three fields on one page, 0 to 10 elements."""
    del name
    return np.array([3, rng.integers(11), 1], np.int64)


def reset_options(name: str, task_value: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the page is told at reset; raises `InvalidTask` for what it cannot take."""
    extra: dict[str, Any] = {}
    if name == forms.NAME:
        fields, elements, pages = (int(value) for value in task_value)
        extra["form"] = {"fields": fields, "elements": elements, "pages": min(pages, fields)}
    for key in _NAMES:
        if key in options:
            if key not in _OPTIONS.get(name, ()):
                takers = ", ".join(page for page, names in _OPTIONS.items() if key in names)
                raise InvalidTask(f"options[{key!r}]: expected it only for {takers}, got it for the page {name}")
            extra[key] = _plain(key, options[key])
    if options.get("data_mode", "train") not in ("train", "test"):
        raise InvalidTask(f"options['data_mode']: expected 'train' or 'test', got {options['data_mode']!r}")
    return extra


def _plain(key: str, value: Any) -> Any:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return {
            str(name): ", ".join(each) if isinstance(each, list | tuple) else str(each) for name, each in value.items()
        }
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, list | tuple):
        return [str(each) for each in value]
    raise InvalidTask(f"options[{key!r}]: expected a number, a text, a list or a dict of texts, got {value!r}")
