"""Standings: the rows of the board, written when a submission is scored, ranked anew afterwards, read in pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.orm import Session

from envsuite.catalogue import get_suite
from envsuite.errors import InvalidArgument
from envsuite.leaderboard.intervals import Estimate
from envsuite.leaderboard.ranking import rank, why_unranked
from envsuite.leaderboard.records import SuiteScore, TaskScore, shown
from envsuite.leaderboard.schemas import Trust
from envsuite.leaderboard.store import ledger, seasons
from envsuite.leaderboard.store.database import Database
from envsuite.leaderboard.store.models import (
    BoardStateRow,
    EvaluationRow,
    FamilyScoreRow,
    ScoreRow,
    SeasonRow,
    SubmissionRow,
    TaskScoreRow,
    UserRow,
)
from envsuite.leaderboard.store.types import utc_now
from envsuite.leaderboard.store.upsert import insert_new
from envsuite.leaderboard.store.views import BoardRow, BoardView, Filters, Triple
from envsuite.task import parse_id

TRUST: tuple[Trust, ...] = ("self-reported", "validated", "verified", "reproduced")
"""From least to most; a row keeps the position."""
RANKED_FROM = TRUST.index("verified")
"""Least trust that takes a rank: what the server has not run on held-out seeds displaces nobody."""
UNTRUSTED = "Unranked: only what the board's server has run on held-out seeds takes a rank."
PER_PAGE = 50
MOST_PER_PAGE = 200
_NUMBERS = ("iqm", "mean", "median", "gap", "success")
"""Columns that come with a low and a high end."""
_SCORE_NAMES = {"gap": "optimality_gap", "success": "success_rate"}


def put_score(
    session: Session, submission: SubmissionRow, evaluation: EvaluationRow, score: SuiteScore, trust: Trust
) -> None:
    """Writes the row of a submission, in place of an earlier one; ranks follow with `refresh`."""
    drop_score(session, submission)
    training = submission.declared.get("training_budget") or {}
    numbers = {name: getattr(score, _SCORE_NAMES.get(name, name)) for name in _NUMBERS}
    level = TRUST.index(trust)
    session.add(
        ScoreRow(
            submission=submission.number,
            evaluation=evaluation.number,
            user=submission.user,
            suite=submission.suite,
            name=submission.name,
            trust_level=level,
            learned=submission.learned,
            runs=score.runs,
            budget=training.get("steps"),
            **{
                f"{name}{end}": None if value is None else value[position]
                for name, value in numbers.items()
                for position, end in enumerate(("", "_low", "_high"))
            },
            unranked=(why_unranked(score) or "") if level >= RANKED_FROM else UNTRUSTED,
            place=0,
            episodes=score.episodes,
            failed=score.failed,
            scored_at=utc_now(),
        )
    )
    for position, task in enumerate(score.tasks):
        session.add(_task_row(submission.number, position, task))
    for family, value in score.families.items():
        estimate = dict(zip(("value", "low", "high"), value, strict=True))
        session.add(FamilyScoreRow(submission=submission.number, family=family, suite=submission.suite, **estimate))
    changed(session, submission.suite)


def drop_score(session: Session, submission: SubmissionRow) -> None:
    """Takes a submission off the board."""
    for table in (TaskScoreRow, FamilyScoreRow, ScoreRow):
        for row in session.scalars(select(table).where(table.submission == submission.number)):
            session.delete(row)
    session.flush()
    changed(session, submission.suite)


def changed(session: Session, suite: str) -> None:
    """Notes that the ranks of a suite are to be computed anew."""
    insert_new(session, BoardStateRow, {"suite": suite, "changed": 0, "ranked": 0, "updated_at": utc_now()})
    session.execute(
        update(BoardStateRow)
        .where(BoardStateRow.suite == suite)
        .values(changed=BoardStateRow.changed + 1, updated_at=utc_now())
    )


def raise_trust(session: Session, submission: SubmissionRow, trust: Trust) -> None:
    """Notes a higher level of trust in a submission and in its row, whose numbers stay."""
    submission.trust = trust
    session.execute(
        update(ScoreRow).where(ScoreRow.submission == submission.number).values(trust_level=TRUST.index(trust))
    )
    changed(session, submission.suite)


def refresh(database: Database) -> list[str]:
    """Returns the suites whose ranks were out of date and have been computed anew; about 0.5 s for 10,000 rows.

    The ranks are computed outside the transaction that writes them, and written by whoever comes first.
    """
    stale = database.run(
        lambda session: list(
            session.execute(
                select(BoardStateRow.suite, BoardStateRow.changed).where(BoardStateRow.changed > BoardStateRow.ranked)
            ).all()
        ),
        read=True,
    )
    for suite, at in stale:
        columns = (ScoreRow.submission, ScoreRow.iqm, ScoreRow.iqm_low, ScoreRow.iqm_high, ScoreRow.unranked)
        columns_of_order = (ScoreRow.name, ScoreRow.rank, ScoreRow.rank_low, ScoreRow.rank_high, ScoreRow.place)
        query = select(*columns, *columns_of_order).where(ScoreRow.suite == suite)
        rows = database.run(lambda session, query=query: session.execute(query).all(), read=True)  # type: ignore[misc]
        values = _ranked(rows)
        database.run(lambda session, suite=suite, at=at, values=values: _write(session, suite, at, values))  # type: ignore[misc]
    return [suite for suite, _ in stale]


def board(
    session: Session, suite: str, filters: Filters | None = None, *, page: int = 1, per_page: int = PER_PAGE
) -> BoardView:
    """Returns a page of a suite's board, from rows made before: nothing is computed from episodes here.

    A page after the last one is the last one. Raises `UnknownName` for a suite, `InvalidArgument` for a page below 1
    or more than 200 rows.
    """
    if page < 1 or not 1 <= per_page <= MOST_PER_PAGE:
        raise InvalidArgument(f"page: expected >= 1 with 1 to {MOST_PER_PAGE} rows, got {page} with {per_page}")
    filters = filters or Filters()
    families = list(dict.fromkeys(parse_id(task_id).family for task_id in get_suite(suite).task_ids))
    if filters.family is not None and filters.family not in families:
        raise InvalidArgument(f"family: expected one of {', '.join(families)}, got {filters.family[:80]!r}")
    where = _where(suite, filters)
    total = session.scalar(_joined(select(func.count()).select_from(ScoreRow), filters).where(*where)) or 0
    pages = max(1, -(-total // per_page))
    page = min(page, pages)
    # First which rows, from the narrow tables and their indices; then all of them that is shown.
    order = _joined(select(ScoreRow.submission, *_family(filters)), filters).where(*where).order_by(*_order(filters))
    chosen = session.execute(order.offset((page - 1) * per_page).limit(per_page)).all()
    found = _whole_rows(session, [row[0] for row in chosen])
    tries = _tries(session, suite, {row[0].user for row in found.values()})
    season = seasons.current(session)
    return BoardView(
        suite=suite,
        filters=filters,
        rows=[_board_row(found[row[0]], tries, row[1:]) for row in chosen],
        page=page,
        pages=pages,
        total=total,
        families=families,
        head=ledger.head(session),
        season=season.name if season is not None else None,
        updated_at=session.scalar(select(BoardStateRow.updated_at).where(BoardStateRow.suite == suite)),
    )


def row_of(session: Session, submission: int) -> BoardRow | None:
    """Returns the row of one submission (its number), or None without a score."""
    found = _whole_rows(session, [submission]).get(submission)
    return None if found is None else _board_row(found, _tries(session, found[0].suite, {found[0].user}), ())


def _whole_rows(session: Session, submissions: Sequence[int]) -> dict[int, Any]:
    """Returns, by number of the submission, its row, itself, the account's name, its ledger index and its season."""
    query = (
        select(ScoreRow, SubmissionRow, UserRow.name, EvaluationRow.ledger_index, SeasonRow.name)
        .join(SubmissionRow, SubmissionRow.number == ScoreRow.submission)
        .join(UserRow, UserRow.number == ScoreRow.user)
        .join(EvaluationRow, EvaluationRow.number == ScoreRow.evaluation)
        .outerjoin(SeasonRow, SeasonRow.number == EvaluationRow.season)
        .where(ScoreRow.submission.in_(submissions))
    )
    return {row[0].submission: row for row in session.execute(query)}


