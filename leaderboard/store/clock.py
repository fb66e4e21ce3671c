"""The queue's clock: seconds that leases are measured in, whatever the wall's clock does."""

from __future__ import annotations

import time

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from envsuite.leaderboard.store.models import ClockRow

STEP_S = 15.0
"""By how much the clock goes forward at most between two looks at it."""
GRAIN_S = 0.2
"""The clock is written when at least so much has passed, so that most transactions only read it."""


def ticks(session: Session) -> float:
    """Returns the queue's time in seconds; it never goes back, and jumps by at most `STEP_S`.

    A wall clock may jump: by an hour to either side, and all leases would end at once, or none for an hour. So the
    queue counts its own time in one row: every look adds what the wall's clock has moved since the last look, at
    least nothing and at most `STEP_S`. A jump forward then costs a lease 15 of its 60 seconds, a jump backward none;
    while nobody looks, time stands still, and there is no worker who would want a job either. The wall's clock is the
    database's own (PostgreSQL) or this machine's (SQLite), so that several servers on one database read one clock.

    Only for sessions that write.
    """
    row = session.execute(select(ClockRow.ticks, ClockRow.wall)).one()
    moved = _wall(session) - row.wall
    if abs(moved) < GRAIN_S:
        return float(row.ticks)
    # Who finds the row locked does without the update: its holder adds the same seconds.
    locked = session.execute(select(ClockRow.ticks, ClockRow.wall).with_for_update(skip_locked=True)).one_or_none()
    if locked is None:
        return float(row.ticks)
    wall = _wall(session)
    now: float = locked.ticks + max(0.0, min(wall - locked.wall, STEP_S))
    session.execute(update(ClockRow).values(ticks=now, wall=wall))
    return now


def peek(session: Session) -> float:
    """Returns the queue's time as of the last look; for sessions that only read."""
    return float(session.execute(select(ClockRow.ticks)).scalar_one())


def _wall(session: Session) -> float:
    if session.get_bind().dialect.name == "sqlite":
        return time.time()
    return float(session.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
