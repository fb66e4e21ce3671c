"""Session: one client of the game's protocol: requests in, responses out, one at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError
from s2clientprotocol import sc2api_pb2

from envsuite.families.starcraft2.protocol import catalogue, info, lifecycle, replays
from envsuite.families.starcraft2.protocol.actions import take_actions
from envsuite.families.starcraft2.protocol.debugging import debug
from envsuite.families.starcraft2.protocol.fault import Fault, Refusal
from envsuite.families.starcraft2.protocol.maps import paths
from envsuite.families.starcraft2.protocol.match import MOST_LOOPS, Match, Rules
from envsuite.families.starcraft2.protocol.observation import Observer
from envsuite.families.starcraft2.protocol.query import query
from envsuite.families.starcraft2.protocol.replay import Replay

LAUNCHED, INIT_GAME = sc2api_pb2.launched, sc2api_pb2.init_game
IN_GAME, IN_REPLAY, ENDED, QUIT = sc2api_pb2.in_game, sc2api_pb2.in_replay, sc2api_pb2.ended, sc2api_pb2.quit
_ALWAYS = frozenset({LAUNCHED, INIT_GAME, IN_GAME, IN_REPLAY, ENDED})
_SEEN = frozenset({IN_GAME, IN_REPLAY, ENDED})
GAME_OVER = "Game has already ended"
"""What the game says of requests behind its end; pysc2 looks for these words."""
_MOST_IN_A_MESSAGE = 200


class Session:
    """A client's state: what it may ask now, and the game it is in."""

    def __init__(self) -> None:
        """Begins as the game does when it is launched."""
        self.status: int = LAUNCHED
        self.rules: Rules | None = None
        self.match: Match | None = None
        self.observer: Observer | None = None
        self.replay: Replay | None = None
        self.seed = 0
        self.race: int = 0
        self.player_name = ""
        self.saved: Any = None
        self._lock = threading.Lock()

    def answer(self, data: bytes) -> bytes | None:
        """Returns the response to a request, both as bytes; None when the client has said that it quits."""
        try:
            request = sc2api_pb2.Request.FromString(data)
        except DecodeError as error:
            response = sc2api_pb2.Response(status=self.status)
            response.error.append(f"expected a Request of the protocol, got {len(data)} bytes that are none ({error})")
        else:
            response = self.handle(request)
        answer: bytes | None = None if response is None else response.SerializeToString()
        return answer

    def handle(self, request: Any) -> Any:
        """Returns the Response to a Request, None to one that quits. It holds nothing of the request's, nor of ours."""
        response = sc2api_pb2.Response()
        if request.HasField("id"):
            response.id = request.id
        with self._lock:
            name = request.WhichOneof("request")
            if name == "quit":
                self.forget()
                self.status = QUIT
                return None
            try:
                self._do(name, request, response)
            except Fault as error:
                response.error.append(str(error))
            except Exception as error:  # noqa: BLE001  # one request must not end the server
                response.error.append(f"{name}: internal error of the simulator: {type(error).__name__}: {error}")
            response.status = self.status
        return response

    def play(self, match: Match, race: int, player_name: str) -> None:
        """Takes a match that has begun."""
        self.match, self.observer, self.replay, self.saved = match, Observer(match), None, None
        self.race, self.player_name = race, player_name

    def watch(self, replay: Replay) -> None:
        """Takes a replay that has begun."""
        self.forget()
        self.play(replay.watched, replay.record.race, replay.record.player_name)
        self.replay = replay

    def forget(self) -> None:
        """Gives up game and replay."""
        self.rules = self.match = self.observer = self.replay = self.saved = None

    def map_paths(self) -> list[str]:
        """Returns the paths of the maps there are."""
        return paths()

    def _do(self, name: str | None, request: Any, response: Any) -> None:
        if name is None:
            raise Fault("expected a Request with one of its requests set, got an empty one")
        if self.status == QUIT:
            raise Fault(f"{name}: expected no more requests, got one after quit; start another session")
        entry = _REQUESTS.get(name)
        if entry is None:
            raise Fault(f"{name}: the simulator does not answer this request")
        if self.status not in entry.states:
            if self.status == ENDED:
                raise Fault(f"{GAME_OVER}; {name} is not answered then")
            raise Fault(f"{name}: expected the status {_names(entry.states)}, got {_names({self.status})}")
        told = getattr(response, name)
        told.SetInParent()
        try:
            entry.handler(self, getattr(request, name), told)
        except Refusal as refusal:
            told.error = refusal.code
            if refusal.details:
                told.error_details = refusal.details


