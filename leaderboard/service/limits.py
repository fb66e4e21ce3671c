"""Limits: token buckets per caller, and the size and pace of bodies."""

from __future__ import annotations

import asyncio
import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from envsuite.leaderboard.service.errors import Refused, to_response
from envsuite.leaderboard.service.settings import ServiceLimits

CALLERS = 20_000
"""How many callers are remembered; who has been quiet the longest is forgotten first. About 4 MB."""
FREE_READ = 2**20
"""Bytes of a refused body that are read and dropped, so that a client that writes first gets to see the answer."""


class Buckets:
    """Token buckets, one per key: `burst` requests at once, `rate` a second in the long run."""

    def __init__(
        self, rate: float, burst: float, *, keep: int = CALLERS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate, self.burst, self._keep, self._clock = rate, burst, keep, clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str, cost: float = 1.0) -> float:
        """Returns 0.0 and takes `cost` from the key's bucket, or the seconds until there is enough, taking nothing."""
        with self._lock:
            now = self._clock()
            level, at = self._levels.pop(key, (self.burst, now))
            level = min(self.burst, level + max(0.0, now - at) * self.rate)
            enough = level >= cost
            self._levels[key] = (level - cost if enough else level, now)
            while len(self._levels) > self._keep:
                self._levels.popitem(last=False)
            return 0.0 if enough else (cost - level) / self.rate

    def __len__(self) -> int:
        return len(self._levels)


def too_many(wait_s: float, who: str) -> Refused:
    """Returns the refusal of a caller who asks too often."""
    return Refused(
        429,
        "too-many-requests",
        f"too many requests of this {who}",
        "Wait as long as Retry-After says, then send it again.",
        retry_after_s=wait_s,
    )


def address_of(connection: HTTPConnection, *, trust_proxy: bool) -> str:
    """Returns the caller's address, for IPv6 its /64, which one household has whole."""
    told = connection.client.host if connection.client else "unknown"
    if trust_proxy:
        told = connection.headers.get("x-forwarded-for", told).rpartition(",")[2].strip()
    try:
        address = ipaddress.ip_address(told)
    except ValueError:
        return told[:64]
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.IPv6Network((address, 64), strict=False))
    return str(address)


class BodyLimits:
    """Middleware that gives up bodies which are too large or too slow, counted as they come."""

    def __init__(self, app: ASGIApp, limits: ServiceLimits, largest: Callable[[Scope], int]) -> None:
        """Takes the application and `largest`, which tells how many bytes the body of a request may have."""
        self._app, self._limits, self._largest = app, limits, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, its body watched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        largest = self._largest(scope)
        try:
            _check_declared(Request(scope), largest)
        except Refused as refused:
            await _drain(receive)
            await to_response(refused)(scope, receive, send)
            return
        await self._app(scope, self._watched(receive, largest), send)

    def _watched(self, receive: Receive, largest: int) -> Receive:
        got, started, over = 0, time.monotonic(), False

        async def watched() -> Message:
            nonlocal got, over
            if over:  # the body has ended: what comes is the client's goodbye, for which there is no hurry
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), self._limits.idle_s)
            except TimeoutError as error:
                raise _too_slow(f"no byte of the body came for {self._limits.idle_s:g} s") from error
            if message["type"] != "http.request":
                return message
            got += len(message.get("body", b""))
            over = not message.get("more_body", False)
            if got > largest:
                raise _too_large(f"more than {largest}", largest)
            took = time.monotonic() - started
            if not over and took > self._limits.idle_s and got < took * self._limits.least_rate:
                raise _too_slow(f"{got} bytes in {took:.0f} s")
            return message

        return watched


def _check_declared(request: Request, largest: int) -> None:
    told = request.headers.get("content-length")
    if told is None:
        return
    if not (told.isascii() and told.isdigit()):
        raise Refused(400, "invalid-length", "Content-Length: expected a number of bytes", "Send the body's length.")
    if int(told) > largest:
        raise _too_large(told, largest)


async def _drain(receive: Receive) -> None:
    got, more = 0, True
    deadline = time.monotonic() + 1.0
    while more and got < FREE_READ and time.monotonic() < deadline:
        try:
            message = await asyncio.wait_for(receive(), 0.2)
        except TimeoutError:
            return
        got += len(message.get("body", b""))
        more = message.get("more_body", False)


def _too_large(got: str, largest: int) -> Refused:
    return Refused(
        413,
        "too-large",
        f"body: expected at most {largest} bytes, got {got}",
        "Leave out what is not needed; the rules tell the limits.",
    )


def _too_slow(how: str) -> Refused:
    return Refused(408, "too-slow", f"the body came too slowly: {how}", "Send it again over a faster connection.")
