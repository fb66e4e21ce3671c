"""The compiler of the simulator's entry points."""

from __future__ import annotations

from pathlib import Path

from envsuite.compiled import Compiler, inlined, kernel

__all__ = ["announced", "entry_point", "inlined", "kernel"]

_HERE = Path(__file__).parent
_COMPILER = Compiler("starcraft2", "StarCraft II's simulator", (*_HERE.glob("*.py"), _HERE.parent / "codes.py"))
entry_point = _COMPILER.entry_point
announced = _COMPILER.announced
