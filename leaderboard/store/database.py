"""Database: sessions on SQLite or PostgreSQL, transactions that survive a restart of the server, migrations."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from envsuite.errors import InvalidArgument, MissingExtra, StoreUnavailable

try:
    import sqlalchemy as sa
    from sqlalchemy import event, exc
    from sqlalchemy.engine import URL, Connection, Engine, make_url
    from sqlalchemy.orm import Session
except ImportError as error:
    raise MissingExtra('the board\'s store needs SQLAlchemy; run: pip install "envsuite[leaderboard]"') from error

__all__ = ["Database", "Session"]

T = TypeVar("T")

BUSY_S = 30.0
"""Seconds that a writer waits for the other writers of an SQLite file."""
PATIENCE_S = 30.0
"""Seconds for which `run` repeats a transaction while the database is away: a restart of PostgreSQL takes a few."""
TRANSIENT = ("08", "40", "57P", "55P03", "53300")
"""SQLSTATEs (PostgreSQL, appendix A) after which the same transaction may succeed: the connection is lost, a conflict
of two transactions, the server is shutting down or starting, a lock is taken, too many connections."""
FULL = ("53100", "53200", "58030")
"""SQLSTATEs of a full disk, no memory, an I/O error."""
_LOCK = 0x656E7673
"""Key of the advisory lock that a migration holds."""


class Database:
    """A board's database: `sqlite:///FILE` or `postgresql+psycopg://...`.

    SQLite runs in WAL mode with foreign keys on and `synchronous=FULL`: every commit is on the disk before it is
    answered. NORMAL would survive a killed process as well, but not a power cut, which could take back an entry of
    the ledger that was published already; a board's few commits a second can pay for the flush. Transactions that
    write begin IMMEDIATE, so that two of them wait for each other instead of failing half-way.

    PostgreSQL keeps its own default, `synchronous_commit=on`, at READ COMMITTED; reading transactions are
    REPEATABLE READ, READ ONLY, so that a page shows one moment.
    """

    def __init__(self, url: str, *, patience_s: float = PATIENCE_S) -> None:
        self.url = _checked(url)
        self.patience_s = patience_s
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._engine = _sqlite_engine(self.url) if self.sqlite else _postgresql_engine(self.url)
        if self.sqlite:
            self._reader: Engine = self._engine
            self._writer: Engine = self._engine.execution_options(immediate=True)
        else:
            self._writer = self._engine
            self._reader = self._engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True, postgresql_deferrable=False
            )

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """Yields a session whose transaction is committed at the end, or rolled back by an exception.

        Raises `StoreUnavailable` when the database cannot be reached or its disk is full. Nothing is repeated: see
        `run` for that.
        """
        with _explained(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """Yields a session that sees one moment of the database and changes nothing."""
        with _explained(), Session(self._reader, expire_on_commit=False, autoflush=False) as session:
            yield session

    def run(self, work: Callable[[Session], T], *, read: bool = False) -> T:
        """Returns what `work` returns, run in one transaction, and run again while the database is away.

        A connection that breaks during the commit leaves open whether it was done, so `work` must be one that may be
        done twice; the functions of the store are. Raises `StoreUnavailable` after `patience_s` seconds.
        """

        def once() -> T:
            with self.read() if read else self.session() as session:
                return work(session)

        return self.patiently(once)

    def patiently(self, work: Callable[[], T]) -> T:
        """Returns what `work`, which opens sessions by itself, returns; begun anew while the database is away."""
        deadline = time.monotonic() + self.patience_s
        pause = 0.05
        while True:
            try:
                return work()
            except StoreUnavailable as error:
                if not is_transient(error.__cause__) or time.monotonic() + pause > deadline:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, 1.0)

    def upgrade(self) -> None:
        """Brings the tables to this version's form; makes them in an empty database. Safe to call from two processes.

        Raises `StoreUnavailable` for a database that a newer version of envsuite has made.
        """
        from envsuite.leaderboard.store.migrations import upgrade

        if self.sqlite and self.url.database not in (None, "", ":memory:"):
            Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
            Path(str(self.url.database)).touch(mode=0o600)  # episodes of an open season are nobody else's
        with _explained(), self._writer.begin() as connection:
            if not self.sqlite:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            upgrade(connection)

    def check(self) -> None:
        """Returns when the database answers; raises `StoreUnavailable` otherwise. What `/healthz` asks."""
        with self.read() as session:
            session.execute(sa.text("SELECT 1"))

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()


def is_transient(error: BaseException | None) -> bool:
    """Tells whether the same transaction may succeed a moment later."""
    if not isinstance(error, exc.DBAPIError):
        return isinstance(error, exc.TimeoutError)
    origin: Any = error.orig
    if isinstance(origin, sqlite3.Error):
        return getattr(origin, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    state = getattr(origin, "sqlstate", None)
    if state is None:  # no answer at all: refused, reset, closed in the middle
        return error.connection_invalidated or isinstance(error, exc.OperationalError)
    return str(state).startswith(TRANSIENT)


def _is_full(error: exc.DBAPIError) -> bool:
    origin: Any = error.orig
    if isinstance(origin, sqlite3.Error):
        code = getattr(origin, "sqlite_errorcode", 0) & 0xFF
        return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
    return str(getattr(origin, "sqlstate", "") or "") in FULL


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turns errors of the database that are nobody's fault into `StoreUnavailable`."""
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError) as error:
        # The reason, which may name hosts and paths, is a note: programs and logs of the server's admin show it.
        if isinstance(error, exc.DBAPIError) and _is_full(error):
            full = StoreUnavailable(
                "the database cannot write; nothing of this request was kept. Free space on its disk, send it again"
            )
            full.add_note(_reason(error))
            raise full from error
        if is_transient(error):
            away = StoreUnavailable(
                "the database does not answer; nothing of this request was kept. Send it again in a moment"
            )
            away.add_note(_reason(error))
            raise away from error
        if isinstance(error, exc.DataError) or isinstance(getattr(error, "orig", None), ValueError | OverflowError):
            raise InvalidArgument("expected text and numbers that a database can hold, got others") from error
        raise


def _reason(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]


def _checked(url: str) -> URL:
    try:
        made = make_url(url)
    except exc.ArgumentError as error:
        raise InvalidArgument(f"database: expected sqlite:///FILE or postgresql+psycopg://..., got {url!r}") from error
    if made.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise InvalidArgument(
            f"database: expected sqlite:///FILE or postgresql+psycopg://..., got one of {made.drivername!r}"
        )
    return made


def _sqlite_engine(url: URL) -> Engine:
    connect = {"timeout": BUSY_S, "check_same_thread": False}
    engine = sa.create_engine(url, hide_parameters=True, connect_args=connect, pool_size=8)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # the module would begin transactions of its own, and too late
        _set_wal(connection)
        for pragma in ("synchronous = FULL", "foreign_keys = ON", "cache_size = -65536"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _set_wal(connection: sqlite3.Connection) -> None:
    """Turns a new file to WAL mode, which lasts; SQLite does not wait by itself while another process does the same."""
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def _postgresql_engine(url: URL) -> Engine:
    return sa.create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=24,
        connect_args={"connect_timeout": 5, "options": "-c timezone=UTC -c lock_timeout=30s"},
    )
