"""Fixtures of the board's store: an empty board on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import postgres as servers
import pytest


@pytest.fixture(scope="session")
def postgres(needs) -> Iterator[servers.Postgres]:
    """A PostgreSQL server with `board`, a database that has all tables; one per process of the tests."""
    programs = servers.programs()
    needs("postgres", programs, servers.HOW)
    from envsuite.leaderboard.store.database import Database

    server = servers.Postgres(programs, durable=False)
    try:
        board = Database(server.new_database("board"))
        board.upgrade()
        board.close()
        yield server
    finally:
        server.stop()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request, tmp_path: Path) -> str:
    """The URL of a database with all tables and nothing in them."""
    from envsuite.leaderboard.store.database import Database

    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'board.sqlite'}"
        database = Database(url)
        database.upgrade()
        database.close()
        return url
    server = request.getfixturevalue("postgres")
    empty(server, "board")
    return server.url("board")


def empty(server: servers.Postgres, name: str) -> None:
    """Takes every row out of a database: faster than a new one, and past the triggers that keep history."""
    with server.connect(name) as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            if table != "alembic_version":
                connection.execute(f'DELETE FROM "{table}"')
        connection.execute("INSERT INTO queue_clock (number, ticks, wall) VALUES (1, 0, 0)")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")


@pytest.fixture
def database(database_url: str):
    """An empty board's database."""
    from envsuite.leaderboard.store.database import Database

    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def files(tmp_path: Path):
    """The folder of an empty board."""
    from envsuite.leaderboard.store.files import Files

    return Files(tmp_path / "home")
