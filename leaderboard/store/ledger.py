"""The ledger: the chain of everything that the board has published, append-only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from envsuite.errors import UnknownName
from envsuite.leaderboard.attest import Entry, next_entry
from envsuite.leaderboard.store.files import Files
from envsuite.leaderboard.store.models import LedgerRow
from envsuite.leaderboard.store.types import utc_now
from envsuite.leaderboard.store.views import LedgerView

_LOCK = 0x6C656467
"""Key of PostgreSQL's advisory lock that one transaction at a time appends under."""
_BATCH = 1000


def prepare(session: Session, files: Files, kind: str, subject: str, payload: bytes | str) -> Entry:
    """Returns the signed entry that comes next, not yet in the ledger; `append` must follow in this transaction.

    Until the transaction ends, other appends wait. `payload` is the recorded bytes or their SHA-256.
    """
    lock(session)
    last = session.scalars(select(LedgerRow).order_by(LedgerRow.index.desc()).limit(1)).one_or_none()
    previous = None if last is None else Entry.from_json(last.entry)
    now = utc_now()  # where the clock was set back, history still goes forward
    at = now if previous is None else max(now, datetime.fromisoformat(previous.at))
    return next_entry(previous, kind, subject, payload, at, files.signer)


def lock(session: Session) -> None:
    """Lets other appends wait until this transaction ends; on SQLite any writing transaction does."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def append(session: Session, entry: Entry, blob_sha256: str | None) -> LedgerView:
    """Returns the entry as it is published, appended in the session's transaction.

    The index and the hash of the entry before are unique in the table: two entries on one place cannot be committed.
    """
    row = LedgerRow(
        index=entry.index,
        entry=entry.to_json(),
        hash=entry.hash,
        previous=entry.previous,
        kind=entry.kind,
        subject=entry.subject,
        blob_sha256=blob_sha256,
        at=datetime.fromisoformat(entry.at),
    )
    session.add(row)
    session.flush()
    return _view(row)


def append_bytes(session: Session, files: Files, kind: str, subject: str, payload: bytes) -> LedgerView:
    """Returns the new entry on a payload, which is its blob."""
    entry = prepare(session, files, kind, subject, payload)
    return append(session, entry, files.blobs.put(payload))


def entries(session: Session, *, after: int = -1, limit: int = _BATCH) -> list[LedgerView]:
    """Returns the entries with an index above `after`, in the order of the chain."""
    query = select(LedgerRow).where(LedgerRow.index > after).order_by(LedgerRow.index).limit(limit)
    return [_view(row) for row in session.scalars(query)]


def chain(session: Session) -> Iterator[Entry]:
    """Yields every entry, in order: what `attest.check_chain` checks and `attest.chain_lines` writes."""
    after = -1
    while batch := entries(session, after=after):
        yield from (Entry.from_json(view.entry) for view in batch)
        after = batch[-1].index


def head(session: Session) -> int | None:
    """Returns the index of the last entry; None of an empty ledger."""
    return session.scalar(select(func.max(LedgerRow.index)))


def get_entry(session: Session, index: int) -> LedgerView:
    """Returns the entry of an index; raises `UnknownName`."""
    row = session.get(LedgerRow, index)
    if row is None:
        raise UnknownName(f"the ledger has no entry {index}; its last one is {head(session)}")
    return _view(row)


def _view(row: LedgerRow) -> LedgerView:
    return LedgerView(index=row.index, entry=row.entry, kind=row.kind, subject=row.subject, blob_sha256=row.blob_sha256)
