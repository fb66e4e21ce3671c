"""What an episode asks for, as arrays: the instruction, and the keys and values of its fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envsuite.families.miniwob.fields import Field
from envsuite.families.miniwob.nodes import BUCKETS, as_bytes, as_tokens

KEY_BYTES, VALUE_BYTES = 32, 64
"""Bytes of UTF-8 of a field's key and of its value; in tokens an eighth of it, as of the instruction."""


class Instruction:
    """The text and the fields of an episode; `tell` sets them, and their arrays are made once then."""

    def __init__(self, *, utterance_bytes: int, max_fields: int, tokens: bool) -> None:
        """Begins with nothing told.

        Args:
            utterance_bytes: Bytes of UTF-8 of the text; further ones are cut off.
            max_fields: Fields that are told; further ones are dropped.
            tokens: Whether the arrays hold hashed words instead of bytes, an eighth as many.
        """
        self._tokens = tokens
        self._max_fields = max_fields
        self._lengths = [length // 8 if tokens else length for length in (utterance_bytes, KEY_BYTES, VALUE_BYTES)]
        self.tell("", ())

    def tell(self, utterance: str, fields: Sequence[Field]) -> None:
        """Takes what an episode asks for."""
        self.utterance = utterance
        self.fields = tuple(fields)[: self._max_fields]
        write = as_tokens if self._tokens else as_bytes
        whole, short, long = self._lengths
        dtype = np.int16 if self._tokens else np.uint8
        keys, values = (np.zeros((self._max_fields, length), dtype) for length in (short, long))
        for row, (key, value) in enumerate(self.fields):
            keys[row], values[row] = write(key, short), write(value, long)
        self._arrays = {"utterance": write(utterance, whole), "field_keys": keys, "field_values": values}

    def spaces(self) -> dict[str, spaces.Space[Any]]:
        """Returns the spaces of the arrays."""
        high = BUCKETS - 1 if self._tokens else 255
        return {
            name: spaces.Box(0, high, array.shape, np.int16 if self._tokens else np.uint8)
            for name, array in self._arrays.items()
        }

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays; `tell` makes new ones."""
        return self._arrays
