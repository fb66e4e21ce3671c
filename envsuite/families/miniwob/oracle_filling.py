"""The script for generated forms: fields are told by their captions, or where there are none by their ids."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files

from envsuite.families.miniwob.oracle_sight import Moves, Row, Sight

_ID_BYTES = 24
_CAPTIONS = ("label", "b")
_BOXES = ("input_radio", "input_checkbox")


def fill_form(page: Sight) -> Moves:
    """Fills what of the fields is on this page of the form, turns on, and hands in at the end."""
    done: set[str] = set()
    while True:
        for key in page.fields:
            if key not in done and _spot(page, key):
                yield from _fill(page, key)
                done.add(key)
        buttons = page.every(when=lambda row: row.tag in ("button", "input_submit", "input_button"))
        yield page.click(buttons[-1])


def _fill(page: Sight, key: str) -> Moves:
    spot = _spot(page, key)
    if spot is None:
        return
    if spot.tag not in _CAPTIONS:
        if spot.value != page.fields[key]:
            yield page.fill(spot, key)
        return
    after = [row for row in page.rows[spot.index + 1 :] if "typeable" in row.flags or row.tag in _BOXES]
    wanted = [page.fields[key]] if after[0].tag == "input_radio" else page.fields[key].split(", ")
    for text in wanted:
        spot = _spot(page, key) or spot
        box = _box(page, spot, text)
        if "checked" not in box.flags:
            yield page.click(box)


def _box(page: Sight, caption: Row, text: str) -> Row:
    """Returns the box behind a caption that has a text beside it."""
    for row in page.every(text=text, when=lambda row: row.index > caption.index):
        if row.tag == "label":
            return next(each for each in reversed(page.rows[: row.index]) if each.tag in _BOXES)
        if page.rows[row.parent].tag == "label":
            return page.one(inside=page.rows[row.parent], when=lambda each: each.tag in _BOXES)
    raise LookupError(f"no box {text!r}")


def _spot(page: Sight, key: str) -> Row | None:
    """Returns the control of a field, or the caption of its boxes; None where this page of the form has neither."""
    names = {_plain(name) for name in (key, *_labels().get(key, ()))}
    for row in page.rows:
        if row.tag in _CAPTIONS and _plain(row.text) in names:
            control = next((each for each in page.rows[row.index + 1 :] if _is_control(each)), None)
            if control is not None and row.tag == "label" and control.tag not in _BOXES:
                return control
            if control is not None and row.tag == "b":
                return row
    return page.first(when=lambda row: "typeable" in row.flags and _is_named(row.id, names))


def _is_control(row: Row) -> bool:
    return "typeable" in row.flags or row.tag in _BOXES


def _is_named(id_text: str, names: set[str]) -> bool:
    plain = _plain(id_text)
    found = plain in names or plain.removeprefix("txt") in names
    return found or (len(id_text) == _ID_BYTES and any(name.startswith(plain.removeprefix("txt")) for name in names))


@cache
def _labels() -> Mapping[str, tuple[str, ...]]:
    """Returns what a form may call every kind of field besides its own name."""
    table = tomllib.loads(files(__package__).joinpath("forms.toml").read_text(encoding="utf-8"))
    return {key: tuple(entry["labels"]) for key, entry in table["kinds"].items()}


@cache
def _plain(text: str) -> str:
    return re.sub("[^a-z0-9]", "", text.lower())


SCRIPTS: Mapping[str, Callable[[Sight], Moves]] = {"forms": fill_form}
"""Page of ours -> its script."""
