"""Results: an evaluation with all its episodes becomes a score, a level of trust, and a signed entry of the ledger.

Three steps: read the episodes (one moment of the database), compute (no transaction, since a bootstrap takes seconds
and SQLite has one writer), and publish in one transaction that first looks whether another server has done so. Killed
in between, it is done again from the beginning; a blob without a row is all that may stay behind.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from envsuite.catalogue import TASKS
from envsuite.episode import Episode
from envsuite.errors import NotAllowed, StoreUnavailable
from envsuite.leaderboard.attest import RESULT, Entry, canonical
from envsuite.leaderboard.intervals import Estimate, difference
from envsuite.leaderboard.records import COARSE_DIGITS, SuiteScore
from envsuite.leaderboard.resultfile import Header, write_result
from envsuite.leaderboard.results import Results, SubmissionRecord, make_manifest
from envsuite.leaderboard.sandbox.base import Enforced
from envsuite.leaderboard.schemas import Trust
from envsuite.leaderboard.store import ledger, standings
from envsuite.leaderboard.store.database import Database
from envsuite.leaderboard.store.files import Files
from envsuite.leaderboard.store.models import (
    BrokenOffRow,
    ClaimRow,
    EpisodeRow,
    EvaluationRow,
    JobRow,
    SeasonRow,
    SubmissionRow,
)
from envsuite.leaderboard.store.plans import SUITE, checked_episode, plan_evaluation
from envsuite.leaderboard.store.submissions import set_state
from envsuite.leaderboard.store.types import utc_now
from envsuite.task import Suite

LOGGER = logging.getLogger("envsuite.store")
REJECTION = "rejection"
"""Kind of the ledger's entry on claims that a replay did not confirm."""
SHOWN = 3
"""Differing episodes that a rejection names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt at an episode, and the blob of its actions."""

    episode: Episode
    actions_sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """An evaluation as it was read: rows that are no longer bound to a session, and its attempts in order."""

    evaluation: EvaluationRow
    submission: SubmissionRow
    season: SeasonRow | None
    suite: Suite
    attempts: tuple[Attempt, ...]
    claims: dict[tuple[str, int, int], str]
    """Task, run and seed index -> trajectory that was claimed."""
    replayed: bool
    """Whether workers have played it; False for claims without actions."""
    first: SuiteScore | None
    """Of a reproduction, the score of the first evaluation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an evaluation has come to."""

    score: SuiteScore
    trust: Trust
    note: str = ""
    rejected: bool = False


def finalise_due(database: Database, files: Files) -> list[str]:
    """Returns the ids of the evaluations that had all their episodes and are scored now; refreshes the ranks.

    Called after every `queue.finish` that returns True, and now and then besides, for those that a killed server has
    left. An evaluation that cannot be scored fails, visibly, and does not hold up the others; one whose files cannot be
    read or written now stays due.
    """
    query = select(EvaluationRow.id).where(EvaluationRow.state == "scoring").order_by(EvaluationRow.number)
    due = database.run(lambda session: list(session.scalars(query)), read=True)
    done = []
    for evaluation in due:
        try:
            if finalise(database, files, evaluation):
                done.append(evaluation)
        except StoreUnavailable:
            LOGGER.exception("evaluation %s waits to be scored", evaluation)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            LOGGER.exception("evaluation %s cannot be scored", evaluation)
            reason = f"it cannot be scored: {type(error).__name__}: {error}"
            database.run(lambda session, ev=evaluation, why=reason: _fail(session, ev, why))  # type: ignore[misc]
    standings.refresh(database)
    return done


def finalise(database: Database, files: Files, evaluation: str) -> bool:
    """Returns whether this call has published the result of an evaluation; another one may have, or it was stopped."""
    played = database.run(lambda session: _read(session, evaluation), read=True)
    if played is None:
        return False
    verdict = _judge(played)
    return database.patiently(lambda: _publish(database, files, played, verdict))


def _read(session: Session, evaluation: str) -> Played | None:
    row = session.scalars(select(EvaluationRow).where(EvaluationRow.id == evaluation)).one()
    if row.state != "scoring":
        return None
    submission = session.get_one(SubmissionRow, row.submission)
    season = session.get(SeasonRow, row.season) if row.season is not None else None
    suite = SUITE.validate_python(row.suite)
    claims = session.scalars(select(ClaimRow).where(ClaimRow.evaluation == row.number)).all()
    first = None
    if row.kind == "reproduce":
        score = session.scalar(
            select(EvaluationRow.score)
            .where(EvaluationRow.submission == row.submission, EvaluationRow.kind == "verify")
            .limit(1)
        )
        first = None if score is None else SuiteScore.from_json(score)
    played = Played(
        evaluation=row,
        submission=submission,
        season=season,
        suite=suite,
        attempts=_attempts(session, row.number, suite),
        claims={(claim.task_id, claim.run, claim.seed_index): claim.record["trajectory"] for claim in claims},
        replayed=session.scalar(select(JobRow.number).where(JobRow.evaluation == row.number).limit(1)) is not None,
        first=first,
    )
    session.expunge_all()
    return played


