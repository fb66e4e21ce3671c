"""The order of the queue, and how long it will take: from measured seconds per episode of recent jobs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from envsuite.leaderboard.store.models import EvaluationRow, JobRow, SpeedRow, UserRow
from envsuite.leaderboard.store.upsert import insert_new

UNFINISHED = ("queued", "running", "scoring")
WEIGHT = 0.3
"""Of the newest job in the running mean of its task's seconds per episode."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What an evaluation has before it."""

    place: int | None
    """From 1; None when it runs."""
    seconds: float | None
    """Until it is scored, on as many workers as are at work now; None where no job was measured yet."""


def waiting(session: Session) -> dict[int, Wait]:
    """Returns, by number of the evaluation, place and time of everything that runs or waits."""
    query = select(EvaluationRow.number, EvaluationRow.user, EvaluationRow.state, UserRow.turn)
    rows = session.execute(
        query.join(UserRow, UserRow.number == EvaluationRow.user)
        .where(EvaluationRow.state.in_(("queued", "running")))
        .order_by(EvaluationRow.number)
    ).all()
    seconds = _seconds_left(session, [row.number for row in rows])
    workers = session.scalar(select(func.count(func.distinct(JobRow.worker))).where(JobRow.state == "leased"))
    running = [(row.number, row.user) for row in rows if row.state == "running"]
    queued = served([(row.number, row.user, row.turn) for row in rows if row.state == "queued"])
    result, total = {}, 0.0
    for position, number in enumerate([*(number for number, _ in running), *queued], start=1 - len(running)):
        left = seconds.get(number)
        total += left or 0.0
        time = None if left is None else total / max(1, workers or 0)
        result[number] = Wait(place=position if position > 0 else None, seconds=time)
    return result


def served(queued: list[tuple[int, int, int]]) -> list[int]:
    """Returns evaluations (number, user, the user's turn), oldest first, in the order that they will be started.

    Accounts take turns: whose last evaluation was started longest ago comes first, each with its oldest one.
    """
    own: dict[int, list[int]] = defaultdict(list)
    turns = {}
    for number, user, turn in queued:
        own[user].append(number)
        turns[user] = turn
    order = []
    later = max(turns.values(), default=0)
    while own:
        user = min(own, key=lambda user: (turns[user], own[user][0]))
        order.append(own[user].pop(0))
        later += 1
        turns[user] = later
        if not own[user]:
            del own[user]
    return order


def measure(session: Session, task_id: str, seconds: float) -> None:
    """Takes the seconds per episode of a finished job into the running mean of its task."""
    insert_new(session, SpeedRow, {"task_id": task_id, "seconds": seconds, "jobs": 0})
    row = session.scalars(select(SpeedRow).where(SpeedRow.task_id == task_id).with_for_update()).one()
    row.seconds += WEIGHT * (seconds - row.seconds)
    row.jobs += 1
    session.flush()


def _seconds_left(session: Session, evaluations: list[int]) -> dict[int, float]:
    """Returns seconds of one worker for what each evaluation has left; tasks never measured take the others' mean."""
    speeds = dict(session.execute(select(SpeedRow.task_id, SpeedRow.seconds)).all())
    if not speeds:
        return {}
    usual = sum(speeds.values()) / len(speeds)
    query = (
        select(JobRow.evaluation, JobRow.task_id, func.sum(JobRow.episodes))
        .where(JobRow.evaluation.in_(evaluations), JobRow.state.in_(("waiting", "leased")))
        .group_by(JobRow.evaluation, JobRow.task_id)
    )
    left = dict.fromkeys(evaluations, 0.0)
    for evaluation, task_id, episodes in session.execute(query):
        left[evaluation] += episodes * speeds.get(task_id, usual)
    return left
