"""Named seed streams derived from one root seed; nothing here touches a global generator."""

from __future__ import annotations

import hashlib

import numpy as np

SEED_BITS = 31
"""Derived seeds fit the 32-bit seeds of every simulator and library."""


def derive_seed(root: int, *names: str | int) -> int:
    """Returns a seed in [0, 2**31) that depends on the root and on every name.

    The same arguments give the same seed in any process and on any platform; streams of different
    names are independent (SHA-256 of the length-prefixed names).
    """
    digest = hashlib.sha256()
    for part in (root, *names):
        encoded = f"{type(part).__name__}:{part}".encode()
        digest.update(len(encoded).to_bytes(4, "big"))
        digest.update(encoded)
    return int.from_bytes(digest.digest()[:8], "big") >> (64 - SEED_BITS)


def stream(root: int, *names: str | int) -> np.random.Generator:
    """Returns a fresh generator for the named stream of a root seed."""
    return np.random.default_rng(derive_seed(root, *names))
