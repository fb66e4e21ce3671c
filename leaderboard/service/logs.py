"""Structured logs: a line of JSON per request, and no secrets in it."""

from __future__ import annotations

import json
import secrets
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_PATH, MAX_TRACE = 300, 4000
_lock = threading.Lock()


class Log:
    """Writes one line of JSON per event."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def write(self, event: str, **fields: Any) -> None:
        """Writes an event with its fields; a stream that is closed loses it."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"at": at, "event": event, **fields}, ensure_ascii=True, default=str)
        stream = self._stream or sys.stderr
        with _lock:
            try:
                stream.write(line + "\n")
                stream.flush()
            except (OSError, ValueError):  # a full disk or a closed pipe must not take the service down
                return

    def error(self, event: str, error: BaseException, **fields: Any) -> None:
        """Writes an event with where its error was raised; of frames the places, never the values."""
        trace = "".join(traceback.format_exception(error))[-MAX_TRACE:]
        self.write(event, error=type(error).__name__, trace=trace, **fields)


class RequestLog:
    """Middleware that writes a line per request: id, who, what, status, milliseconds, bytes; no header, no query.

    The id is told in the answer's `X-Request-Id`.
    """

    def __init__(self, app: ASGIApp, log: Log, clock: Callable[[], float] = time.perf_counter) -> None:
        self._app, self._log, self._clock = app, log, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and writes its line when it has been answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, started, status, sent = secrets.token_hex(8), self._clock(), 0, 0
        scope.setdefault("state", {})["request_id"] = request_id

        async def watched(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], (b"x-request-id", request_id.encode())]}
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            self._log.write(
                "request",
                id=request_id,
                user=scope["state"].get("user"),
                method=scope["method"],
                path=scope["path"][:MAX_PATH],
                status=status,
                ms=round(1000 * (self._clock() - started), 1),
                bytes=sent,
            )
