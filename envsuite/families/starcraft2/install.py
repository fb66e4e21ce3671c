"""Finds the game on this machine, tells its version, and says what is wrong with an install that cannot be used."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from envsuite.errors import MissingSimulator

PATH_VARIABLE = "SC2PATH"
OLDEST_BUILD = 55958
"""Of version 3.16.1, the first that answers pysc2."""
MINI_GAMES = (
    *("MoveToBeacon", "CollectMineralShards", "FindAndDefeatZerglings", "DefeatRoaches"),
    *("DefeatZerglingsAndBanelings", "CollectMineralsAndGas", "BuildMarines"),
)
MAPS_FOLDER = Path("Maps", "mini_games")
"""Of the mini-games' maps, below the folder of the game."""
GET_GAME = (
    "Blizzard's builds for Linux are listed under Linux Packages in the README of github.com/Blizzard/s2client-proto "
    "(4.10 is the newest; whoever unpacks one agrees to the licence that is named there). Unpack one in your home "
    f"folder, so that ~/StarCraftII/Versions is there, or set {PATH_VARIABLE} to the folder that holds Versions"
)
GET_MAPS = (
    "The maps are in the folder pysc2/maps/mini_games of the repository github.com/google-deepmind/pysc2, not in its "
    "package: copy its .SC2Map files to"
)
INSTEAD = "Without the game there are the simulator's tasks, envsuite/starcraft2-sim-..."
_NAMES = {55958: "3.16.1", 69232: "4.6.2", 75689: "4.10.0", 75800: "4.10.1", 87702: "5.0.9"}
"""Versions by their builds, where a build is of one version only; the running game tells its version itself."""
_DEFAULTS = {"darwin": "/Applications/StarCraft II"}
_BINARIES = {"darwin": "SC2.app/Contents/MacOS/SC2"}
_DEFAULT, _BINARY = "~/StarCraftII", "SC2_x64"
_PREFIX = "Base"
_SCRIPT_BYTES = 4096
_SIMULATOR = b"envsuite.families.starcraft2"
"""What the script of `install-sim` runs."""
_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """An install that can be started."""

    root: Path
    """The folder that holds Versions and Maps."""
    build: int
    binary: Path
    maps: Mapping[str, Path]
    """The mini-games' maps that are there, by the mini-game's name."""
    simulator: bool
    """Whether the binary starts envsuite's simulator in the game's place."""

    @property
    def version(self) -> str:
        """What is known of the version before the game runs: `4.10.0 (build 75689)`, or the build alone."""
        name = _NAMES.get(self.build)
        return f"{name} (build {self.build})" if name else f"build {self.build}"


def find_game(mini_game: str | None = None, *, build: int | None = None, allow_simulator: bool = False) -> Game:
    """Returns the install that pysc2 would start.

    Args:
        mini_game: whose map has to be there; None asks for no map.
        build: which build; None takes the newest, as pysc2 does.
        allow_simulator: takes a folder made by `envsuite starcraft2 install-sim`, too.

    Raises `MissingSimulator`, which says what was looked for, where, what was found, and what to do.
    """
    root = _root()
    builds = _builds(root)
    chosen = max(builds) if build is None else build
    if chosen not in builds:
        found = ", ".join(map(str, sorted(builds)))
        raise _missing(f"build {chosen} in {root / 'Versions'}", f"builds {found}", GET_GAME)
    if chosen < OLDEST_BUILD:
        raise _missing(
            f"a build of at least {OLDEST_BUILD} (3.16.1, the first that pysc2 can talk to) in {root / 'Versions'}",
            f"build {chosen}",
            GET_GAME,
        )
    binary = _checked_binary(root / "Versions" / f"{_PREFIX}{chosen:05d}" / _BINARIES.get(sys.platform, _BINARY))
    simulator = _starts_simulator(binary)
    if simulator and not allow_simulator:
        raise _missing(
            f"the game at {root}",
            "envsuite's simulator in its place (of `envsuite starcraft2 install-sim`), whose scores are not the game's",
            f"Unset {PATH_VARIABLE}, or set it to the folder of the game",
        )
    maps = _maps(root)
    if mini_game is not None and mini_game not in maps:
        raise _missing_map(root, mini_game, maps)
    return Game(root=root, build=chosen, binary=binary, maps=maps, simulator=simulator)


def identify() -> str:
    """Returns the version of the installed game and a hash of its mini-game maps, "" where there is no game."""
    try:
        game = find_game()
    except MissingSimulator:
        return ""
    return f"{game.version}, maps {maps_digest(game)}" if game.maps else f"{game.version}, no mini-game maps"