def _attempts(session: Session, evaluation: int, suite: Suite) -> tuple[Attempt, ...]:
    """Returns all attempts in the order of a result file: those that were broken off before the one that counts."""
    order = {task_id: position for position, task_id in enumerate(suite.task_ids)}
    broken = select(BrokenOffRow.record).where(BrokenOffRow.evaluation == evaluation).order_by(BrokenOffRow.number)
    scored = select(EpisodeRow.record, EpisodeRow.actions_sha256).where(EpisodeRow.evaluation == evaluation)
    attempts = [
        *(Attempt(episode=checked_episode(record), actions_sha256=None) for record in session.scalars(broken)),
        *(Attempt(episode=checked_episode(row.record), actions_sha256=row[1]) for row in session.execute(scored)),
    ]
    key = [(order[a.episode.task_id], a.episode.run, a.episode.seed_index, i) for i, a in enumerate(attempts)]
    return tuple(attempts[i] for *_, i in sorted(key))


def _manifest(played: Played) -> Any:
    submission, season = played.submission, played.season
    return make_manifest(
        played.suite,
        split=played.evaluation.split,
        agent=submission.name,
        entry_point=f"sha256:{submission.bundle_sha256}",
        seed=0,
        commitment=season.commitment if season is not None else None,
        runs=submission.runs,
        submission=SubmissionRecord(
            name=submission.name,
            version=submission.version,
            sha256=submission.bundle_sha256,
            learned=submission.learned,
        ),
    )


def _judge(played: Played) -> Verdict:
    """Returns the score and the trust that an evaluation has earned."""
    score = Results.of(_manifest(played), [attempt.episode for attempt in played.attempts]).score()
    if played.evaluation.kind == "verify":
        if _is_safe(played):
            return Verdict(score=score, trust="verified")
        note = "played without a safe sandbox, so the score counts as self-reported"
        return Verdict(score=score, trust="self-reported", note=note)
    if played.evaluation.kind == "reproduce":
        return _judge_reproduction(played, score)
    return _judge_claims(played, score)


def _is_safe(played: Played) -> bool:
    return bool(played.evaluation.sandbox and played.evaluation.sandbox.get("safe"))


def _judge_reproduction(played: Played, score: SuiteScore) -> Verdict:
    """Reproduced: the second run's headline number is the first's but for luck."""
    if played.first is None:
        raise ValueError("first: expected the score of the evaluation that is reproduced, got none")
    if not _is_safe(played):
        return Verdict(score=score, trust="verified", note="the second run had no safe sandbox and shows nothing")
    if score.failed == score.episodes:
        return Verdict(score=score, trust="verified", note="the agent failed every episode of the second run")
    name, before = _headline(played.first)
    again = dict(_headlines(score)).get(name)
    if before is None or again is None:
        return Verdict(score=score, trust="verified", note="there is no number to compare the second run by")
    told = f"{name} {_told(again)} of the second run, {_told(before)} of the first"
    if is_same_but_for_luck(before, again):
        return Verdict(score=score, trust="reproduced", note=f"reproduced: {told}")
    return Verdict(score=score, trust="verified", note=f"not reproduced: {told}")


def is_same_but_for_luck(first: Estimate, again: Estimate) -> bool:
    """Returns whether a second number lies in the first one's interval, or in what its own luck adds to that.

    That is where the interval of their difference holds 0. The first interval alone, which knows of one run's luck,
    would refuse a sixth of all second runs of equal width.
    """
    apart = difference(again, first)
    return apart.low <= 0 <= apart.high


def _told(number: Estimate) -> str:
    """Returns a number with its interval in no more digits than the board shows while a season is open."""
    value, low, high = (f"{end:.{COARSE_DIGITS}g}" for end in number)
    return f"{value} [{low}, {high}]"


def _headlines(score: SuiteScore) -> Iterator[tuple[str, Estimate | None]]:
    yield "IQM", score.iqm
    yield "success rate", score.success_rate
    for task in score.tasks:
        yield f"score of {task.task_id}", task.score


def _headline(score: SuiteScore) -> tuple[str, Estimate | None]:
    """Returns the first number there is: IQM, else success rate, else the first scored task's."""
    return next(((name, value) for name, value in _headlines(score) if value is not None), ("IQM", None))


