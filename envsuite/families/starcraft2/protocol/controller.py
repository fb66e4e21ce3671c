"""Controller: pysc2's client on a session in the same process, without a socket and a second process."""

from __future__ import annotations

import itertools
from typing import Any

from envsuite.families.starcraft2.protocol.pysc2_shim import load_pysc2
from envsuite.families.starcraft2.protocol.session import Session

load_pysc2()

from absl import flags  # noqa: E402  # pysc2 and what it needs come after its mends
from pysc2.lib import protocol, remote_controller  # noqa: E402
from s2clientprotocol import sc2api_pb2  # noqa: E402


class LocalProtocol(protocol.StarcraftProtocol):  # type: ignore[misc]  # pysc2 has no types
    """pysc2's side of the conversation, handing messages over as they are."""

    def __init__(self, session: Session) -> None:
        """Takes who answers; pysc2's own constructor would ask for a socket."""
        self._session: Session | None = session
        self._response: Any = None
        self._status = protocol.Status.launched
        self._port = "in process"
        self._count = itertools.count(1)

    def close(self) -> None:
        """Ends the session."""
        self._session = self._response = None
        self._status = protocol.Status.quit

    def send(self, **request: Any) -> Any:
        """Returns the answer to a request, given by its name, the short way where nobody wants to read along."""
        if self._session is None or flags.FLAGS.sc2_verbose_protocol:
            return super().send(**request)
        self._response = response = self._session.handle(sc2api_pb2.Request(**request, id=next(self._count)))
        if response is None or response.error:
            return self.read()  # raises
        self._status = protocol.Status(response.status)
        (name,) = request
        return getattr(response, name)

    def _write(self, request: Any) -> None:
        if self._session is None:
            raise protocol.ConnectionError("the simulator's session is closed; start another")
        self._response = self._session.handle(request)

    def _read(self) -> Any:
        response, self._response = self._response, None
        if response is None:
            raise protocol.ConnectionError("the simulator's session has nothing to answer")
        return response


class LocalController(remote_controller.RemoteController):  # type: ignore[misc]  # pysc2 has no types
    """pysc2's RemoteController of a simulator in the same process."""

    def __init__(self, session: Session | None = None) -> None:
        """Takes who answers, a new session where none is given; pysc2's own constructor would open a socket."""
        self._client = LocalProtocol(session or Session())
        self._last_obs: Any = None
        self.ping()
