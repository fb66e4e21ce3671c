"""Settings of the service: where it keeps things, and the limits that it sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from envsuite.leaderboard.home import database_url, home
from envsuite.task import Suite

MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLimits:
    """What one account, token or address may take; more is refused with 413, 408 or 429."""

    bundle_bytes: int = 256 * MIB
    """Of an uploaded submission."""
    results_bytes: int = 512 * MIB
    """Of an uploaded archive of results."""
    report_bytes: int = 64 * MIB
    """Of a worker's report: up to ten episodes with their actions."""
    json_bytes: int = 64 * 2**10
    """Of any other body."""
    idle_s: float = 30.0
    """Seconds without a byte of a body, after which it is given up."""
    least_rate: float = 8 * 2**10
    """Bytes a second that a body must have on average once it has taken `idle_s` seconds."""
    uploads_per_day: int = 20
    """Of one account, submissions and results together, in 24 hours."""
    token_rate: float = 20.0
    """Requests a second of one token in the long run."""
    token_burst: float = 100.0
    """Requests of one token at once."""
    worker_rate: float = 400.0
    """As `token_rate`, of workers, many of which may share a token."""
    address_rate: float = 50.0
    """Requests a second to the API without a token, of one address (IPv6: of one /64)."""
    address_burst: float = 200.0
    page_rate: float = 500.0
    """Pages a second of one address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a service is run."""

    home: Path = field(default_factory=home)
    """Folder of blobs, keys and, without a database elsewhere, the database."""
    database: str = ""
    """URL of the database; empty takes `DATABASE_URL`, or an SQLite file in `home`."""
    suites: tuple[Suite, ...] = ()
    """Suites of this board beside those of the catalogue."""
    limits: ServiceLimits = field(default_factory=ServiceLimits)
    patience_s: float = 3.0
    """Seconds that a request waits for a database that is away before it is answered with 503."""
    trust_proxy: bool = False
    """Whether the last address in `X-Forwarded-For`, set by a proxy of ours, counts as the caller's."""
    disk_reserve_bytes: int = 256 * MIB
    """Uploads are refused, and health is bad, when less is free in `home`."""

    @property
    def database_url(self) -> str:
        """The URL in force."""
        return self.database or database_url(self.home)
