r"""Canonical JSON: every value has exactly one form in bytes, so that bytes can be hashed, signed and compared.

It is `json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)` of Python 3, in
UTF-8. Keys are strings in the order of their code points; there is no white space; integers are exact; floats are the
shortest digits that read back as the same float, with a point or an exponent (`1.0`, `-0.0`, `1e+16`); strings escape
only the quote, the backslash and characters below U+0020. NaN and infinities do not exist in JSON and are refused;
who must keep them writes them as strings (`finite`).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from envsuite.errors import InvalidArgument, NotVerified


def canonical(value: Any) -> bytes:
    """Returns the canonical JSON of plain data: None, bool, int, float, str, lists, mappings of strings.

    Raises `InvalidArgument` for NaN, infinities, keys that are no strings, and anything JSON does not have.
    """
    try:
        _require_plain(value)
        return _dump(value)
    except (ValueError, RecursionError) as error:  # UnicodeEncodeError of a lone surrogate is a ValueError
        raise InvalidArgument(f"value: has no canonical JSON: {error}") from error


def _dump(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def parse(data: bytes) -> Any:
    r"""Returns the value whose canonical JSON is `data`; raises `NotVerified` for every other form of it.

    A key that comes twice, white space, `1E5`, `\u0041`, NaN: whatever `canonical` would not have written.
    """
    try:
        value = json.loads(data.decode())
        again = _dump(value)  # what was read is plain
    except (ValueError, RecursionError) as error:
        raise NotVerified(f"not canonical JSON: {error}") from error
    if again != data:
        at = next((i for i, (a, b) in enumerate(zip(data, again, strict=False)) if a != b), min(len(data), len(again)))
        raise NotVerified(
            f"not canonical JSON from byte {at}: expected {again[at : at + 20]!r}, got {data[at : at + 20]!r}"
        )
    return value


def finite(value: Any) -> Any:
    """Returns plain data with NaN, infinities as "NaN", "Infinity", "-Infinity", and mappings and tuples made plain.

    `float` and NumPy read these three words back.
    """
    if isinstance(value, Mapping):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _require_plain(value: Any) -> None:
    """Raises `InvalidArgument` for what `json.dumps` would take but not give back."""
    if isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                raise InvalidArgument(f"expected strings as keys, got {key!r}")
            _require_plain(part)
    elif isinstance(value, list | tuple):
        for part in value:
            _require_plain(part)
    elif not (value is None or isinstance(value, bool | int | float | str)):
        raise InvalidArgument(f"expected plain data, got {type(value).__name__}")


def sha256(data: bytes) -> str:
    """Returns the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
