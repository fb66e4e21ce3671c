"""Run config: how pysc2 finds the simulator in its own process, by the extension point that it has for installs."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any

import platformdirs

from envsuite.families.starcraft2.protocol.controller import LocalController
from envsuite.families.starcraft2.protocol.info import BUILD
from envsuite.families.starcraft2.protocol.maps import find_map, name_of, stub_of
from envsuite.families.starcraft2.protocol.pysc2_shim import load_pysc2

load_pysc2()

from pysc2.run_configs import lib  # noqa: E402  # pysc2 comes after its mends

VARIABLE = "ENVSUITE_SC2_SIM"
"""Set to 1 it lets pysc2 play on the simulator once this module is imported."""
_FIRST = 1000
_VERSIONS = {"latest": lib.Version("latest", BUILD, None, None), "4.10.0": lib.VERSIONS["4.10.0"]}
_asked = False


def use_simulator(wanted: bool = True) -> None:
    """Lets pysc2 play on the simulator in this process from now on, or on the game again."""
    global _asked
    _asked = wanted


class LocalGame:
    """What pysc2 takes for the process of a game."""

    host, port, pid = "in process", 0, None

    def __init__(self, version: Any) -> None:
        """Starts a session."""
        self.version = version
        self.controller: Any = LocalController()

    @property
    def running(self) -> bool:
        """Whether it has not been closed."""
        return self.controller is not None

    def close(self) -> None:
        """Ends the session; may be called twice."""
        if self.controller is not None:
            self.controller.quit()
            self.controller = None

    def __enter__(self) -> Any:
        return self.controller

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class EnvsuiteSimulator(lib.RunConfig):  # type: ignore[misc]  # pysc2 has no types
    """The simulator as an install of the game; pysc2 takes it before all others while it is asked for."""

    def __init__(self, version: Any = None) -> None:
        """Takes a version of the game that pysc2 asks for; what plays is the simulator all the same."""
        home = Path(platformdirs.user_data_path("envsuite")) / "starcraft2-sim"
        super().__init__(str(home / "Replays"), str(home), None, version or "latest")

    @classmethod
    def priority(cls) -> int | None:
        """Returns a high number while the simulator is asked for, else None."""
        return _FIRST if _asked or os.environ.get(VARIABLE) == "1" else None

    def get_versions(self, containing: str | None = None) -> dict[str, Any]:
        """Returns the versions that pysc2 may ask for; raises ValueError for another."""
        if containing is not None and containing not in _VERSIONS:
            raise ValueError(f"version: expected one of {', '.join(_VERSIONS)}, got {containing}")
        return dict(_VERSIONS)

    def map_data(self, map_name: str, players: int | None = None) -> bytes:
        """Returns a stub of a map; raises ValueError for one that the simulator does not have."""
        if find_map(map_name) is None:
            raise ValueError(f"Map {map_name} not found: expected a map of the simulator")
        return stub_of(name_of(map_name))

    def start(self, version: Any = None, **options: Any) -> LocalGame:
        """Returns a game that has started; what pysc2 would tell a process does not matter."""
        return LocalGame(version or self.version)
