"""Server: the game's websocket on a port, with the simulator behind it.

One client plays at a time. What it leaves behind stays: the next client finds the session in the state that the last
one left, as with the game. `quit` ends the server; a client that vanishes does not.
"""

from __future__ import annotations

import contextlib
import io
import os
import socket
import struct
import sys
import threading
from collections.abc import Sequence
from typing import BinaryIO

from envsuite.families.starcraft2.protocol.websocket import (
    PATH,
    Broken,
    Closed,
    Connection,
    Refused,
    accept,
    read_handshake,
    refuse,
)

_HANDSHAKE_S, _SEND_S = 10.0, 60
_BUSY_S = 2.0
"""How long a client waits for the one before it, whose end may not have been noticed yet."""
_WATCH_S = 1.0
_BACKLOG = 16
_MOST_AT_ONCE = 32
"""Connections, those in a handshake or about to be refused included."""


class Server:
    """Listens on a port; `serve` answers until a client quits or `stop` is called."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Takes the port at once, so that clients that come early wait; the simulator is loaded by `serve`."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host.strip("[]"), port), family=family, backlog=_BACKLOG)
        self.host, self.port = host, int(self._listener.getsockname()[1])
        self._seat = threading.Semaphore(1)
        self._stopped = threading.Event()
        self._links: set[socket.socket] = set()

    @property
    def url(self) -> str:
        """Where clients find the server."""
        name = f"[{self.host.strip('[]')}]" if ":" in self.host else self.host
        return f"ws://{name}:{self.port}{PATH}"

    def serve(self, *, parent: int | None = None) -> None:
        """Answers clients until one quits; with `parent`, until that process is no longer the parent, too."""
        from envsuite.families.starcraft2.protocol.session import Session

        self._session = Session()
        self._listener.settimeout(_WATCH_S)
        try:
            while not self._stopped.is_set() and (parent is None or os.getppid() == parent):
                try:
                    link, _ = self._listener.accept()
                except TimeoutError:
                    continue
                except OSError:  # closed by `stop`, or out of files
                    if self._stopped.wait(0.1):
                        break
                    continue
                if len(self._links) >= _MOST_AT_ONCE:
                    link.close()
                    continue
                self._links.add(link)
                threading.Thread(target=self._welcome, args=(link,), daemon=True).start()
        finally:
            self.stop()

    def stop(self) -> None:
        """Closes the port and every connection; may be called twice and from any thread."""
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes whoever waits for a client
        self._listener.close()
        for link in tuple(self._links):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def _welcome(self, link: socket.socket) -> None:
        try:
            with link, io.BufferedReader(link.makefile("rb", buffering=0), 1 << 16) as stream:
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                link.settimeout(_HANDSHAKE_S)
                try:
                    self._play(link, stream, read_handshake(stream))
                except Refused as refused:
                    link.sendall(refuse(refused))
        except (Closed, OSError):
            pass  # whoever it was is gone
        finally:
            self._links.discard(link)

    def _play(self, link: socket.socket, stream: BinaryIO, key: str) -> None:
        if not self._seat.acquire(timeout=_BUSY_S):
            raise Refused("503 Service Unavailable", "another client plays here; end it first, or start another server")
        try:
            link.sendall(accept(key))
            # Clients think as long as they like; one that takes nothing is gone.
            link.settimeout(None)
            link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _SEND_S, 0))
            self._converse(Connection(link, stream))
        finally:
            self._seat.release()

    def _converse(self, connection: Connection) -> None:
        try:
            while True:
                answer = self._session.answer(connection.receive())
                if answer is None:
                    connection.close()
                    self.stop()
                    return
                connection.send(answer)
        except Broken as broken:
            connection.close(broken.code, str(broken))


def run(arguments: Sequence[str]) -> None:
    """Serves with the command line that programs for the game start the game with.

    `-listen` and `-port` are obeyed; options that only a game has use for are passed over. The server ends with the
    process that has started it.
    """
    options = {
        name: value for name, value in zip(arguments, [*arguments[1:], ""], strict=False) if name.startswith("-")
    }
    port = options.get("-port", "")
    if not port.isdecimal() or int(port) >= 1 << 16:
        sys.exit(f"-port: expected a number of a port, got {port!r}")
    parent = os.getppid()
    try:
        server = Server(options.get("-listen", "127.0.0.1"), int(port))
    except OSError as error:
        sys.exit(f"-port: expected one that is free on -listen, got {port} ({error})")
    with contextlib.suppress(KeyboardInterrupt):
        server.serve(parent=parent)


if __name__ == "__main__":
    run(sys.argv[1:])
