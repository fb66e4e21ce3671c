"""One game process and what is said to it: through pysc2's own client, with limits of time and of trust."""

from __future__ import annotations

import contextlib
import difflib
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from envsuite.errors import EnvsuiteError, MissingSimulator, UnknownName
from envsuite.families.starcraft2 import game_keeper
from envsuite.families.starcraft2.identity import SIMULATOR
from envsuite.families.starcraft2.install import GET_MAPS, MAPS_FOLDER, PATH_VARIABLE, Game, find_game, sha256_of
from envsuite.families.starcraft2.protocol.pysc2_shim import load_pysc2

load_pysc2()

import websocket  # noqa: E402  # pysc2 and what it needs come after its mends
from google.protobuf.message import DecodeError  # noqa: E402
from pysc2 import run_configs  # noqa: E402
from pysc2.lib import features, protocol, remote_controller, sc_process  # noqa: E402
from pysc2.run_configs import lib as run_configs_lib  # noqa: E402
from s2clientprotocol import common_pb2, sc2api_pb2  # noqa: E402

STEP_LOOPS = 8
START_S = 120
"""Seconds that a game has to start; it takes tens of seconds on a cold disk."""
_LOG_BYTES, _LOG_LINES = 4096, 6
_ENDING_S, _KILLED_S = 0.5, 2.5
_CAMERA_WIDTH = 24
_FAILURES = (
    *(sc_process.SC2LaunchError, remote_controller.ConnectError, remote_controller.RequestError),
    *(protocol.ConnectionError, protocol.ProtocolError, websocket.WebSocketException, DecodeError, OSError, ValueError),
)
"""What pysc2 raises when the game is gone, does not answer, or answers what it should not."""


class GameCrashed(EnvsuiteError, RuntimeError):
    """Raised when the game has ended, or does not answer as it should; the next reset starts it anew."""


def build_of(version: str | None) -> int | None:
    """Returns the build of a version such as "4.10"; raises `UnknownName` with the nearest that pysc2 knows."""
    if version is None:
        return None
    known = run_configs_lib.VERSIONS
    name = f"{version}.0" if version.count(".") == 1 else version
    if name not in known:
        names = sorted(known, key=lambda each: known[each].build_version)
        near = ", ".join(difflib.get_close_matches(name, names)) or f"{names[0]} to {names[-1]}"
        raise UnknownName(
            f"version: expected a version of StarCraft II that pysc2 knows, such as {near}, got {version!r}"
        )
    return int(known[name].build_version)


