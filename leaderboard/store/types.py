"""Column types that mean the same on SQLite and PostgreSQL, and the text that both can hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator


class Utc(TypeDecorator[datetime]):
    """A time in UTC: aware in Python, without a zone in the table, so that both databases store the same."""

    impl = DateTime(timezone=False)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Returns the time without its zone; raises ValueError for one that has none to begin with."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"time: expected one with a zone, got {value}")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Returns the time in UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


class Json(TypeDecorator[Any]):
    r"""Plain data as JSON text: floats keep every bit, NaN stays NaN, and `\0` in a string is escaped.

    The databases' own JSON types refuse NaN (PostgreSQL), or turn numbers into others.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Returns JSON text in ASCII."""
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Returns the data."""
        return None if value is None else json.loads(value)


def plain_text(text: str) -> str:
    """Returns the text without what a database refuses: NUL and halves of surrogate pairs become U+FFFD."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode() if text else ""


def utc_now() -> datetime:
    """Returns this server's time in UTC: for records; leases use `clock.ticks`."""
    return datetime.now(UTC)
