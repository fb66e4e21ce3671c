"""Generated form pages, and a booking page of the wheel without its results: documents, words and their number."""

from __future__ import annotations

import itertools
import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

from envsuite.families.miniwob import document as pages
from envsuite.families.miniwob.document import Document

Split = Literal["train", "heldout"]

NAME, BOOKING_NAME = "forms", "book-flight-form"
DEFAULT_FIELDS = 3
MAX_FIELDS_OF_FORM = 40
MAX_ELEMENTS = 100
"""How many elements that the instruction does not mention a form can have besides its fields."""
MAX_PAGES = 5
MAX_TICKS = 3
"""How many boxes of a group an instruction asks for at most."""
_SCRIPTS = ("widgets.js", "layouts.js", "forms.js")
_PART = re.compile(r"\{(\w+)\}")
_NUMBERS = re.compile(r"(\d+)\.\.(\d+)(?:\.\.(\d+))?")
_STYLE = """<style>
body { margin: 0; background: #555; font-family: Arial, sans-serif; }
#wrap { width: 160px; min-height: 210px; background: white; font-size: 10px; overflow-wrap: anywhere; }
#query { min-height: 38px; padding: 3px; background: #ff0; }
#area { padding: 2px; }
#area h3 { margin: 2px 0; font-size: 11px; }
#area p { margin: 2px 0; }
#area fieldset { margin: 2px 0; padding: 2px; border: 1px solid #aaa; }
#area table { width: 100%; border-collapse: collapse; table-layout: fixed; }
#area td { padding: 1px; vertical-align: top; }
#area input, #area select, #area textarea, #area button { box-sizing: border-box; margin: 1px; font: inherit; }
#area input:not([type=checkbox], [type=radio], [type=submit], [type=button]), #area select, #area textarea {
  width: 110px; }
#area textarea { height: 28px; resize: none; }
#area td input:not([type=checkbox], [type=radio]), #area td select, #area td textarea,
#area .half input:not([type=checkbox], [type=radio]), #area .half select, #area .half textarea {
  width: 70px !important; }
#area .half { display: inline-block; width: 76px; vertical-align: top; }
#area .above { display: block; }
#area .choice { display: inline-block; margin-right: 3px; }
#area .offers { position: relative; display: inline-block; }
#area .offers ul { position: absolute; z-index: 2; left: 0; min-width: 70px; margin: 0; padding: 0; background: white;
  border: 1px solid #888; list-style: none; }
#area .offers li { padding: 2px; cursor: pointer; }
</style>"""


@cache
def document() -> Document:
    """Returns the page that makes a form at every reset; raises `MissingSimulator` without the fetched pages."""
    core = (pages.require_pages() / "core" / "core.js").read_text(encoding="utf-8")
    return Document(
        name=NAME,
        shell=pages.shell(_STYLE + pages.script(core)),
        body='<div id="wrap"><div id="query"></div><div id="area"></div></div>',
        scripts=(f"window.__env.formData = {json.dumps(_data())};", *map(_script, _SCRIPTS)),
        reload=False,
    )


@cache
def book_flight_form() -> Document:
    """Returns the page `book-flight` as a form alone: Search hands it in, there is no flight to choose."""
    original = pages.load("book-flight")
    return replace(original, name=BOOKING_NAME, scripts=(*original.scripts, _script("book-flight-form.js")))


def kinds() -> tuple[str, ...]:
    """Returns the kinds of fields, which are the keys of `reset(options={"fields": ...})`."""
    return tuple(_data()["kinds"])


def values(kind: str, split: Split = "train") -> Iterator[str]:
    """Returns every value that a form can ask for in a field, or every label for a group of boxes."""
    pattern: str = _data()["kinds"][kind]["value"]
    yield from _fillings(pattern, split)


@cache
def value_counts(split: Split = "train") -> Mapping[str, int]:
    """Returns how many values each kind of field can be asked for; those of a group of boxes are sets of its labels."""
    counts = {}
    for kind, entry in _data()["kinds"].items():
        count = math.prod(len(part) for part in _parts(entry["value"], split))
        if entry["widgets"] == ["checkbox"]:
            count = sum(math.comb(count, ticks) for ticks in range(1, MAX_TICKS + 1))
        counts[kind] = count
    return MappingProxyType(counts)


def instruction_space(fields: int = DEFAULT_FIELDS, split: Split = "train") -> int:
    """Returns how many different things instructions can ask for: sets of so many kinds with a value each.

    Wording and order are not counted.
    """
    ways = [1] + [0] * fields  # ways[k]: with k of the kinds so far
    for count in value_counts(split).values():
        for chosen in range(fields, 0, -1):
            ways[chosen] += ways[chosen - 1] * count
    return ways[fields]


@cache
def vocabulary(split: Split = "train") -> frozenset[str]:
    """Returns the words, without numbers, of which values are made; what is written in one counts as one."""
    found: set[str] = set()
    for entry in _data()["kinds"].values():
        for chunk in re.split(r"[^A-Za-z0-9_{}]+", entry["value"]):
            for text in _fillings(chunk, split):
                found.update(re.findall(r"[A-Za-z]+", text))
    return frozenset(found)


def word_lists() -> Mapping[str, Mapping[str, list[str]]]:
    """Returns the lists of words by name and split."""
    return MappingProxyType(_data()["words"])


def _fillings(pattern: str, split: Split) -> Iterator[str]:
    """Returns a pattern with every combination of words in it."""
    literals = _PART.split(pattern)[::2]
    for words in itertools.product(*_parts(pattern, split)):
        yield "".join(itertools.chain.from_iterable(zip(literals, (*words, ""), strict=True)))


def _parts(pattern: str, split: Split) -> list[list[str]]:
    return [_data()["words"][name][split] for name in _PART.findall(pattern)]


@cache
def _data() -> dict[str, Any]:
    table = tomllib.loads(files(__package__).joinpath("forms.toml").read_text(encoding="utf-8"))
    limits = {"fields": MAX_FIELDS_OF_FORM, "elements": MAX_ELEMENTS, "pages": MAX_PAGES, "ticks": MAX_TICKS}
    lists = {
        name: {split: _list(entry.get(split, entry.get("both"))) for split in ("train", "heldout")}
        for name, entry in table["words"].items()
    }
    return {**table, "words": lists, "limits": {**limits, "default": DEFAULT_FIELDS}}


def _list(text: str) -> list[str]:
    found = _NUMBERS.fullmatch(text)
    if not found:
        return [" ".join(word.split()) for word in text.split(",")]
    first, last, step = found.groups()
    return [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1, int(step or 1))]


def _script(name: str) -> str:
    return files(__package__).joinpath("page", name).read_text(encoding="utf-8")
