"""Values on the wire: msgpack, with arrays, numpy scalars and tuples as extension types. Never pickle.

Both sides use it. The trusted side reads with `decode_hostile`, which lets `skim` walk over the bytes
before anything is built from them: no frame costs more than ten times its own length (copies of tuples, and
texts of which one character takes four bytes) and `skim.MAX_ITEMS` objects.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass
from typing import Any

import msgpack  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from .frames import BadFrame
from .skim import ARRAY, SCALAR, TUPLE, UNSENDABLE, skim

MAX_DIMENSIONS = 32
MAX_DESCRIPTION = 200
"""Characters of the description of a value that cannot be sent."""
_KINDS = "biufc"
"""Kinds of dtype that are sent: numbers. Arrays of text could hold code points that Python refuses to print."""
_DTYPE = re.compile(rb"[<>|](?:b1|[iu][1248]|f(?:2|4|8|16)|c(?:8|16|32))")
_heads: dict[bytes, tuple[np.dtype[Any], tuple[int, ...], int]] = {}
_MAX_HEADS = 256


@dataclass(frozen=True, slots=True)
class Unsendable:
    """Stands for an answer that no frame can carry, such as an object array; no space contains it."""

    description: str

    def __repr__(self) -> str:
        return self.description


def encode(value: Any) -> bytes:
    """Returns the bytes of a value; what has no form becomes `Unsendable`, alone or inside a container.

    Kept exactly: None, bool, int of 64 bits, float, str, bytes, list, tuple, dict, and numpy's arrays and
    scalars of numbers. Subclasses become what they derive from. Raises ValueError for a container that
    holds itself.
    """
    return msgpack.packb(value, default=_default, strict_types=True)  # type: ignore[no-any-return]


def decode(body: bytes | memoryview) -> Any:
    """Returns the value of bytes from a trusted writer; its arrays are fresh and writable."""
    return msgpack.unpackb(body, ext_hook=_ext_hook, strict_map_key=False)


def decode_hostile(body: bytes | memoryview) -> Any:
    """Returns the value of bytes from anybody; raises `BadFrame`, and nothing else, where they hold none."""
    skim(body)
    try:
        return decode(body)
    except BadFrame:
        raise
    except (ValueError, TypeError, OverflowError, LookupError, struct.error, msgpack.UnpackException) as error:
        raise BadFrame(f"it cannot be decoded: {error}"[:MAX_DESCRIPTION]) from None


def _default(value: Any) -> Any:
    """Returns what is packed in place of a value that msgpack does not know."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind in _KINDS and value.ndim <= MAX_DIMENSIONS:
            return msgpack.ExtType(ARRAY, _pack(value))
        return _unsendable(f"an array of shape {value.shape} and dtype {value.dtype}")
    if isinstance(value, tuple):
        return msgpack.ExtType(TUPLE, encode(list(value)))
    if isinstance(value, Unsendable):
        return _unsendable(value.description)
    kind: Any
    for kind in (str, bytes, dict, list):  # before the scalars: numpy's text is Python's too
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, np.generic) and value.dtype.kind in _KINDS:
        return msgpack.ExtType(SCALAR, _pack(value))
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**63 else _unsendable("an integer of more than 64 bits")
    return _unsendable(f"a {type(value).__module__}.{type(value).__qualname__}")


def _unsendable(description: str) -> msgpack.ExtType:
    return msgpack.ExtType(UNSENDABLE, description[:MAX_DESCRIPTION].encode(errors="replace"))


def _pack(value: NDArray[Any] | np.generic) -> bytes:
    """Returns the number of dimensions, the dtype's length, the dtype, the shape, and the elements in C order."""
    dtype, shape = value.dtype.str.encode(), value.shape
    return struct.pack(f"<BB{len(dtype)}s{len(shape)}Q", len(shape), len(dtype), dtype, *shape) + value.tobytes()


def _ext_hook(code: int, data: bytes) -> Any:
    """Returns the value of an extension; raises `BadFrame` or an error that `decode_hostile` turns into one."""
    if code == TUPLE:
        return tuple(decode(data))
    if code == UNSENDABLE:
        return Unsendable("".join(c if c.isprintable() else "?" for c in data.decode()[:MAX_DESCRIPTION]))
    dtype, shape, start = _heads.get(data[: 2 + data[1] + 8 * data[0]]) or _head(data)
    count = math.prod(shape)
    if count * dtype.itemsize != len(data) - start:
        raise BadFrame(f"an array of shape {shape} and dtype {dtype} has {len(data) - start:,} bytes")
    if code == SCALAR and shape:
        raise BadFrame("a scalar has dimensions")
    if count == 0:
        return np.empty(shape, dtype)
    if dtype.kind == "b" and np.frombuffer(data, np.uint8, count, start).max() > 1:
        raise BadFrame("a boolean is neither 0 nor 1")
    array: NDArray[Any] = np.frombuffer(data, dtype, count, start)
    return array[0] if code == SCALAR else array.reshape(shape).copy()


def _head(data: bytes) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Returns dtype and shape of a packed array and where its elements begin; remembered, there are few."""
    dimensions, length = data[0], data[1]
    start = 2 + length + 8 * dimensions
    name = data[2 : 2 + length]
    if dimensions > MAX_DIMENSIONS or not _DTYPE.fullmatch(name):
        raise BadFrame(f"an array of {dimensions} dimensions and dtype {name[:16]!r} is not allowed")
    head = np.dtype(name.decode()), struct.unpack_from(f"<{dimensions}Q", data, 2 + length), start
    if len(_heads) >= _MAX_HEADS:
        _heads.clear()
    _heads[data[:start]] = head
    return head
