"""Site: what every request of a running service needs, in one object."""

from __future__ import annotations

import shutil
import threading
import time
from collections import OrderedDict
from typing import Any

from fastapi import Request

from envsuite.catalogue import add_suite
from envsuite.leaderboard.service.desk import Desk
from envsuite.leaderboard.service.limits import Buckets
from envsuite.leaderboard.service.logs import Log
from envsuite.leaderboard.service.settings import Settings
from envsuite.leaderboard.store.database import Database
from envsuite.leaderboard.store.files import Files

WORKERS = 10_000
"""How many workers are remembered."""


class Site:
    """Database, files, limits and the workers seen lately."""

    def __init__(self, settings: Settings, log: Log | None = None) -> None:
        for suite in settings.suites:
            add_suite(suite)
        self.settings = settings
        self.log = log or Log()
        self.db = Database(settings.database_url, patience_s=settings.patience_s)
        self.files = Files(settings.home)
        limits = settings.limits
        self.by_token = Buckets(limits.token_rate, limits.token_burst)
        self.by_worker = Buckets(limits.worker_rate, 5 * limits.worker_rate)
        self.by_address = Buckets(limits.address_rate, limits.address_burst)
        self.by_page_reader = Buckets(limits.page_rate, 4 * limits.page_rate)
        self.desk = Desk()
        self.workers = Workers()
        self.due = threading.Event()
        """Set when an evaluation has all its episodes and is to be scored."""

    @property
    def disk_free_bytes(self) -> int:
        """Bytes that are free where the board keeps its files."""
        return shutil.disk_usage(self.settings.home).free

    def close(self) -> None:
        """Closes the database."""
        self.db.close()


class Workers:
    """When each worker was heard last; kept in memory, so a service that has just started knows none."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def seen(self, worker: str) -> None:
        """Notes that a worker was heard now."""
        with self._lock:
            self._seen.pop(worker, None)
            self._seen[worker] = time.monotonic()
            while len(self._seen) > WORKERS:
                self._seen.popitem(last=False)

    def age_s(self) -> float | None:
        """Returns the seconds since any worker was heard; None where none was."""
        with self._lock:
            return time.monotonic() - max(self._seen.values()) if self._seen else None

    def count(self, within_s: float) -> int:
        """Returns how many workers were heard in the last seconds."""
        with self._lock:
            now = time.monotonic()
            return sum(now - at <= within_s for at in self._seen.values())


def site_of(request: Request) -> Site:
    """Returns the site of the service that has taken a request."""
    site: Any = request.app.state.site
    if not isinstance(site, Site):
        raise TypeError(f"app.state.site: expected a Site, got {type(site).__name__}")
    return site