def doctor_part() -> dict[str, str | None]:
    """Returns the game's row among the optional parts of `envsuite doctor`."""
    row: dict[str, str | None] = {"part": "StarCraft II", "purpose": "the mini-games in the game itself", "command": ""}
    try:
        game = find_game()
    except MissingSimulator as error:
        problem = str(error).partition(". ")[0].removeprefix("StarCraft II: ")
        return {**row, "found": None, "command": f"see docs/how-to/starcraft2.md  # {problem}"}
    return {**row, "found": f"{game.version}, {len(game.maps)} of {len(MINI_GAMES)} maps, {game.root}"}


def sha256_of(data: bytes) -> str:
    """Returns the SHA-256 of a map's file in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def maps_digest(game: Game) -> str:
    """Returns 12 hexadecimal digits that change when any of the installed mini-game maps does."""
    lines = [f"{name} {sha256_of(path.read_bytes())}" for name, path in sorted(game.maps.items())]
    return sha256_of("\n".join(lines).encode())[:12]


def _missing(expected: str, got: str, fix: str) -> MissingSimulator:
    return MissingSimulator(f"StarCraft II: expected {expected}, got {got}. {fix}. {INSTEAD}")


def _root() -> Path:
    named = os.environ.get(PATH_VARIABLE)
    where = named or _DEFAULTS.get(sys.platform, _DEFAULT)
    root = Path(where).expanduser()
    how = f"{PATH_VARIABLE}={named}" if named else f"{where}, for {PATH_VARIABLE} is not set"
    if not root.exists():
        raise _missing(f"the game's folder at {root} ({how})", "nothing there", GET_GAME)
    if not root.is_dir():
        raise _missing(f"the game's folder at {root} ({how})", "a file", GET_GAME)
    return root


def _builds(root: Path) -> set[int]:
    """Returns the numbers of the builds that lie in the folder of the game."""
    versions = root / "Versions"
    if not versions.is_dir():
        inner = [path.parent for path in sorted(root.glob("*/Versions"))]
        if inner:
            raise _missing(f"the folder {versions}", f"{inner[0] / 'Versions'}", f"Set {PATH_VARIABLE} to {inner[0]}")
        raise _missing(f"the folder {versions}", _listed(root), GET_GAME)
    names = [name for name in _names(versions) if name.startswith(_PREFIX)]
    strange = [name for name in names if not name.removeprefix(_PREFIX).isdecimal()]
    if strange:
        raise _missing(
            f"folders named {_PREFIX} and a number in {versions}, the only ones that pysc2 can read",
            strange[0],
            "Rename it or move it out",
        )
    if not names:
        raise _missing(f"a folder {_PREFIX}<build> in {versions}", _listed(versions), GET_GAME)
    return {int(name.removeprefix(_PREFIX)) for name in names}


def _checked_binary(binary: Path) -> Path:
    if not binary.is_file():
        fix = f"The install is not whole. {GET_GAME}"
        raise _missing(f"the game's binary at {binary}", _listed(binary.parent), fix)
    if not os.access(binary, os.X_OK):
        raise _missing(f"{binary} to be executable", "a file that is not", f'Run: chmod +x "{binary}"')
    return binary


def _starts_simulator(binary: Path) -> bool:
    """Returns whether a binary is the script of `install-sim`; the game's is no script."""
    with binary.open("rb") as file:
        start = file.read(_SCRIPT_BYTES)
    return start.startswith(b"#!") and _SIMULATOR in start


def _maps(root: Path) -> dict[str, Path]:
    paths = {name: root / MAPS_FOLDER / f"{name}.SC2Map" for name in MINI_GAMES}
    return {name: path for name, path in paths.items() if path.is_file()}


def _missing_map(root: Path, mini_game: str, maps: Mapping[str, Path]) -> MissingSimulator:
    folder = root / MAPS_FOLDER
    expected = f"the map {folder / mini_game}.SC2Map"
    if maps:
        return _missing(expected, f"only {', '.join(maps)} there", f"{GET_MAPS} {folder}")
    # Where the folder of maps has been unpacked beside the place where pysc2 looks for it.
    for name in ("mini_games", "Maps", "maps/mini_games", "Maps/Maps/mini_games"):
        other = root / name
        if (other / f"{mini_game}.SC2Map").is_file():
            return _missing(expected, f"it in {other}", f"Move the maps to {folder}")
    return _missing(expected, _listed(folder), f"{GET_MAPS} {folder}")


def _listed(folder: Path) -> str:
    """Returns in words what a folder holds."""
    if not folder.is_dir():
        return f"no folder {folder}"
    names = _names(folder)
    few = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    return f"{few} in {folder}" if names else f"{folder} empty"


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208
    except OSError as error:
        got = error.strerror or str(error)
        raise _missing(f"to read the folder {folder}", got, "Give yourself the right to") from error
