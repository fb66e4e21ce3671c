"""Insertion of rows that may be there already, alike on both databases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from envsuite.leaderboard.store.models import Base


def insert_new(session: Session, table: type[Base], values: Mapping[str, Any]) -> bool:
    """Returns whether a row was inserted: not where one with the same unique key is, or is just being inserted.

    Without a savepoint: a full disk ends SQLite's whole transaction, and the savepoint with it.
    """
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    key = table.__mapper__.primary_key[0]
    return session.execute(insert(table).values(**values).on_conflict_do_nothing().returning(key)).first() is not None