def _judge_claims(played: Played, score: SuiteScore) -> Verdict:
    """Validated: every replay gave the trajectory that was claimed."""
    if not played.replayed:
        return Verdict(score=score, trust="self-reported", note="uploaded without actions, so nothing was replayed")
    differ = [
        (attempt.episode.task_id, attempt.episode.run, attempt.episode.seed_index)
        for attempt in played.attempts
        if attempt.episode.outcome != "env_error"
        and TASKS[attempt.episode.task_id].deterministic != "statistical"
        and played.claims[attempt.episode.task_id, attempt.episode.run, attempt.episode.seed_index]
        != attempt.episode.trajectory
    ]
    if not differ:
        return Verdict(score=score, trust="validated")
    named = "; ".join(f"{task_id}, run {run}, seed index {index}" for task_id, run, index in differ[:SHOWN])
    more = f" and {len(differ) - SHOWN} more" if len(differ) > SHOWN else ""
    reason = f"the replay of the recorded actions gave another trajectory than was claimed: {named}{more}"
    return Verdict(score=score, trust="self-reported", note=reason, rejected=True)


def _publish(database: Database, files: Files, played: Played, verdict: Verdict) -> bool:
    """Writes everything that follows from a verdict in one transaction; returns whether it was this call's to do."""
    with contextlib.ExitStack() as stack:
        if verdict.rejected:
            session = stack.enter_context(database.session())
            evaluation = _still_due(session, played.evaluation.id)
            return evaluation is not None and _reject(session, files, evaluation, verdict)
        header = Header(
            id=played.evaluation.id,
            evaluation=_manifest(played),
            trust=verdict.trust,
            season=played.season.name if played.season is not None else None,
            round=played.evaluation.round,
            sandbox=Enforced(**played.evaluation.sandbox) if played.evaluation.sandbox else None,
            machine=played.evaluation.machine or {},
            score=verdict.score.to_json(),
        )
        session_of: list[tuple[Session, EvaluationRow]] = []

        def attest(payload_sha256: str) -> Entry:
            """Opens the transaction only now that all other bytes of the file are written."""
            session = stack.enter_context(database.session())
            evaluation = _still_due(session, played.evaluation.id)
            if evaluation is None:
                raise _Done
            session_of.append((session, evaluation))
            return ledger.prepare(session, files, RESULT, header.id, payload_sha256)

        try:
            with files.blobs.writer() as writer:
                entry = write_result(writer.file, header, _with_actions(files, played), attest)
                sha256 = writer.keep()
        except _Done:
            return False
        session, evaluation = session_of[0]
        view = ledger.append(session, entry, sha256)
        evaluation.result_sha256, evaluation.ledger_index = sha256, view.index
        _score(session, files, evaluation, verdict)
        return True


class _Done(Exception):
    """Raised to leave the writing of a result that another server has published."""


def _with_actions(files: Files, played: Played) -> Iterator[Episode]:
    for attempt in played.attempts:
        sha256 = attempt.actions_sha256
        yield replace(attempt.episode, actions=files.blobs.get_json(sha256) if sha256 is not None else None)


def _still_due(session: Session, evaluation: str) -> EvaluationRow | None:
    """Returns the row of an evaluation that nobody has published yet, locked until the transaction ends."""
    row = session.scalars(select(EvaluationRow).where(EvaluationRow.id == evaluation).with_for_update()).one()
    return row if row.state == "scoring" else None


def _score(session: Session, files: Files, evaluation: EvaluationRow, verdict: Verdict) -> None:
    submission = session.scalars(
        select(SubmissionRow).where(SubmissionRow.number == evaluation.submission).with_for_update()
    ).one()
    evaluation.state, evaluation.finished_at, evaluation.reason = "scored", utc_now(), verdict.note
    evaluation.score = verdict.score.to_json()
    if evaluation.kind == "reproduce":
        if verdict.trust == "reproduced":
            standings.raise_trust(session, submission, "reproduced")
        session.flush()
        return
    submission.trust = verdict.trust
    set_state(session, submission.id, "scored", verdict.note)
    standings.put_score(session, submission, evaluation, verdict.score, verdict.trust)
    session.flush()
    if verdict.trust == "verified":
        with contextlib.suppress(NotAllowed):  # a season that is about to close has no second runs
            plan_evaluation(session, files, submission.id, "reproduce")


def _reject(session: Session, files: Files, evaluation: EvaluationRow, verdict: Verdict) -> bool:
    submission = session.get_one(SubmissionRow, evaluation.submission)
    record = {"evaluation": evaluation.id, "submission": submission.id, "reason": verdict.note}
    view = ledger.append_bytes(session, files, REJECTION, evaluation.id, canonical(record))
    evaluation.state, evaluation.finished_at, evaluation.reason = "rejected", utc_now(), verdict.note
    evaluation.ledger_index = view.index
    set_state(session, submission.id, "rejected", verdict.note)
    return True


def _fail(session: Session, evaluation: str, reason: str) -> None:
    row = _still_due(session, evaluation)
    if row is None:
        return
    row.state, row.reason, row.finished_at = "failed", reason[:2000], utc_now()
    submission = session.get_one(SubmissionRow, row.submission)
    if submission.state != "scored":
        set_state(session, submission.id, "failed", reason[:2000])
    session.flush()