def _where(suite: str, filters: Filters) -> list[ColumnElement[bool]]:
    where = [ScoreRow.suite == suite]
    if filters.family is not None:
        where += [FamilyScoreRow.suite == suite, FamilyScoreRow.family == filters.family]
    if filters.trust is not None:
        where.append(ScoreRow.trust_level >= TRUST.index(filters.trust))
    if filters.budget is not None:
        where.append(ScoreRow.budget <= filters.budget)
    if filters.learned is not None:
        where.append(ScoreRow.learned == filters.learned)
    return where


def _joined(query: Select[Any], filters: Filters) -> Select[Any]:
    if filters.family is None:
        return query
    return query.join(FamilyScoreRow, FamilyScoreRow.submission == ScoreRow.submission)


def _family(filters: Filters) -> tuple[Any, ...]:
    return () if filters.family is None else (FamilyScoreRow.value, FamilyScoreRow.low, FamilyScoreRow.high)


def _order(filters: Filters) -> tuple[Any, ...]:
    """Returns the order of the rows; the place breaks ties, and rows without the number come last."""
    columns: dict[str, Any] = {
        "iqm": ScoreRow.iqm.desc().nulls_last(),
        "mean": ScoreRow.mean.desc().nulls_last(),
        "median": ScoreRow.median.desc().nulls_last(),
        "optimality_gap": ScoreRow.gap.asc().nulls_last(),
        "success_rate": ScoreRow.success.desc().nulls_last(),
        "newest": ScoreRow.scored_at.desc(),
        "name": ScoreRow.name.asc(),
    }
    if filters.sort == "family":
        if filters.family is None:
            raise InvalidArgument('sort: "family" needs a family to sort by; name one')
        return (FamilyScoreRow.value.desc(), FamilyScoreRow.submission.desc())  # as its index has them
    if filters.sort == "rank":
        return (ScoreRow.place, ScoreRow.submission)
    return (columns[filters.sort], ScoreRow.place, ScoreRow.submission)


