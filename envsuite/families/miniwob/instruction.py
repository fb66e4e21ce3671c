"""What an episode asks for, as arrays: the instruction, and the keys and values of its fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from envsuite.families.miniwob.fields import Field
from envsuite.families.miniwob.nodes import BUCKETS, as_bytes, as_tokens

KEY_BYTES, VALUE_BYTES = 32, 64
"""Bytes of UTF-8 of a field's key and of its value; in tokens an eighth of it, as of the instruction."""
_NAMES = ("utterance", "field_keys", "field_values")


class Instruction:
    """The text and the fields of an episode; `tell` sets them, and their arrays are written then."""

    def __init__(self, *, utterance_bytes: int, max_fields: int, tokens: bool) -> None:
        """Begins with nothing told.

        Args:
            utterance_bytes: Bytes of UTF-8 of the text; further ones are cut off.
            max_fields: Fields that are told; further ones are dropped.
            tokens: Whether the arrays hold hashed words instead of bytes, an eighth as many.
        """
        self._tokens = tokens
        self._max_fields = max_fields
        whole, *lengths = [length // 8 if tokens else length for length in (utterance_bytes, KEY_BYTES, VALUE_BYTES)]
        shapes = ((whole,), *((max_fields, length) for length in lengths))
        dtype = np.int16 if tokens else np.uint8
        self.arrays = {name: np.zeros(shape, dtype) for name, shape in zip(_NAMES, shapes, strict=True)}
        """By the name that they have in an observation."""
        self.tell("", ())

    def tell(self, utterance: str, fields: Sequence[Field]) -> None:
        """Takes what an episode asks for."""
        self.utterance = utterance
        self.fields = tuple(fields)[: self._max_fields]
        write = as_tokens if self._tokens else as_bytes
        whole, keys, values = (self.arrays[name] for name in _NAMES)
        whole[:] = write(utterance, len(whole))
        for rows, texts in ((keys, [key for key, _ in self.fields]), (values, [value for _, value in self.fields])):
            rows[:] = 0
            for row, text in enumerate(texts):
                rows[row] = write(text, rows.shape[1])

    def spaces(self) -> dict[str, spaces.Space[Any]]:
        """Returns the spaces of the arrays."""
        high = BUCKETS - 1 if self._tokens else 255
        return {
            name: spaces.Box(0, high, array.shape, np.int16 if self._tokens else np.uint8)
            for name, array in self.arrays.items()
        }
