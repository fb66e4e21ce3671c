"""Install: a folder in which programs for the game find the simulator in the game's place."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from envsuite.errors import InvalidArgument
from envsuite.families.starcraft2.protocol.info import BUILD, LABEL
from envsuite.families.starcraft2.protocol.maps import EXTENSION, FOLDERS, stub_of

BINARY = Path("Versions", f"Base{BUILD}", "SC2_x64")
_README = Path("README-envsuite.txt")
_TEXT = f"""\
This is not StarCraft II. It is a folder in the form of an install of the game, made by
`envsuite starcraft2 install-sim`.

Versions/Base{BUILD}/SC2_x64 starts {LABEL}, a simulator that speaks the game's protocol; its scores are not the game's.
The maps are stubs that only hold a place: the simulator has rules and terrain of its own and knows maps by their names.

Set SC2PATH to this folder and start your program.
"""


def install_simulator(folder: Path) -> list[Path]:
    """Makes the folder, or renews what such a folder holds, and returns the files in it.

    Raises `InvalidArgument` where something else than the simulator is in the way, and writes nothing then.
    """
    root = folder.expanduser().absolute()
    if root.exists() and not root.is_dir():
        raise InvalidArgument(f"folder: expected a folder or a new name, got the file {root}")
    foreign = [path for path in root.glob("Versions/Base*/*") if path != root / BINARY or not _is_ours(path)]
    if foreign:
        raise InvalidArgument(
            f"folder: expected one without the game, got {root} with {foreign[0].relative_to(root)}; name another"
        )
    files = {BINARY: _script(), _README: _TEXT.encode()}
    for name, maps in FOLDERS.items():
        files |= {Path("Maps", name, map_name + EXTENSION): stub_of(map_name) for map_name in maps}
    for place, content in files.items():
        path = root / place
        if place.suffix == EXTENSION and path.exists() and path.read_bytes() != content:
            continue  # a map of the game's, which serves as well and may be wanted
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (root / "Replays").mkdir(exist_ok=True)
    (root / BINARY).chmod(0o755)
    return [root / place for place in files]


def _script() -> bytes:
    """Returns the script that starts the server with the interpreter that runs now."""
    command = f"exec {shlex.quote(sys.executable)} -P -m envsuite.families.starcraft2.protocol.server"
    return f'#!/bin/sh\n# {LABEL} in the place of StarCraft II, which this is not.\n{command} "$@"\n'.encode()


def _is_ours(path: Path) -> bool:
    return path.is_file() and b"envsuite" in path.read_bytes()[:4096]
