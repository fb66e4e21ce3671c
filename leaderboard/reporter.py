"""Reporter: carries a job's episodes to the server and keeps its lease, whatever becomes of the connection."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from envsuite.episode import Episode
from envsuite.errors import LeaseLost, ServerRefused, ServerUnreachable
from envsuite.leaderboard.client import Client
from envsuite.leaderboard.schemas import Finish, Offer, Report

T = TypeVar("T")

GATHER_S = 2.0
"""Seconds that episodes wait for company before they are sent."""
GATHER_STEPS = 50_000
"""Steps after which they are sent at once, since a report has its limits."""
HEARTBEATS = 4
"""Signs of life within the time of a lease."""
PATIENCE_S = 3600.0
"""Seconds for which a server may be away before a job is given up; what was played is kept in memory meanwhile."""
FIRST_PAUSE_S, LAST_PAUSE_S = 0.25, 15.0
RETRIED = (408, 425, 429, 500, 502, 503, 504)
"""Statuses after which the same request may succeed."""


def persist(ask: Callable[[], T], *, patience_s: float, stop: threading.Event) -> T:
    """Returns what `ask` returns, asked again with growing pauses while the server is away or busy.

    Raises its last error after `patience_s` seconds or when `stop` is set, and any other refusal at once.
    """
    deadline, pause = time.monotonic() + patience_s, FIRST_PAUSE_S
    while True:
        try:
            return ask()
        except ServerUnreachable:
            if stop.is_set() or time.monotonic() > deadline:
                raise
            wait_s = pause
        except ServerRefused as error:
            if error.status not in RETRIED or stop.is_set() or time.monotonic() > deadline:
                raise
            wait_s = max(pause, error.retry_after_s or 0.0)
        stop.wait(wait_s * random.uniform(0.5, 1.0))  # noqa: S311  # so that workers do not all come back at once
        pause = min(2 * pause, LAST_PAUSE_S)


class Reporter:
    """A thread that sends episodes as they end and prolongs the lease; a context manager that ends with the job.

    `on_lost` is called, from that thread, when the job is no longer this worker's or cannot be reported any more.
    """

    def __init__(
        self,
        client: Client,
        offer: Offer,
        *,
        on_lost: Callable[[], None] = lambda: None,
        patience_s: float = PATIENCE_S,
        gather_s: float = GATHER_S,
    ) -> None:
        self._client, self._offer, self._on_lost = client, offer, on_lost
        self._patience_s, self._gather_s = patience_s, gather_s
        self._waiting: list[Episode] = []
        self._sending = False
        self._hurry = self._closed = False
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self.error: Exception | None = None
        """Why nothing can be reported any more."""
        self.last_news = time.monotonic()
        """When an episode was added last."""
        self._thread = threading.Thread(target=self._run, name=f"report {offer.id}", daemon=True)

    def __enter__(self) -> Reporter:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout=120.0)

    def add(self, episode: Episode) -> None:
        """Takes an episode to be sent; raises what has made the job pointless, such as `LeaseLost`."""
        with self._changed:
            self._raise()
            self._waiting.append(episode)
            self.last_news = time.monotonic()
            self._changed.notify_all()

    def flush(self) -> None:
        """Returns when the server has recorded everything; raises what has made that impossible."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            while (self._waiting or self._sending) and self.error is None:
                self._changed.wait(1.0)
            self._hurry = False
            self._raise()

    def hasten(self) -> None:
        """Asks the server once more at most for whatever is still to be told: this process is about to end."""
        self._stop.set()

    def finish(self, finish: Finish) -> None:
        """Ends the lease, after everything is recorded; raises as `flush` does."""
        self.flush()
        self._ask(lambda: self._client.finish(self._offer.id, finish))

    def _raise(self) -> None:
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        beat_s = self._offer.lease_s / HEARTBEATS
        next_beat = time.monotonic() + beat_s
        try:
            while True:
                episodes = self._gather(next_beat)
                if episodes is None:
                    return
                if episodes:
                    self._send(episodes)
                else:
                    self._ask(lambda: self._client.heartbeat(self._offer.id, self._offer.lease))
                next_beat = time.monotonic() + beat_s
        except Exception as error:  # noqa: BLE001  # told to the thread that plays, which raises it
            with self._changed:
                self.error = error
                self._changed.notify_all()
            self._on_lost()

    def _gather(self, next_beat: float) -> list[Episode] | None:
        """Returns episodes that are due, none when it is time for a sign of life, None at the end."""
        send_at: float | None = None
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                if self._waiting:
                    send_at = now + self._gather_s if send_at is None else send_at
                    many = sum(episode.length for episode in self._waiting) >= GATHER_STEPS
                    if self._hurry or many or now >= send_at:
                        self._sending = True
                        return self._some()
                if now >= next_beat:
                    return []
                until = next_beat if send_at is None else min(next_beat, send_at)
                self._changed.wait(max(0.0, until - now))
            return None

    def _some(self) -> list[Episode]:
        """Returns the first of those that wait, at least one, as many as a report may hold."""
        some: list[Episode] = []
        steps = 0
        while self._waiting and (not some or steps + self._waiting[0].length <= GATHER_STEPS):
            some.append(self._waiting.pop(0))
            steps += some[-1].length
        return some

    def _send(self, episodes: list[Episode]) -> None:
        report = Report(
            lease=self._offer.lease,
            episodes=[episode.to_json() for episode in episodes],
            actions={episode.seed_index: episode.actions for episode in episodes if episode.actions is not None},
        )
        self._ask(lambda: self._client.report(self._offer.id, report))
        with self._changed:
            self._sending = False
            self._changed.notify_all()

    def _ask(self, ask: Callable[[], T]) -> T:
        try:
            return persist(ask, patience_s=self._patience_s, stop=self._stop)
        except ServerRefused as error:
            if error.status == 404 or error.code == "lease-lost":
                raise LeaseLost(str(error)) from error
            raise