class _Process(sc_process.StarcraftProcess):  # type: ignore[misc]  # pysc2 has no types
    """A game whose words go to a file, and that ends with this process whatever ends that."""

    def __init__(self, run_config: Any, game: Game, timeout_s: float, log: IO[bytes]) -> None:
        self._owner = os.getpid()
        self._log = log
        super().__init__(run_config, exec_path=str(game.binary), version=run_config.version, timeout_seconds=START_S)
        self.controller._client._sock.settimeout(timeout_s)  # pysc2 has one limit for start and answers

    def _launch(self, run_config: Any, args: list[str], **kwargs: Any) -> subprocess.Popen[bytes]:
        del kwargs
        keeper = [sys.executable, "-I", "-S", str(Path(game_keeper.__file__).resolve()), str(os.getpid())]
        return subprocess.Popen(
            [*keeper, *args],
            cwd=run_config.cwd,
            env=run_config.env,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def status(self) -> int | None:
        """Returns the exit status of a game that has ended or is just about to, None of one that runs on."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return int(self._proc.wait(_ENDING_S)) if self._proc else None
        return None

    def kill(self) -> None:
        """Ends a game that may not answer any more, for which `close` would wait."""
        if self._proc and os.getpid() == self._owner:
            self._proc.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._proc.wait(_KILLED_S)

    def close(self) -> None:
        """Ends the game and removes its temporary folder; in a forked child does nothing."""
        if os.getpid() == self._owner:
            super().close()


class GameClient:
    """A player in a game of its own, which is started when it is first needed."""

    def __init__(
        self, mini_game: str, size: int, *, version: str | None, timeout_s: float, allow_simulator: bool
    ) -> None:
        """Finds the game and reads the map; starts nothing.

        Args:
            mini_game: its name in pysc2.
            size: side of the screen and the minimap in pixels.
            version: which of the installed versions; None takes the newest.
            timeout_s: seconds that an answer may take.
            allow_simulator: takes envsuite's simulator for the game.

        Raises `MissingSimulator` and `UnknownName`.
        """
        if not timeout_s > 0:
            raise ValueError(f"timeout_s: expected more than 0 seconds, got {timeout_s}")
        self._mini_game, self._version, self._timeout_s = mini_game, version, timeout_s
        self._allow_simulator = allow_simulator
        self._game = find_game(mini_game, build=build_of(version), allow_simulator=allow_simulator)
        self._map = self._game.maps[mini_game].read_bytes()
        self.map_sha256 = sha256_of(self._map)
        dimensions = features.Dimensions(screen=size, minimap=size)
        self._format = features.AgentInterfaceFormat(
            feature_dimensions=dimensions, use_feature_units=True, camera_width_world_units=_CAMERA_WIDTH
        )
        self._process: _Process | None = None
        self._log: IO[bytes] | None = None
        self.features: Any = None
        """pysc2's `Features` of the running game."""
        self.game_version = ""
        """As the running game tells it."""

    @property
    def simulator(self) -> bool:
        """Whether it is envsuite's simulator that answers."""
        return self.game_version.startswith(SIMULATOR)

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """The process that keeps the game's; the game ends with it."""
        return self._process.pid if self._process else None

    @property
    def tmp_dir(self) -> str | None:
        """The folder of the game's temporary files, which goes with it."""
        return self._process._tmp_dir if self._process else None  # pysc2 tells it nowhere

    def begin(self, seed: int) -> Any:
        """Returns the first observation of a new game; the process is started where none is left."""
        with self.guard("start a game"):
            if self._process is None:
                self._start()
            self._create(seed)
            self._join()
            return self._observe(0)

    def restart(self) -> Any:
        """Returns the first observation of the next episode of the game; raises `GameCrashed` without one."""
        with self.guard("restart the game"):
            self._controller.restart()
            return self._observe(0)

    def act(self, action: Any, loop: int) -> Any:
        """Returns the observation after an action (None for none) and a step, which begins at `loop`."""
        with self.guard("take a step"):
            controller = self._controller
            controller.actions(sc2api_pb2.RequestAction(actions=[] if action is None else [action]))
            controller.step(STEP_LOOPS)
            return self._observe(loop + STEP_LOOPS)

    @contextlib.contextmanager
    def guard(self, what: str) -> Iterator[None]:
        """Ends a game that fails, and one that is interrupted: the next request would take the answer for its own."""
        try:
            yield
        except _FAILURES as error:
            late = "timed out" in str(error)
            words = self._last_words(late)
            limit = f"within {math.ceil(self._timeout_s)} s" if late else "as it should"
            self._kill()
            raise GameCrashed(
                f"StarCraft II: expected the game to {what} {limit}, got: {type(error).__name__}: {error}; {words}. "
                "reset() starts it anew"
            ) from error
        except BaseException:
            self._kill()
            raise

    def close(self) -> None:
        """Ends the process and removes its temporary folder; may be called twice."""
        process, self._process = self._process, None
        log, self._log = self._log, None
        if process is not None:
            process.close()
        if log is not None:
            log.close()

    @property
    def _controller(self) -> Any:
        if self._process is None:
            raise GameCrashed("the game of this episode has ended; reset() starts a new one")
        return self._process.controller

    def _start(self) -> None:
        run_config = run_configs.get(version=self._version)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # the game writes to it as long as it runs
        self._process = _Process(run_config, self._game, self._timeout_s, self._log)
        self.game_version = str(self._controller.ping().game_version)
        if self.simulator and not self._allow_simulator:
            raise MissingSimulator(
                f"StarCraft II: expected the game at {self._game.root}, got {self.game_version}, envsuite's simulator, "
                f"whose scores are not the game's. Unset {PATH_VARIABLE}, or set it to the folder of the game; to play "
                "on the simulator make one of envsuite/starcraft2-sim-..."
            )

    def _create(self, seed: int) -> None:
        request = sc2api_pb2.RequestCreateGame(random_seed=seed % 2**32)
        request.local_map.map_path = f"mini_games/{self._mini_game}.SC2Map"
        request.local_map.map_data = self._map
        request.player_setup.add(type=sc2api_pb2.Participant)
        try:
            self._controller.create_game(request)
        except remote_controller.RequestError as error:
            folder = self._game.root / MAPS_FOLDER
            raise MissingSimulator(
                f"StarCraft II: expected {self.game_version} to load {folder / self._mini_game}.SC2Map "
                f"({len(self._map)} bytes, SHA-256 {self.map_sha256}), got: {error}. {GET_MAPS} {folder}"
            ) from error

    def _join(self) -> None:
        resolution, minimap = self._format.feature_dimensions.screen, self._format.feature_dimensions.minimap
        options = sc2api_pb2.InterfaceOptions(raw=True, score=True, raw_affects_selection=True)
        options.feature_layer.width = _CAMERA_WIDTH
        resolution.assign_to(options.feature_layer.resolution)
        minimap.assign_to(options.feature_layer.minimap_resolution)
        self._controller.join_game(
            sc2api_pb2.RequestJoinGame(race=common_pb2.Terran, options=options, player_name="envsuite")
        )
        self.features = features.features_from_game_info(
            self._controller.game_info(), agent_interface_format=self._format, map_name=self._mini_game
        )

    def _observe(self, target: int) -> Any:
        response = self._controller.observe(target_game_loop=target)
        loop = response.observation.game_loop
        if loop < target and not response.player_result:
            raise GameCrashed(f"expected the game to be at loop {target}, got {loop}")
        return response

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
        self.close()

    def _last_words(self, late: bool) -> str:
        """Returns how the process ended, if it is not just late, and the last lines that it has written."""
        status = self._process.status() if self._process and not late else None
        how = "the game did not start" if self._process is None else "the game still runs"
        how = how if status is None else f"the game ended with status {status}"
        if self._log is None:
            return how
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - _LOG_BYTES))
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return "\n".join([f"{how}; it wrote last:", *lines[-_LOG_LINES:]]) if lines else how
