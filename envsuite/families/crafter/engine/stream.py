"""The random numbers of a world: numpy's legacy generator, word for word, and the seed that a world gets.

MT19937 (Matsumoto and Nishimura 1998) as `numpy.random.RandomState(int)` seeds and draws from it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.crafter.engine.compiled import inlined, kernel
from envsuite.families.crafter.engine.layout import STREAM_WORDS

_SHIFT = 397
_UPPER, _LOWER = np.uint32(0x80000000), np.uint32(0x7FFFFFFF)
_MATRIX = np.uint32(0x9908B0DF)
_ONE, _NONE = np.uint32(1), np.uint32(0)
_TEMPER_B, _TEMPER_C = np.uint32(0x9D2C5680), np.uint32(0xEFC60000)
_S5, _S6, _S7, _S11, _S15, _S18 = (np.uint32(bits) for bits in (5, 6, 7, 11, 15, 18))
_SEED_MULTIPLIER = np.uint64(1812433253)
_WORD = np.uint64(0xFFFFFFFF)
_S30 = np.uint64(30)

_PRIME_1, _PRIME_2 = np.uint64(11400714785074694791), np.uint64(14029467366897019727)
_PRIME_5 = np.uint64(2870177450012600261)
_PAIR = np.uint64(2 ^ (2870177450012600261 ^ 3527539))
_L31, _R33 = np.uint64(31), np.uint64(33)
_WORLD_SEEDS = 2**31 - 1


@kernel
def world_seed(seed_hash: int, episode: int) -> Any:
    """Returns `hash((seed, episode)) % (2**31 - 1)`, CPython's hash of a tuple of two integers (xxHash)."""
    mixed = _PRIME_5
    for lane in (np.uint64(seed_hash), np.uint64(episode)):
        mixed = mixed + lane * _PRIME_2
        mixed = ((mixed << _L31) | (mixed >> _R33)) * _PRIME_1
    mixed = mixed + _PAIR
    value = np.int64(mixed)
    if value == -1:
        value = np.int64(1546275796)
    return value % _WORLD_SEEDS


@kernel
def seed_stream(stream: Any, seed: int) -> None:
    """Sets the state that `RandomState(seed)` begins with, for a seed below 2**32."""
    word = np.uint64(seed)
    stream[0] = np.uint32(word)
    for index in range(1, STREAM_WORDS):
        word = (_SEED_MULTIPLIER * (word ^ (word >> _S30)) + np.uint64(index)) & _WORD
        stream[index] = np.uint32(word)
    stream[STREAM_WORDS] = np.uint32(STREAM_WORDS)


@kernel
def _twisted(first: Any, second: Any) -> Any:
    mixed = (first & _UPPER) | (second & _LOWER)
    return (mixed >> _ONE) ^ (_MATRIX if mixed & _ONE else _NONE)


@kernel
def _refill(stream: Any) -> None:
    """Replaces all words by the next ones."""
    last = STREAM_WORDS - 1
    for index in range(STREAM_WORDS - _SHIFT):
        stream[index] = stream[index + _SHIFT] ^ _twisted(stream[index], stream[index + 1])
    for index in range(STREAM_WORDS - _SHIFT, last):
        stream[index] = stream[index + _SHIFT - STREAM_WORDS] ^ _twisted(stream[index], stream[index + 1])
    stream[last] = stream[_SHIFT - 1] ^ _twisted(stream[last], stream[0])


@inlined
def _tempered(word: Any) -> Any:
    word = word ^ (word >> _S11)
    word = word ^ ((word << _S7) & _TEMPER_B)
    word = word ^ ((word << _S15) & _TEMPER_C)
    return word ^ (word >> _S18)


@inlined
def next_word(stream: Any) -> Any:
    """Returns the next 32 bits."""
    used = np.int64(stream[STREAM_WORDS])
    if used == STREAM_WORDS:
        _refill(stream)
        used = np.int64(0)
    stream[STREAM_WORDS] = np.uint32(used + 1)
    return _tempered(stream[used])


@inlined
def _fraction(high: Any, low: Any) -> float:
    """Returns a number in [0, 1) from two words: 27 bits of the first, 26 of the second."""
    return (np.float64(high >> _S5) * 67108864.0 + np.float64(low >> _S6)) / 9007199254740992.0


@inlined
def uniform(stream: Any) -> float:
    """Returns what `RandomState.uniform()` does: a number in [0, 1), from two words."""
    high = next_word(stream)
    return _fraction(high, next_word(stream))


@kernel
def below(stream: Any, count: int) -> Any:
    """Returns what `RandomState.randint(0, count)` does: masked words until one fits, none for a count of 1."""
    limit = np.uint32(count - 1)
    if limit == _NONE:
        return 0
    mask = limit
    for shift in (1, 2, 4, 8, 16):
        mask = mask | (mask >> np.uint32(shift))
    word = next_word(stream) & mask
    while word > limit:
        word = next_word(stream) & mask
    return np.int64(word)


@kernel
def skip(stream: Any, words: int) -> None:
    """Goes on as if `words` words had been drawn."""
    used = np.int64(stream[STREAM_WORDS]) + words
    while used > STREAM_WORDS:
        _refill(stream)
        used -= STREAM_WORDS
    stream[STREAM_WORDS] = np.uint32(used)


@kernel
def fill_fractions(stream: Any, words: Any, out: Any) -> None:
    """Writes what `len(out)` calls of `uniform` would return; `words` is scratch of twice that length."""
    done, wanted = 0, 2 * len(out)
    used: Any = np.int64(stream[STREAM_WORDS])
    while done < wanted:
        if used == STREAM_WORDS:
            _refill(stream)
            used = np.int64(0)
        block: Any = min(wanted - done, STREAM_WORDS - used)
        for index in range(block):
            words[done + index] = _tempered(stream[used + index])
        done += block
        used += block
    stream[STREAM_WORDS] = np.uint32(used)
    for index in range(len(out)):
        out[index] = _fraction(words[2 * index], words[2 * index + 1])
