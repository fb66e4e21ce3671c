"""The page as arrays: the layout that `page/nodes.js` writes and this module reads."""

from __future__ import annotations

import base64
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

_ELEMENTS = """
a article aside b body br button canvas caption center circle code dd details div dl dt ellipse em fieldset
figure font footer form g h1 h2 h3 h4 h5 h6 header hr i iframe img label legend li line main nav ol optgroup
option p path pattern polygon polyline pre rect section select small span strong sub summary sup svg table tbody
td text textarea tfoot th thead tr tspan u ul
"""
_INPUTS = """
button checkbox color date datetime-local email file hidden image month number password radio range reset search
submit tel text time url week
"""
TAGS = ("other", "t", *_ELEMENTS.split(), *(f"input_{kind}" for kind in _INPUTS.split()))
"""Column `tag` is an index into this; "t" is a text beside elements, "other" an element that is not listed."""
COLUMNS = ("ref", "parent", "tag", "left", "top", "width", "height")
"""ref: number of the element in this episode; parent: its row, -1 at the root; then pixels of the window."""
FLAGS = ("focused", "tampered", "leaf", "actionable", "typeable", "checked", "disabled", "in_view", "pressed")
"""tampered: clicked in this episode; actionable: a control, or listens for the pointer; typeable: takes text."""
TEXTS = ("text", "value", "id", "classes")
ID_BYTES, CLASS_BYTES = 24, 32
"""Bytes of UTF-8 of these texts that an observation holds; further ones are cut off."""
TEXT_TOKENS = (8, 4, 4, 4)
"""Words of each text that an observation in tokens holds."""
BUCKETS = 4096
"""Words are hashed into so many token ids; 0 is no word."""
_HEAD = 4
_BITS = np.arange(len(FLAGS), dtype=np.int16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What of the page an observation holds."""

    max_nodes: int = 256
    tokens: bool = False
    """Hashed words instead of bytes."""
    text_bytes: int = 64
    """Bytes of UTF-8 of a text; a value has half of it. Further ones are cut off."""
    colors: bool = True

    @property
    def lengths(self) -> tuple[int, int, int, int]:
        """Bytes, or words, of each of `TEXTS`."""
        return TEXT_TOKENS if self.tokens else (self.text_bytes, self.text_bytes // 2, ID_BYTES, CLASS_BYTES)

    def for_page(self) -> dict[str, Any]:
        """Returns what `nodes.js` is told."""
        return {
            "tags": {tag: index for index, tag in enumerate(TAGS)},
            "limits": self.lengths,
            "mode": "tokens" if self.tokens else "bytes",
            "buckets": BUCKETS,
            "colors": self.colors,
            "most": self.max_nodes,
        }

    def spaces(self) -> dict[str, spaces.Space[Any]]:
        """Returns the spaces of the arrays."""
        n, short = self.max_nodes, np.iinfo(np.int16)
        found: dict[str, spaces.Space[Any]] = {
            "nodes": spaces.Box(short.min, short.max, (n, len(COLUMNS)), np.int16),
            "flags": spaces.Box(0, 1, (n, len(FLAGS)), np.uint8),
            "node_mask": spaces.Box(0, 1, (n,), np.int8),
            "pointer": spaces.Box(short.min, short.max, (2,), np.int16),
        }
        if self.colors:
            found["colors"] = spaces.Box(0, 255, (n, 8), np.uint8)
        for name, length in zip(TEXTS, self.lengths, strict=True):
            if self.tokens:
                found[name] = spaces.Box(0, BUCKETS - 1, (n, length), np.int16)
            else:
                found[name] = spaces.Box(0, 255, (n, length), np.uint8)
        return found


@dataclass(slots=True)
class Nodes:
    """The arrays of one page, written in place by `read`."""

    layout: Layout
    arrays: dict[str, NDArray[Any]] = field(init=False)
    count: int = field(init=False, default=0)
    dropped: int = field(init=False, default=0)
    """Nodes beyond `max_nodes`."""

    def __post_init__(self) -> None:
        self.arrays = {name: np.zeros(space.shape or (), space.dtype) for name, space in self.layout.spaces().items()}

    def read(self, live: str | None, fixed: str | None) -> None:
        """Takes the parts that a page packed; None for a part that is as before."""
        if live is not None:
            self._read_live(base64.b64decode(live))
        if fixed is not None:
            self._read_fixed(base64.b64decode(fixed))

    def _read_live(self, data: bytes) -> None:
        arrays = self.arrays
        count, self.dropped, *pointer = np.frombuffer(data, np.int16, _HEAD).tolist()
        arrays["pointer"][:] = pointer
        if count < self.count:
            for name, array in arrays.items():
                if name != "pointer":
                    array[count : self.count] = 0
        arrays["node_mask"][self.count : count] = 1
        self.count = count
        bits = np.frombuffer(data, np.int16, count, _HEAD * 2)
        arrays["flags"][:count] = (bits[:, None] >> _BITS) & 1
        self._read_texts(data, (_HEAD + count) * 2, (1,))

    def _read_fixed(self, data: bytes) -> None:
        count, arrays, width = self.count, self.arrays, len(COLUMNS)
        arrays["nodes"][:count] = np.frombuffer(data, np.int16, count * width).reshape(count, width)
        place = self._read_texts(data, count * width * 2, (0, 2, 3))
        if self.layout.colors:
            arrays["colors"][:count] = np.frombuffer(data, np.uint8, count * 8, place).reshape(count, 8)

    def _read_texts(self, data: bytes, place: int, kinds: Sequence[int]) -> int:
        """Takes the texts of these kinds, indices into `TEXTS`; returns where they end."""
        read = _read_tokens if self.layout.tokens else _read_bytes
        for kind in kinds:
            place = read(data, place, self.arrays[TEXTS[kind]][: self.count])
        return place


def _read_tokens(data: bytes, place: int, array: NDArray[Any]) -> int:
    array[:] = np.frombuffer(data, np.int16, array.size, place).reshape(array.shape)
    return place + array.nbytes


def _read_bytes(data: bytes, place: int, array: NDArray[Any]) -> int:
    count, longest = array.shape
    lengths = np.frombuffer(data, np.uint8, count, place)
    place += count
    array[:] = 0
    total = int(lengths.sum(dtype=np.int64))
    if total:
        array[_ranks(longest) < lengths[:, None]] = np.frombuffer(data, np.uint8, total, place)
    return place + total


@functools.cache
def _ranks(longest: int) -> NDArray[np.uint8]:
    return np.arange(longest, dtype=np.uint8)


def text_of(row: NDArray[Any]) -> str:
    """Returns the text of a row of bytes."""
    return bytes(row).rstrip(b"\0").decode("utf-8", errors="replace")


def as_bytes(text: str, length: int) -> NDArray[np.uint8]:
    """Returns a text as UTF-8 in an array of that length, whole characters only, zeros behind."""
    data = text.encode("utf-8", errors="replace")[:length].decode("utf-8", errors="ignore").encode("utf-8")
    array = np.zeros(length, np.uint8)
    array[: len(data)] = np.frombuffer(data, np.uint8)
    return array


def as_tokens(text: str, length: int) -> NDArray[np.int16]:
    """Returns the words of a text as hashed ids, the same as `nodes.js` gives to the texts of a page."""
    array = np.zeros(length, np.int16)
    words = "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()[:length]
    for index, word in enumerate(words):
        array[index] = bucket(word)
    return array


def bucket(word: str) -> int:
    """Returns the token id of a word: 32-bit FNV-1a over its UTF-16 code units, modulo the number of buckets."""
    value = 2166136261
    units = word.encode("utf-16-le", errors="surrogatepass")
    for low, high in zip(units[::2], units[1::2], strict=True):
        value = ((value ^ (low | high << 8)) * 16777619) & 0xFFFFFFFF
    return 1 + value % (BUCKETS - 1)
