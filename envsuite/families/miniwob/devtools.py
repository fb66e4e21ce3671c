"""The DevTools protocol over one WebSocket: commands out, answers back, events dropped."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from typing import Any

import websocket

from envsuite.errors import EnvsuiteError

_CONNECT_S = 10.0


class BrowserCrashed(EnvsuiteError, RuntimeError):
    """Raised when the browser or a page of it is gone or does not answer; the next reset starts a new one."""


class DevTools:
    """A connection to a browser. Not for several threads at once."""

    def __init__(self, address: str) -> None:
        """Connects to the DevTools server at `host:port`; raises `BrowserCrashed`."""
        # Directly, whatever proxies the environment names.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        host, _, port = address.rpartition(":")
        try:
            with direct.open(f"http://{address}/json/version", timeout=_CONNECT_S) as answer:
                url = json.load(answer)["webSocketDebuggerUrl"]
            connection = socket.create_connection((host, int(port)), timeout=_CONNECT_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = websocket.create_connection(
                url,
                timeout=_CONNECT_S,
                socket=connection,
                suppress_origin=True,
                skip_utf8_validation=True,  # in Python, letter by letter: 8 ms for the answer of 32 pages
            )
        except (OSError, KeyError, ValueError, websocket.WebSocketException) as error:
            raise BrowserCrashed(f"the browser at {address} does not take a DevTools connection: {error}") from error
        self._last_id = 0
        self._answers: dict[int, dict[str, Any]] = {}

    def send(self, method: str, params: dict[str, Any], session: str | None = None) -> int:
        """Returns the number under which `receive` gives the answer."""
        self._last_id += 1
        message: dict[str, Any] = {"id": self._last_id, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        try:
            self._socket.send(json.dumps(message))
        except (OSError, websocket.WebSocketException) as error:
            raise BrowserCrashed(f"the browser is gone ({type(error).__name__}: {error})") from error
        return self._last_id

    def receive(self, number: int, timeout_s: float) -> dict[str, Any]:
        """Returns the result of a command; raises `BrowserCrashed` when the browser or a page is gone or says no."""
        deadline = time.monotonic() + timeout_s
        while number not in self._answers:
            try:
                self._socket.settimeout(max(0.001, deadline - time.monotonic()))
                message = json.loads(self._socket.recv())
            except (OSError, ValueError, websocket.WebSocketException) as error:
                raise BrowserCrashed(
                    f"the browser is gone, or did not answer within {timeout_s:g} s ({type(error).__name__}: {error})"
                ) from error
            if "id" in message:
                self._answers[message["id"]] = message
            elif message.get("method") == "Inspector.targetCrashed":  # its commands are never answered
                raise BrowserCrashed("a process of the browser that runs pages has crashed")
        answer = self._answers.pop(number)
        if "error" in answer:
            raise BrowserCrashed(f"the browser refused a command: {answer['error'].get('message')}")
        result: dict[str, Any] = answer["result"]
        return result

    def close(self) -> None:
        """Closes the connection without a farewell."""
        self._socket.shutdown()  # type: ignore[no-untyped-call]
