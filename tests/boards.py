"""A board without agents: submissions, and a worker that makes up its episodes."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import text

from envsuite.catalogue import family_of, get_suite, get_task
from envsuite.episode import Episode
from envsuite.leaderboard.schemas import Finish, Kind, Offer, Report, SubmissionView
from envsuite.leaderboard.store import queue, results, seasons, submissions, users
from envsuite.leaderboard.store.database import Database
from envsuite.leaderboard.store.files import Files
from envsuite.leaderboard.store.views import Claim, EvaluationView
from envsuite.leaderboard.submission.manifest import SubmissionManifest

SUITE = "quick-v1"
JOBS = len(get_suite(SUITE).tasks)
"""Of a submission: a task has so few episodes that one worker plays them."""
EPISODES = sum(task.episodes for task in get_suite(SUITE).tasks)
SAFE = {"provider": "bubblewrap", "safe": True, "features": {}}
_NUMBERS = itertools.count(1)


def manifest(name: str = "walker", suite: str = SUITE, **fields: Any) -> SubmissionManifest:
    """Returns the manifest of an agent without training."""
    values = {"name": name, "version": "1.0", "authors": ["Ada"], "licence": "MIT", "suite": suite, "learned": False}
    return SubmissionManifest.model_validate(values | fields)


def sha256(content: object) -> str:
    """Returns a SHA-256."""
    return hashlib.sha256(str(content).encode()).hexdigest()


def open_board(database: Database, files: Files, accounts: Sequence[str] = ("ada",)) -> None:
    """Opens a season and makes accounts."""
    with database.session() as session:
        seasons.open_season(session, files, "s1")
        for account in accounts:
            users.create_user(session, account)


def submit(
    database: Database, files: Files, user: str = "ada", *, kind: Kind = "verify", **fields: Any
) -> SubmissionView:
    """Returns a new submission with its evaluation planned."""
    with database.session() as session:
        made = manifest(**{"name": f"agent-{next(_NUMBERS)}", **fields})
        view = submissions.add(session, user, made, sha256((made.name, made.suite)))
        queue.plan_evaluation(session, files, view.id, kind)
        return submissions.get(session, view.id, for_owner=True)


def episode(task_id: str, seed_index: int, run: int = 0, **fields: Any) -> dict[str, Any]:
    """Returns an episode as a worker reports it; its numbers follow from its place, like those of a real one."""
    number = int(sha256((task_id, seed_index, run))[:8], 16)
    values: dict[str, Any] = {
        "task_id": task_id,
        "seed_index": seed_index,
        "run": run,
        "return_": (number % 1000) / 10,
        "length": 5 + number % 50,
        "success": number % 2 == 0 if get_task(task_id).metric == "success_rate" else None,
        "metrics": crafter(number) if "crafter" in task_id else {},
        "outcome": "terminated",
        "trajectory": sha256((number, "trajectory"))[:32],
        "timings": {"wall_s": 0.5, "env_s": 0.3, "agent_s": 0.2},
    }
    return Episode(**(values | fields)).to_json()


def crafter(number: int) -> dict[str, float]:
    """Returns metrics of the family crafter."""
    names = family_of("envsuite/crafter-reward-v1").metrics
    return {name: float((number >> position) & 1) for position, name in enumerate(names)}


def play(offer: Offer, **fields: Any) -> Report:
    """Returns the report of a whole job."""
    indices = [start.seed_index for start in offer.starts]
    return Report(
        lease=offer.lease,
        episodes=[episode(offer.task_id, index, offer.run, **fields) for index in indices],
        actions={index: [offer.run, index, 1, 2] for index in indices},
    )


def play_alike(offer: Offer, good: bool) -> Report:
    """Returns the report of an agent that does everything well, or nothing."""
    fields: dict[str, Any] = {"return_": 250.0 if good else -100.0}
    if get_task(offer.task_id).metric == "success_rate":
        fields["success"] = good
    if "crafter" in offer.task_id:
        fields["metrics"] = dict.fromkeys(family_of(offer.task_id).metrics, float(good))
    return play(offer, **fields)


def lease(database: Database, files: Files, worker: str = "w1", **options: Any) -> Offer | None:
    """Returns a job."""
    return database.run(lambda session: queue.lease(session, files, worker, **options))


def work(
    database: Database,
    files: Files,
    *,
    jobs: int | None = None,
    worker: str = "w1",
    sandbox: Mapping[str, Any] | None = SAFE,
    playing: Callable[[Offer], Report] = play,
) -> int:
    """Returns how many jobs a worker has done until nothing was left, or `jobs` of them."""
    done = 0
    while jobs is None or done < jobs:
        offer = lease(database, files, worker)
        if offer is None:
            break
        database.run(lambda session, o=offer: queue.report(session, files, o.id, playing(o)))
        end = Finish(lease=offer.lease, sandbox=dict(sandbox) if sandbox else None, machine={"cores": 2})
        if database.run(lambda session, o=offer, end=end: queue.finish(session, o.id, end)):
            results.finalise_due(database, files)
        done += 1
    return done


def jump(database: Database, seconds: float) -> None:
    """Lets the wall's clock jump, as the queue sees it."""
    with database.session() as session:
        session.execute(text("UPDATE queue_clock SET wall = wall - :seconds"), {"seconds": seconds})


def pass_time(database: Database, seconds: float) -> None:
    """Lets time pass for the queue, in steps that it believes."""
    with database.session() as session:
        session.execute(text("UPDATE queue_clock SET ticks = ticks + :seconds"), {"seconds": seconds})


def count(database: Database, table: str, where: str = "1 = 1") -> int:
    """Returns how many rows a table has."""
    with database.read() as session:
        return int(session.execute(text(f"SELECT count(*) FROM {table} WHERE {where}")).scalar_one())


def all_claims(suite: str = SUITE, **fields: Any) -> list[Claim]:
    """Returns the claims of a user who has played a whole suite."""
    return [
        Claim(record=episode(task.task_id, index, **fields), actions=[1, 2, index])
        for task in get_suite(suite).tasks
        for index in range(task.episodes)
    ]


def upload(database: Database, files: Files, claims: Sequence[Claim]) -> tuple[SubmissionView, EvaluationView]:
    """Returns a submission of results, and its evaluation."""
    with database.session() as session:
        made = submissions.add(session, "ada", manifest(), sha256("results"))
        return made, queue.plan_evaluation(session, files, made.id, "validate", claims=claims)
