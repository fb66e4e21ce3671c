"""The desk where uploads are checked: one of an account at a time, few at once, in threads that serve nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from envsuite.leaderboard.service.errors import Refused

T = TypeVar("T")
AT_ONCE = 2
"""Uploads that are unpacked and checked at once: it takes processor and disk."""
UNDER_WAY = 64
"""Uploads that come in or wait for their check; more are sent away."""


class Desk:
    """Keeps uploads from taking the threads that answer everything else; used from the event loop alone."""

    def __init__(self) -> None:
        self._accounts: set[str] = set()
        self._threads: anyio.CapacityLimiter | None = None  # belongs to the loop that it is made in

    @contextlib.contextmanager
    def turn(self, account: str) -> Iterator[None]:
        """Holds the account's place for one upload; raises `Refused` while it has another, or too many have one."""
        if account in self._accounts:
            raise Refused(
                429,
                "one-upload-at-a-time",
                "uploads: another one of this account has not ended",
                "Wait for its answer.",
                retry_after_s=2.0,
            )
        if len(self._accounts) >= UNDER_WAY:
            raise Refused(
                503, "busy", "uploads: too many are being checked", "Send it again in a moment.", retry_after_s=10.0
            )
        self._accounts.add(account)
        try:
            yield
        finally:
            self._accounts.discard(account)

    async def check(self, work: Callable[..., T], *arguments: Any) -> T:
        """Returns what `work` returns, when one of the threads for checks has had time for it."""
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(AT_ONCE)
        return await anyio.to_thread.run_sync(partial(work, *arguments), limiter=self._threads)
