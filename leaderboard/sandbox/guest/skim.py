"""Walks over the bytes of a hostile frame and builds nothing: what passes is cheap to decode."""

from __future__ import annotations

import struct

from .frames import BadFrame

ARRAY, SCALAR, TUPLE, UNSENDABLE = 1, 2, 3, 4
"""Codes of the extension types: a numpy array, a numpy scalar, a tuple, and what has no form on the wire."""
MAX_ITEMS = 1 << 16
"""Values in one frame, an array counted once: 65,536 Python objects are a few megabytes."""
MAX_DEPTH = 16
"""Containers in containers. Spaces nest two or three deep; Python's recursion ends at 1,000."""
MAX_COPIES, FREE_COPIES = 3, 1 << 16
"""A tuple's bytes are copied before they are unpacked, those of a tuple in it twice: so many times the frame's
length in all, and some bytes for short ones."""
MAX_TEXT = 1 << 16
"""Bytes of one text, one byte string or one description."""

_NUMBERS = {0xCA: 5, 0xCB: 9, 0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9, 0xD0: 2, 0xD1: 3, 0xD2: 5, 0xD3: 9}
"""First byte of a number -> bytes it takes."""
_SIZED = {
    first: (kind, struct.Struct(size))
    for kind, firsts in {
        "text": (None, 0xD9, 0xDA, 0xDB),
        "bytes": (None, 0xC4, 0xC5, 0xC6),
        "extension": (None, 0xC7, 0xC8, 0xC9),
        "list": (None, None, 0xDC, 0xDD),
        "map": (None, None, 0xDE, 0xDF),
    }.items()
    for first, size in zip(firsts, ("", ">B", ">H", ">I"), strict=False)
    if first is not None
}
"""First byte of what tells its size -> what it is, and how the size is written."""


def skim(data: bytes | memoryview) -> None:
    """Raises `BadFrame` unless `data` is one msgpack value within the limits above; keys of maps must be text."""
    try:
        end = _skim(data, 0, MAX_DEPTH, [MAX_ITEMS, FREE_COPIES + MAX_COPIES * len(data)])
    except (IndexError, struct.error):
        end = len(data) + 1
    if end > len(data):
        raise BadFrame("it ends inside a value")
    if end < len(data):
        raise BadFrame("it goes on after its value")


def _skim(data: bytes | memoryview, at: int, depth: int, left: list[int]) -> int:
    """Returns where the value at `at` ends; `depth` containers may lie in each other.

    `left` is how many values there may be in all, and how many bytes of tuples.
    Raises IndexError or struct.error where the data ends too soon, or returns a place beyond its end.
    """
    left[0] -= 1
    first = data[at]
    if first <= 0x7F or first >= 0xE0 or first in (0xC0, 0xC2, 0xC3):
        return at + 1
    if first in _NUMBERS:
        if first == 0xCF and data[at + 1] > 0x7F:  # numpy and Gymnasium raise OverflowError for it
            raise BadFrame("it holds an integer of more than 63 bits")
        return at + _NUMBERS[first]
    kind, size, at = _measure(data, at)
    if kind == "extension":
        return _skim_extension(data, at, size, depth, left)
    if kind in ("text", "bytes"):
        if size > MAX_TEXT:
            raise BadFrame(f"it holds {kind} of {size:,} bytes, at most {MAX_TEXT:,} are allowed")
        return at + size
    if depth == 0:
        raise BadFrame(f"it nests more than {MAX_DEPTH} containers")
    if size > left[0]:
        raise BadFrame(f"it holds more than {MAX_ITEMS:,} values")
    for _ in range(size):
        if kind == "map":
            if not _is_text(data[at]):  # integers could be chosen to collide: filling the dict would take for ever
                raise BadFrame("a key of a map is no text")
            at = _skim(data, at, depth - 1, left)
        at = _skim(data, at, depth - 1, left)
    return at


def _skim_extension(data: bytes | memoryview, at: int, size: int, depth: int, left: list[int]) -> int:
    """Returns where the extension ends whose code is at `at`, with `size` bytes behind it."""
    code, at = data[at], at + 1
    end = at + size
    if code == TUPLE:
        left[1] -= size
        if left[1] < 0:
            raise BadFrame(f"its tuples hold each other and more than {MAX_COPIES} times its length")
        kind = "list" if data[at] & 0xF0 == 0x90 else _SIZED.get(data[at], ("",))[0]
        if kind != "list" or _skim(data, at, depth, left) != end:
            raise BadFrame("a tuple is no list of the length it tells")
    elif code == UNSENDABLE and size > MAX_TEXT:
        raise BadFrame(f"a description has {size:,} bytes, at most {MAX_TEXT:,} are allowed")
    elif code not in (ARRAY, SCALAR, UNSENDABLE):
        raise BadFrame(f"extension type {code} is unknown")
    return end


def _measure(data: bytes | memoryview, at: int) -> tuple[str, int, int]:
    """Returns what begins at `at`, its size, and where its content begins (an extension's code first)."""
    first = data[at]
    if first <= 0x8F:
        return "map", first & 0x0F, at + 1
    if first <= 0x9F:
        return "list", first & 0x0F, at + 1
    if first <= 0xBF:
        return "text", first & 0x1F, at + 1
    if 0xD4 <= first <= 0xD8:
        return "extension", 1 << (first - 0xD4), at + 1
    if first not in _SIZED:
        raise BadFrame(f"no value begins with the byte {first:#x}")
    kind, size = _SIZED[first]
    return kind, size.unpack_from(data, at + 1)[0], at + 1 + size.size


def _is_text(first: int) -> bool:
    return 0xA0 <= first <= 0xBF or 0xD9 <= first <= 0xDB
