"""The random stream of a game: SplitMix64 on a word of the state (Steele, Lea, Flood, OOPSLA 2014, figure 15)."""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.starcraft2.engine.compiled import inlined, kernel

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_TO_UNIT = 1.0 / 9007199254740992.0


@kernel
def draw(state: Any) -> Any:
    """Returns the next word of the stream in a STATE record."""
    state.random = state.random + _GAMMA
    word = state.random
    word = (word ^ (word >> _30)) * _MIX_1
    word = (word ^ (word >> _27)) * _MIX_2
    return word ^ (word >> _31)


@inlined
def uniform(state: Any, low: Any, high: Any) -> Any:
    """Returns a number in [low, high)."""
    return low + (high - low) * (float(draw(state) >> _11) * _TO_UNIT)


@inlined
def below(state: Any, count: Any) -> Any:
    """Returns an integer in [0, count); its bias is below count / 2^53."""
    return int(float(draw(state) >> _11) * _TO_UNIT * count)
