"""Seasons of held-out seeds: the hash of a secret before, the secret itself after."""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from envsuite.errors import NotAllowed, UnknownName
from envsuite.leaderboard.attest import SEASON_CLOSED, SEASON_OPENED, season_payload
from envsuite.leaderboard.schemas import SeasonView
from envsuite.leaderboard.seeds import commitment, new_secret
from envsuite.leaderboard.store import ledger
from envsuite.leaderboard.store.files import Files
from envsuite.leaderboard.store.models import EvaluationRow, JobRow, SeasonRow
from envsuite.leaderboard.store.types import utc_now

ACTIVE = ("queued", "running", "scoring")
"""States of evaluations that still need the secret."""


def open_season(session: Session, files: Files, name: str) -> SeasonView:
    """Returns the new season, its commitment in the ledger; the secret is in `files`, on the disk, before.

    Raises `NotAllowed` while another season is open, and for a name that has been used.
    """
    ledger.lock(session)  # two openings at once come one after the other
    running = current(session)
    if running is not None:
        raise NotAllowed(f"season: {running.name} is open; close it first")
    if session.scalars(select(SeasonRow).where(SeasonRow.name == name)).first() is not None:
        raise NotAllowed(f"season: there was one named {name!r}; choose another name")
    secret = _new_or_kept_secret(files, name)
    season = SeasonRow(name=name, commitment=commitment(secret), opened_at=utc_now())
    session.add(season)
    session.flush()
    view = _view(season)
    ledger.append_bytes(session, files, SEASON_OPENED, name, season_payload(name, view.commitment))
    return view


def current(session: Session) -> SeasonView | None:
    """Returns the open season, or None."""
    row = session.scalars(select(SeasonRow).where(SeasonRow.closed_at.is_(None))).one_or_none()
    return None if row is None else _view(row)


def list_seasons(session: Session) -> list[SeasonView]:
    """Returns all seasons, oldest first; those that are closed with their secret."""
    return [_view(row) for row in session.scalars(select(SeasonRow).order_by(SeasonRow.number))]


def close_season(session: Session, files: Files, name: str) -> SeasonView:
    """Returns the closed season with its secret, which is public from now on; closing it again changes nothing.

    Raises `NotAllowed` while an evaluation on its seeds waits or runs: its agent could be given them.
    """
    row = row_of_season(session, name)
    if row.closed_at is not None:
        return _view(row)
    active = session.scalar(
        select(func.count())
        .select_from(EvaluationRow)
        .where(EvaluationRow.season == row.number, EvaluationRow.state.in_(ACTIVE))
    )
    if active:
        raise NotAllowed(
            f"season: {active} evaluations of {name} wait or run, and no new ones are taken; close it again when they "
            "have ended, or cancel those that `envsuite submissions` shows as waiting or running"
        )
    row.secret = files.secret(name).hex()
    row.closed_at = utc_now()
    session.flush()
    ledger.append_bytes(session, files, SEASON_CLOSED, name, season_payload(name, row.commitment))
    return _view(row)


def drain_season(session: Session, name: str) -> None:
    """Lets the season take no new submissions, so that it can be closed when those that wait have been played.

    Second runs that have not begun are given up: their submissions are verified without them.
    """
    row = row_of_season(session, name)
    row.closing = True
    waiting = select(EvaluationRow.number).where(
        EvaluationRow.season == row.number, EvaluationRow.kind == "reproduce", EvaluationRow.state == "queued"
    )
    numbers = session.scalars(waiting.with_for_update()).all()
    session.execute(update(JobRow).where(JobRow.evaluation.in_(numbers)).values(state="dropped"))
    session.execute(
        update(EvaluationRow)
        .where(EvaluationRow.number.in_(numbers))
        .values(state="cancelled", reason="its season closed before it began", finished_at=utc_now())
    )
    session.flush()


def secret_of(session: Session, files: Files, name: str) -> bytes:
    """Returns the secret of a season, open or closed, for the server's own use."""
    row = row_of_season(session, name)
    return bytes.fromhex(row.secret) if row.secret else files.secret(name)


def row_of_season(session: Session, name: str) -> SeasonRow:
    """Returns the row of a name, locked, for the store's own use; raises `UnknownName`."""
    row = session.scalars(select(SeasonRow).where(SeasonRow.name == name).with_for_update()).one_or_none()
    if row is None:
        known = session.scalars(select(SeasonRow.name)).all()
        raise UnknownName(f"unknown season {name[:80]!r}; there are: {', '.join(known) or 'none'}")
    return row


def _new_or_kept_secret(files: Files, name: str) -> bytes:
    """Returns a new secret, or the one that an opening which was not committed has left."""
    try:
        secret = new_secret()
        files.keep_secret(name, secret)
    except FileExistsError:
        return files.secret(name)
    return secret


def _view(row: SeasonRow) -> SeasonView:
    return SeasonView(
        name=row.name,
        commitment=row.commitment,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        secret=row.secret if row.closed_at is not None else None,
    )
