"""What the simulator is called and which version it is."""

from __future__ import annotations

import importlib.metadata

SIMULATOR = "envsuite-sim"
"""Begins the version that the protocol tells, so that nobody takes the simulator for the game."""


def identify() -> str:
    """Returns the simulator's version, which is that of envsuite."""
    return importlib.metadata.version("envsuite")
