"""Match: one game that a session plays, watches or replays, and what is kept beside the engine's own records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.families.starcraft2.engine.console import Console
from envsuite.families.starcraft2.engine.games import Games
from envsuite.families.starcraft2.engine.layout import FOE, ME, TAG_SLOTS
from envsuite.families.starcraft2.engine.scenario import MELEE, Scenario
from envsuite.families.starcraft2.engine.screen import Screen
from envsuite.families.starcraft2.protocol import echo

MOST_LOOPS = 1 << 19
"""A game cannot go beyond this loop, as in the game."""
_OUT_OF_REACH = 1e9
"""Health of what nothing can kill."""
_MOST_TAG = 1 << 63
_CENTERED_LOOP = 2
"""When a melee reports that its camera was moved to the player's base, which the game does by itself."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a game is created with."""

    map_path: str
    scenario: Scenario
    disable_fog: bool
    setups: tuple[bytes, ...]
    """PlayerSetup messages, the participant's first."""


@dataclass(slots=True)
class Reports:
    """What is told to a client once."""

    actions: list[Any] = field(default_factory=list)
    errors: list[Any] = field(default_factory=list)
    chat: list[tuple[int, str]] = field(default_factory=list)


class Match:
    """A game in its episode, with the client's eyes and hands in it."""

    def __init__(self, rules: Rules, player: int, options: Any, screen: Screen, games: Games | None = None) -> None:
        """Allocates the game; `seed` or `replay_from`, then `begin`, come before anything else.

        Args:
            rules: what it is created with.
            player: whose eyes and hands the client has.
            options: the protocol's InterfaceOptions.
            screen: how large the client's pictures are.
            games: a game that is played elsewhere and only watched here.
        """
        self.rules, self.player, self.options = rules, player, options
        self.games = games or Games(1, rules.scenario)
        self.console = Console(self.games, player, screen)
        self.random = 0
        """State of the game's stream before the episode began."""
        self.log: list[tuple[int, str, bytes]] = []
        """(loop, name of the request, request) of everything that has changed the episode beside time."""
        self.waiting = Reports()
        """Told in the first observation behind the next step."""
        self.ready = Reports()
        """Told in the next observation."""
        self.untouchable: set[int] = set()
        """Players whose units nothing can hurt."""
        self.controls_enemy = False
        self.known_tags: set[int] = set()
        """Of the units in the last observation."""
        self.observed_loop = 0
        """Of the last observation."""
        self.cut_off = False
        """Whether a replay is at its end, where its game may have gone on."""

    @property
    def state(self) -> Any:
        """The engine's STATE record."""
        return self.games.batch.state[0, 0]

    @property
    def loop(self) -> int:
        """The loop that the game is at."""
        return int(self.state["loop"])

    @property
    def ended(self) -> bool:
        """Whether the game is over."""
        return bool(self.state["ended"])

    @property
    def own_record(self) -> Any:
        """The engine's PLAYER record of the client."""
        return self.games.batch.players[0, self.player]

    @property
    def slots(self) -> NDArray[Any]:
        """The engine's UNIT records, those in use and holes between them."""
        slots: NDArray[Any] = self.games.batch.units[0, : int(self.state["slots"])]
        return slots

    def seed(self, seed: int) -> None:
        """Lets the next episode be the first one of a seed."""
        self.games.seed(0, seed)

    def replay_from(self, random: int) -> None:
        """Lets the next episode be the one that a state of the stream begins."""
        self.state["random"] = np.uint64(random)

    def begin(self) -> None:
        """Begins the next episode."""
        self.random = int(self.state["random"])
        self.games.setting = self.games.setting._replace(fog=self.rules.scenario.fog and not self.rules.disable_fog)
        self.games.reset(0)
        self.log.clear()
        self.waiting, self.ready = Reports(), Reports()
        self.untouchable.clear()
        self.controls_enemy = False
        self.known_tags.clear()
        self.observed_loop = 0

    def note(self, name: str, request: Any) -> None:
        """Notes a request that changes the episode."""
        self.log.append((self.loop, name, request.SerializeToString()))

    def step(self, count: int) -> None:
        """Lets loops go by; what was waiting is told from now on."""
        if count > 0:
            before = self.loop
            saved = self._lift()
            self.games.step(0, count)
            self._put_down(saved)
            if before < _CENTERED_LOOP <= self.loop and self.rules.scenario.script == MELEE:
                player = self.own_record
                camera = float(player["camera_x"]), float(player["camera_y"])
                self.ready.actions.append(echo.of_camera(self, *camera))
            for part in ("actions", "errors", "chat"):
                getattr(self.ready, part).extend(getattr(self.waiting, part))
            self.waiting = Reports()

    def take_reports(self) -> Reports:
        """Returns what is to be told now; it is not told again."""
        reports, self.ready = self.ready, Reports()
        return reports

    def slot_of(self, tag: int) -> int | None:
        """Returns the slot of the living unit that a tag names."""
        slot = tag % TAG_SLOTS
        units = self.games.batch.units[0]
        if not 0 < tag < _MOST_TAG or slot >= len(units):
            return None
        unit = units[slot]
        return slot if unit["tag"] == tag and unit["type"] != 0 and unit["health"] > 0.0 else None

    def end(self, result: int) -> None:
        """Ends the game with a result for the client; the other player has the opposite one."""
        self.state["ended"] = 1
        players = self.games.batch.players[0]
        players[self.player]["result"] = result
        players[ME + FOE - self.player]["result"] = 3 - result if result in (1, 2) else result

    def _lift(self) -> list[tuple[int, int, float, float]]:
        """Raises what nothing may kill out of reach; returns (slot, tag, health, shield) of each."""
        saved: list[tuple[int, int, float, float]] = []
        if not self.untouchable:
            return saved
        units = self.slots
        for slot in np.flatnonzero((units["type"] != 0) & np.isin(units["owner"], sorted(self.untouchable))).tolist():
            unit = units[slot]
            saved.append((slot, int(unit["tag"]), float(unit["health"]), float(unit["shield"])))
            unit["health"] = _OUT_OF_REACH
        return saved

    def _put_down(self, saved: Iterable[tuple[int, int, float, float]]) -> None:
        units = self.games.batch.units[0]
        for slot, tag, health, shield in saved:
            if units[slot]["tag"] == tag:
                units[slot]["health"], units[slot]["shield"] = health, shield