class _Entry(NamedTuple):
    handler: Callable[[Session, Any, Any], None]
    states: frozenset[int]
    """In which the request is answered."""


def _names(states: Any) -> str:
    return " or ".join(sc2api_pb2.Status.Name(state) for state in sorted(states))


def _observe(session: Session, request: Any, response: Any) -> None:
    assert session.observer is not None, "there is a game in these states"  # noqa: S101
    session.observer.write(request, response)


def _act(session: Session, request: Any, response: Any) -> None:
    take_actions(_match(session), request, response)


def _watch_elsewhere(session: Session, request: Any, response: Any) -> None:
    """Moves the eyes of whoever watches a replay; the camera is that of the player who is watched."""
    raise Fault("obs_action: a replay is watched through the eyes of the player that start_replay named")


def _debug(session: Session, request: Any, response: Any) -> None:
    match = _match(session)
    try:
        debug(match, request)
    finally:
        if match.ended:
            session.status = ENDED


def _query(session: Session, request: Any, response: Any) -> None:
    query(_match(session), request, response)


def _step(session: Session, request: Any, response: Any) -> None:
    loop = _match(session).loop
    if request.count > MOST_LOOPS - loop:
        raise Fault(f"step: expected to stay within {MOST_LOOPS} loops, got {request.count} more at loop {loop}")
    lifecycle.step(session, request, response)


def _match(session: Session) -> Match:
    assert session.match is not None, "there is a game in these states"  # noqa: S101
    return session.match


def _trigger(session: Session, request: Any, response: Any) -> None:
    name = request.trigger_cmd[:_MOST_IN_A_MESSAGE]
    raise Refusal(
        sc2api_pb2.ResponseMapCommand.NoTriggerError, f"expected a trigger of the map, got {name!r}; there are none"
    )


_REQUESTS: Mapping[str, _Entry] = {
    "ping": _Entry(info.ping, _ALWAYS),
    "available_maps": _Entry(lifecycle.available_maps, _ALWAYS),
    "save_map": _Entry(lifecycle.save_map, _ALWAYS),
    "replay_info": _Entry(replays.replay_info, _ALWAYS),
    "create_game": _Entry(lifecycle.create_game, _ALWAYS),
    "start_replay": _Entry(replays.start_replay, _ALWAYS - {INIT_GAME}),
    "join_game": _Entry(lifecycle.join_game, frozenset({INIT_GAME})),
    "restart_game": _Entry(lifecycle.restart_game, frozenset({IN_GAME, ENDED})),
    "leave_game": _Entry(lifecycle.leave_game, _SEEN),
    "game_info": _Entry(info.game_info, _SEEN),
    "data": _Entry(catalogue.data, _SEEN),
    "observation": _Entry(_observe, _SEEN),
    "query": _Entry(_query, _SEEN),
    "step": _Entry(_step, frozenset({IN_GAME, IN_REPLAY})),
    "action": _Entry(_act, frozenset({IN_GAME})),
    "obs_action": _Entry(_watch_elsewhere, frozenset({IN_REPLAY})),
    "debug": _Entry(_debug, frozenset({IN_GAME})),
    "save_replay": _Entry(replays.save_replay, _SEEN),
    "quick_save": _Entry(lifecycle.quick_save, frozenset({IN_GAME})),
    "quick_load": _Entry(lifecycle.quick_load, frozenset({IN_GAME})),
    "map_command": _Entry(_trigger, frozenset({IN_GAME})),
}
"""Every request but quit, and the states in which it is answered."""
