"""Replay: a game kept as what it began with and everything that was done in it, in a format of the simulator's own.

A replay runs on the simulator's rules, so it belongs to one version of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgpack  # type: ignore[import-untyped]
from s2clientprotocol import sc2api_pb2

from envsuite.families.starcraft2.engine.layout import LAYOUT_VERSION, ME
from envsuite.families.starcraft2.identity import identify
from envsuite.families.starcraft2.protocol.actions import take_actions
from envsuite.families.starcraft2.protocol.debugging import debug
from envsuite.families.starcraft2.protocol.fault import Fault
from envsuite.families.starcraft2.protocol.interface import screen_of
from envsuite.families.starcraft2.protocol.maps import find_map
from envsuite.families.starcraft2.protocol.match import MOST_LOOPS, Match, Rules

MAGIC = b"envsuite-sim replay 1\n"


class BadReplay(ValueError):
    """Raised for bytes that are no replay of this version; the text says what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a replay holds."""

    version: str
    layout: int
    map_path: str
    disable_fog: bool
    setups: tuple[bytes, ...]
    race: int
    player_name: str
    player: int
    options: bytes
    random: int
    loops: int
    result: tuple[int, ...]
    log: tuple[tuple[int, str, bytes], ...]


def write_record(match: Match, race: int, player_name: str) -> bytes:
    """Returns a game so far as a replay."""
    players = match.games.batch.players[0]
    record = {
        "version": identify(),
        "layout": LAYOUT_VERSION,
        "map_path": match.rules.map_path,
        "disable_fog": match.rules.disable_fog,
        "setups": match.rules.setups,
        "race": race,
        "player_name": player_name,
        "player": match.player,
        "options": match.options.SerializeToString(),
        "random": match.random,
        "loops": match.loop,
        "result": [int(players[number]["result"]) for number in range(1, len(match.rules.setups) + 1)],
        "log": match.log,
    }
    packed: bytes = msgpack.packb(record)
    return MAGIC + packed


def read_record(data: bytes) -> Record:
    """Returns what a replay holds; raises `BadReplay`."""
    if not data.startswith(MAGIC):
        raise BadReplay(
            "expected a replay that this simulator has saved, got other bytes (the game's replays do not run here)"
        )
    try:
        fields = msgpack.unpackb(data[len(MAGIC) :])
        fields["setups"], fields["result"] = tuple(fields["setups"]), tuple(map(int, fields["result"]))
        fields["log"] = tuple((int(loop), str(name), bytes(request)) for loop, name, request in fields["log"])
        record = Record(**fields)
        numbers = (record.layout, record.race, record.player, record.random, record.loops)
        if not all(isinstance(number, int) for number in numbers) or not 0 <= record.random < 1 << 64:
            raise BadReplay("expected whole numbers in a replay, got others")
        known = isinstance(record.map_path, str) and find_map(record.map_path) is not None
    except BadReplay:
        raise
    except Exception as error:  # whatever a stranger's bytes lead to
        raise BadReplay(
            f"expected a whole replay, got one that cannot be read ({type(error).__name__}: {error})"
        ) from error
    if not known or record.player != ME or not 0 <= record.loops <= MOST_LOOPS or not 1 <= len(record.setups) <= 2:
        raise BadReplay(f"expected a known map, player and length, got {record.map_path!r}")
    if (record.version, record.layout) != (identify(), LAYOUT_VERSION):
        raise BadReplay(
            f"expected a replay of envsuite {identify()} (layout {LAYOUT_VERSION}), got one of "
            f"{record.version} ({record.layout}); play it with that version"
        )
    return record


class Replay:
    """A replay that runs: what was done is done again at its loops."""

    def __init__(self, record: Record, observed: int, options: Any, disable_fog: bool) -> None:
        """Begins the replay.

        Args:
            record: what is replayed.
            observed: whose eyes the client has.
            options: the protocol's InterfaceOptions of the client.
            disable_fog: whether the client sees everything; the game goes its own way all the same.
        """
        self.record = record
        scenario = find_map(record.map_path)
        assert scenario is not None, "read_record has looked"  # noqa: S101
        own = sc2api_pb2.InterfaceOptions.FromString(record.options)
        rules = Rules(record.map_path, scenario, record.disable_fog, record.setups)
        self.played = Match(rules, record.player, own, screen_of(own))
        self.played.replay_from(record.random)
        self.played.begin()
        # The client looks at the same game with its own eyes.
        rules = Rules(record.map_path, scenario, disable_fog, record.setups)
        self.watched = Match(rules, observed, options, screen_of(options), self.played.games)
        self._next = 0

    @property
    def over(self) -> bool:
        """Whether the end of the replay, or of the game in it, is reached."""
        return self.played.ended or self.played.loop >= self.record.loops

    def step(self, count: int) -> None:
        """Goes on by so many loops, no further than the replay goes."""
        target = min(self.played.loop + count, self.record.loops)
        while self.played.loop < target and not self.played.ended:
            self._do(self.played.loop)
            upcoming = self.record.log[self._next][0] if self._next < len(self.record.log) else target
            self.played.step(min(upcoming, target) - self.played.loop)
        self.watched.cut_off = self.over
        reports = self.played.take_reports()
        for part in ("actions", "errors", "chat"):
            getattr(self.watched.ready, part).extend(getattr(reports, part))

    def _do(self, loop: int) -> None:
        """Does what was done up to a loop."""
        log = self.record.log
        while self._next < len(log) and log[self._next][0] <= loop:
            _, name, data = log[self._next]
            self._next += 1
            if name == "action":
                take_actions(self.played, sc2api_pb2.RequestAction.FromString(data), sc2api_pb2.ResponseAction())
            elif name == "debug":
                try:
                    debug(self.played, sc2api_pb2.RequestDebug.FromString(data))
                except Fault:
                    continue  # it was as wrong when it was played
