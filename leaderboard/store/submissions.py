"""Submissions: their upload, their state, and what their owner and everyone else see of them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, defer

from envsuite.errors import NotAllowed, UnknownName
from envsuite.leaderboard.records import coarse
from envsuite.leaderboard.schemas import State, SubmissionView, Trust
from envsuite.leaderboard.store import eta
from envsuite.leaderboard.store.models import EpisodeRow, EvaluationRow, JobRow, SeasonRow, SubmissionRow, UserRow
from envsuite.leaderboard.store.types import plain_text, utc_now
from envsuite.leaderboard.store.users import row_of_user

if TYPE_CHECKING:
    from envsuite.leaderboard.submission.manifest import SubmissionManifest

PER_DAY = 5
"""Uploads of one account in 24 hours, by default."""
LOG_TAIL = 4096
"""Characters of what an agent printed that its owner sees."""
ACTIVE: tuple[State, ...] = ("queued", "running")


def add(
    session: Session, user: str, manifest: SubmissionManifest, bundle_sha256: str, *, per_day: int = PER_DAY
) -> SubmissionView:
    """Returns the new submission of an account (id or name), in the state "queued"; its bundle is a blob already.

    An upload that is repeated while the first one waits or runs gives the first one again. Raises `NotAllowed` for
    more than `per_day` uploads in 24 hours, and for a disabled account. `queue.plan_evaluation` follows.
    """
    owner = row_of_user(session, user, lock=True)  # two uploads at once count one after the other
    if owner.disabled:
        raise NotAllowed(f"account: {owner.name} is disabled; ask an admin")
    same = session.scalars(
        select(SubmissionRow).where(
            SubmissionRow.user == owner.number,
            SubmissionRow.bundle_sha256 == bundle_sha256,
            SubmissionRow.suite == manifest.suite,
            SubmissionRow.state.in_(ACTIVE),
        )
    ).first()
    if same is not None:
        return view(session, same, for_owner=True)
    if uploads_today(session, owner.id) >= per_day:
        raise NotAllowed(f"uploads: {owner.name} has had {per_day} in 24 hours; send the next one tomorrow")
    row = SubmissionRow(
        id=secrets.token_hex(8),
        user=owner.number,
        name=plain_text(manifest.name),
        version=plain_text(manifest.version),
        suite=manifest.suite,
        authors=[plain_text(author) for author in manifest.authors],
        licence=plain_text(manifest.licence),
        declared=manifest.declared(),
        learned=manifest.learned,
        runs=max(1, len(manifest.runs)),
        bundle_sha256=bundle_sha256,
        state="queued",
        trust=None,
        reason="",
        created_at=utc_now(),
    )
    session.add(row)
    session.flush()
    return view(session, row, for_owner=True)


def uploads_today(session: Session, user: str) -> int:
    """Returns how many submissions an account (id or name) has sent in the last 24 hours."""
    owner = row_of_user(session, user)
    since = utc_now() - timedelta(days=1)
    query = select(func.count()).select_from(SubmissionRow)
    return session.scalar(query.where(SubmissionRow.user == owner.number, SubmissionRow.created_at > since)) or 0


def get(session: Session, submission: str, *, for_owner: bool = False) -> SubmissionView:
    """Returns the submission of an id, with its score; raises `UnknownName`.

    With `for_owner` the view has what its owner and admins may see besides: the end of the log.
    """
    return view(session, row_of_submission(session, submission), for_owner=for_owner)


def list_submissions(
    session: Session,
    *,
    user: str | None = None,
    suite: str | None = None,
    state: State | None = None,
    trust: Trust | None = None,
    for_owner: bool = False,
    page: int = 1,
    per_page: int = 50,
) -> list[SubmissionView]:
    """Returns submissions, newest first, without their scores: `get` and the board have those."""
    query = select(SubmissionRow).order_by(SubmissionRow.number.desc())
    if user is not None:
        query = query.where(SubmissionRow.user == row_of_user(session, user).number)
    for column, value in (
        (SubmissionRow.suite, suite),
        (SubmissionRow.state, state),
        (SubmissionRow.trust, trust),
    ):
        if value is not None:
            query = query.where(column == value)
    rows = session.scalars(query.offset((page - 1) * per_page).limit(per_page)).all()
    return views(session, rows, for_owner=for_owner, with_score=False)


def count_submissions(session: Session) -> dict[str, int]:
    """Returns how many submissions are in each state; states without one are left out."""
    query = select(SubmissionRow.state, func.count()).group_by(SubmissionRow.state)
    return dict(session.execute(query).all())


def cancel(session: Session, submission: str, reason: str = "cancelled by its submitter") -> SubmissionView:
    """Returns the submission in the state "cancelled"; workers that still play it are refused from now on.

    Cancelling it twice changes nothing; raises `NotAllowed` for one that has ended otherwise.
    """
    row = row_of_submission(session, submission, lock=True)
    if row.state == "cancelled":
        return view(session, row, for_owner=True)
    if row.state not in ACTIVE:
        raise NotAllowed(f"submission: only one that waits or runs can be cancelled; {row.id} is {row.state}")
    stop_evaluations(session, row, "cancelled", reason)
    return set_state(session, row.id, "cancelled", reason)


def set_state(session: Session, submission: str, state: State, reason: str = "") -> SubmissionView:
    """Returns the submission in another state, with the times that go with it."""
    row = row_of_submission(session, submission, lock=True)
    row.state, row.reason = state, plain_text(reason)
    if state == "running" and row.started_at is None:
        row.started_at = utc_now()
    row.finished_at = None if state in ACTIVE else utc_now()
    session.flush()
    return view(session, row, for_owner=True)


def stop_evaluations(session: Session, row: SubmissionRow, state: State, reason: str) -> None:
    """Ends what waits and runs for a submission, so that its reports are refused and its jobs are not leased."""
    running = select(EvaluationRow.number).where(
        EvaluationRow.submission == row.number, EvaluationRow.state.in_(("queued", "running", "scoring"))
    )
    numbers = session.scalars(running.with_for_update()).all()
    session.execute(
        update(JobRow)
        .where(JobRow.evaluation.in_(numbers), JobRow.state.in_(("waiting", "leased")))
        .values(state="dropped", lease=None, expires_at=None)
    )
    session.execute(
        update(EvaluationRow)
        .where(EvaluationRow.number.in_(numbers))
        .values(state=state, reason=plain_text(reason), finished_at=utc_now())
    )


def view(session: Session, row: SubmissionRow, *, for_owner: bool) -> SubmissionView:
    """Returns the record of one row."""
    return views(session, [row], for_owner=for_owner, with_score=True)[0]


def views(
    session: Session, rows: Sequence[SubmissionRow], *, for_owner: bool, with_score: bool
) -> list[SubmissionView]:
    """Returns the records of rows, in a handful of queries for all of them."""
    numbers = [row.number for row in rows]
    names = dict(
        session.execute(
            select(UserRow.number, UserRow.name).where(UserRow.number.in_({row.user for row in rows}))
        ).all()
    )
    evaluations: dict[int, list[EvaluationRow]] = {number: [] for number in numbers}
    query = select(EvaluationRow).where(EvaluationRow.submission.in_(numbers)).order_by(EvaluationRow.number)
    unread = (EvaluationRow.suite,) if with_score else (EvaluationRow.suite, EvaluationRow.score)
    for evaluation in session.scalars(query.options(*map(defer, unread))):
        evaluations[evaluation.submission].append(evaluation)
    shown = {number: _shown(own) for number, own in evaluations.items()}
    done = _episodes_done(session, [e.number for e in shown.values() if e is not None and e.state in eta.UNFINISHED])
    seasons = {season.number: season for season in session.scalars(select(SeasonRow))}
    waiting = eta.waiting(session) if any(row.state in ACTIVE for row in rows) else {}
    return [
        _view(
            row,
            shown[row.number],
            names[row.user],
            done,
            seasons,
            waiting,
            for_owner=for_owner,
            with_score=with_score,
        )
        for row in rows
    ]


def _shown(evaluations: Sequence[EvaluationRow]) -> EvaluationRow | None:
    """Returns the evaluation whose numbers stand for the submission: the first, since a reproduction checks it."""
    return next((e for e in evaluations if e.kind != "reproduce"), None)


def _episodes_done(session: Session, numbers: Sequence[int]) -> dict[int, int]:
    query = select(EpisodeRow.evaluation, func.count()).where(EpisodeRow.evaluation.in_(numbers))
    return dict(session.execute(query.group_by(EpisodeRow.evaluation)).all()) if numbers else {}


def _view(
    row: SubmissionRow,
    shown: EvaluationRow | None,
    submitter: str,
    done: dict[int, int],
    seasons: dict[int, SeasonRow],
    waiting: dict[int, eta.Wait],
    *,
    for_owner: bool,
    with_score: bool,
) -> SubmissionView:
    wait = waiting.get(shown.number) if shown is not None else None
    total = shown.episodes_total if shown is not None else 0
    finished = shown is not None and shown.state not in eta.UNFINISHED
    season = seasons.get(shown.season or 0) if shown is not None else None
    # What an agent prints of held-out observations, and the exact return of one, would tell their seeds.
    open_seeds = season is None or season.closed_at is not None
    log, score = "", None
    if shown is not None and for_owner:
        log = shown.log_tail if open_seeds else shown.log_start
    if shown is not None and shown.score is not None and with_score:
        score = shown.score if open_seeds else coarse(shown.score)
    return SubmissionView.model_validate(
        {
            **{name: getattr(row, name) for name in _SAME},
            "submitter": submitter,
            "place": wait.place if wait is not None else None,
            "eta_s": wait.seconds if wait is not None else None,
            "episodes_done": total if finished and row.state == "scored" else done.get(shown.number if shown else 0, 0),
            "episodes_total": total,
            "season": season.name if season is not None else None,
            "score": score,
            "sandbox": shown.sandbox if shown is not None else None,
            "machine": shown.machine if shown is not None else None,
            "ledger_index": shown.ledger_index if shown is not None else None,
            "log_tail": log[-LOG_TAIL:],
        }
    )


_SAME = (
    *("id", "name", "version", "suite", "authors", "licence", "trust", "state", "reason", "created_at", "started_at"),
    *("finished_at", "runs", "learned", "bundle_sha256", "declared"),
)


def row_of_submission(session: Session, submission: str, *, lock: bool = False) -> SubmissionRow:
    """Returns the row of an id, for the store's own use; raises `UnknownName`."""
    query = select(SubmissionRow).where(SubmissionRow.id == submission)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = session.scalars(query).one_or_none()
    if row is None:
        raise UnknownName(f"unknown submission {submission[:80]!r}; `envsuite submissions` shows yours")
    return row
