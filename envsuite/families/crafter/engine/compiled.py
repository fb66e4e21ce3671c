"""The compiler of the engine's entry points."""

from __future__ import annotations

from pathlib import Path

from envsuite.compiled import Compiler, inlined, kernel
from envsuite.families.crafter.engine.tables import package_folder

__all__ = ["announced", "entry_point", "inlined", "kernel"]

_ENGINE = Path(__file__).parent
_COMPILER = Compiler(
    "crafter", "Crafter", [*_ENGINE.glob("*.py"), _ENGINE.parent / "rules.py", package_folder() / "data.yaml"]
)
entry_point = _COMPILER.entry_point
announced = _COMPILER.announced