def _tries(session: Session, suite: str, users: set[int]) -> dict[int, int]:
    query = select(ScoreRow.user, func.count()).where(ScoreRow.suite == suite, ScoreRow.user.in_(users))
    return dict(session.execute(query.group_by(ScoreRow.user)).all())


def _triple(row: ScoreRow, name: str) -> Triple | None:
    """Returns a number as shown: ranks come from all of its digits, which could tell of a single held-out episode."""
    value, low, high = (getattr(row, f"{name}{end}") for end in ("", "_low", "_high"))
    return None if value is None else (shown(value), shown(low), shown(high))


def _board_row(found: Sequence[Any], tries: dict[int, int], family: Sequence[float]) -> BoardRow:
    row, submission, submitter, ledger_index, season = found
    return BoardRow(
        submission=submission.id,
        name=submission.name,
        version=submission.version,
        submitter=submitter,
        trust=TRUST[row.trust_level],
        learned=row.learned,
        runs=row.runs,
        rank=row.rank,
        rank_low=row.rank_low,
        rank_high=row.rank_high,
        unranked=row.unranked,
        **{_SCORE_NAMES.get(name, name): _triple(row, name) for name in _NUMBERS},
        family=(shown(family[0]), shown(family[1]), shown(family[2])) if family else None,
        episodes=row.episodes,
        failed=row.failed,
        budget=row.budget,
        tries=tries[row.user],
        season=season,
        scored_at=row.scored_at,
        ledger_index=ledger_index,
    )


def _task_row(submission: int, position: int, task: TaskScore) -> TaskScoreRow:
    data = {name: getattr(task, name) for name in ("metric", "runs", "episodes", "failed")}
    data |= {name: getattr(task, name) for name in ("score", "normalised", "success")}
    value = None if task.score is None else task.score.value
    return TaskScoreRow(submission=submission, task_id=task.task_id, position=position, value=value, data=data)


def _ranked(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Returns rank, ends of its interval and place of every row where they differ from what is there."""
    ranked = [row for row in rows if not row.unranked]
    places = rank([Estimate(row.iqm, row.iqm_low, row.iqm_high) for row in ranked])
    ranks = {row.submission: place for row, place in zip(ranked, places, strict=True)}
    order = sorted(rows, key=lambda row: (bool(row.unranked), row.iqm is None, -(row.iqm or 0.0), row.name))
    values = []
    for place, row in enumerate(order, start=1):
        own = ranks.get(row.submission)
        new = (own.rank, own.rank, own.last, place) if own is not None else (None, None, None, place)
        if new != (row.rank, row.rank_low, row.rank_high, row.place):
            names = ("submission", "rank", "rank_low", "rank_high", "place")
            values.append(dict(zip(names, (row.submission, *new), strict=True)))
    return values


def _write(session: Session, suite: str, at: int, values: list[dict[str, Any]]) -> None:
    """Writes ranks that were computed from the state `at`, unless a later one was ranked already."""
    state = session.scalars(select(BoardStateRow).where(BoardStateRow.suite == suite).with_for_update()).one()
    if state.ranked >= at:
        return
    if values:
        session.execute(update(ScoreRow), values)
    state.ranked = at
    state.updated_at = utc_now()
    session.flush()
