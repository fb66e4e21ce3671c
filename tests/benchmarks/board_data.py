"""A board as it may look after years: many submissions, a million episodes, written in bulk."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Table, insert, text

from envsuite.catalogue import get_suite, get_task
from envsuite.leaderboard.store import models, standings
from envsuite.leaderboard.store.database import Database

SUITE = "quick-v1"
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
USERS = 500
CHUNK = 20_000


def fill(database: Database, submissions: int = 10_000, episodes: int = 1_000_000, *, seed: int = 0) -> list[str]:
    """Returns the ids of the submissions that it has put on an empty board, with scores, ranks and episodes.

    The numbers are drawn, not computed from the episodes; the rows are those that real submissions have.
    """
    rng = np.random.default_rng(seed)
    ids = [hashlib.sha256(b"submission %d" % number).hexdigest()[:16] for number in range(1, submissions + 1)]
    tables: Iterable[tuple[type[models.Base], Iterator[dict[str, Any]]]] = (
        (models.UserRow, _users()),
        (models.SeasonRow, iter([_season()])),
        (models.SubmissionRow, map(_submission, itertools.count(1), ids)),
        (models.EvaluationRow, (_evaluation(number, episodes // submissions) for number in range(1, submissions + 1))),
        (models.ScoreRow, (_score(number, rng) for number in range(1, submissions + 1))),
        (models.TaskScoreRow, _task_scores(submissions, rng)),
        (models.FamilyScoreRow, _family_scores(submissions, rng)),
        (models.EpisodeRow, _episodes(submissions, episodes // submissions)),
    )
    for model, rows in tables:
        _insert(database, model, rows)
    with database.session() as session:
        standings.changed(session, SUITE)
        if not database.sqlite:  # the rows came with numbers of their own
            for name in ("users", "seasons", "submissions", "evaluations"):
                session.execute(
                    text(f"SELECT setval(pg_get_serial_sequence('{name}', 'number'), max(number)) FROM {name}")
                )
    standings.refresh(database)
    with database.session() as session:
        session.execute(text("ANALYZE"))
    return ids


def _insert(database: Database, model: type[models.Base], rows: Iterator[dict[str, Any]]) -> None:
    table: Table = model.__table__
    while chunk := list(itertools.islice(rows, CHUNK)):
        with database.session() as session:
            if database.sqlite:
                session.connection().execute(insert(table), chunk)
            else:
                _copy(session, table, chunk)


def _copy(session: Any, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Writes rows by COPY, ten times as fast as INSERT on PostgreSQL."""
    names = list(rows[0])
    dialect = session.get_bind().dialect
    binds = [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names]
    columns = ", ".join(f'"{name}"' for name in names)
    cursor = session.connection().connection.cursor()
    with cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row([bind(row[n]) if bind else row[n] for n, bind in zip(names, binds, strict=True)])


def _users() -> Iterator[dict[str, Any]]:
    for number in range(1, USERS + 1):
        name = f"Team {number}"
        role = {"role": "submitter", "disabled": False, "turn": 0, "created_at": BEGIN}
        yield {"number": number, "id": f"u{number}", "name": name, "name_key": name.casefold(), **role}


def _season() -> dict[str, Any]:
    return {"number": 1, "name": "s1", "commitment": "0" * 64, "opened_at": BEGIN, "closing": False}


def _submission(number: int, identity: str) -> dict[str, Any]:
    at = BEGIN + timedelta(minutes=37 * number)
    return {
        "number": number,
        "id": identity,
        "user": 1 + number % USERS,
        "name": f"agent-{number}",
        "version": f"{number % 9}.{number % 7}",
        "suite": SUITE,
        "authors": ["Ada Lovelace", "Grace Hopper"],
        "licence": "MIT",
        "declared": {
            "training_budget": {"steps": 10 ** (number % 9)},
            "hardware": "one CPU",
            "description": "An agent.",
        },
        "learned": number % 3 > 0,
        "runs": 5,
        "bundle_sha256": hashlib.sha256(identity.encode()).hexdigest(),
        "state": "scored",
        "trust": ("verified", "reproduced")[number % 2],
        "reason": "",
        "created_at": at,
        "started_at": at,
        "finished_at": at + timedelta(minutes=30),
    }


def _evaluation(number: int, episodes: int) -> dict[str, Any]:
    at = BEGIN + timedelta(minutes=37 * number)
    return {
        "number": number,
        "id": f"e{number}",
        "submission": number,
        "user": 1 + number % USERS,
        "kind": "verify",
        "round": 0,
        "season": 1,
        "split": "test",
        "suite": asdict(get_suite(SUITE)),
        "state": "scored",
        "reason": "",
        "episodes_total": episodes,
        "requeued": 0,
        "log_tail": "",
        "log_start": "",
        "score": _suite_score(number),
        "created_at": at,
        "started_at": at,
        "finished_at": at,
    }


def _suite_score(number: int) -> dict[str, Any]:
    """Returns a score as `SuiteScore.to_json` gives it."""
    middle = [0.2 + number % 100 / 200, 0.1 + number % 100 / 200, 0.3 + number % 100 / 200]
    task = {"score": middle, "normalised": middle, "success": None, "floor": 0.0, "ceiling": 1.0, "runs": 5}
    task |= {"episodes": 12, "failed": 0, "missing": 0, "env_errors": 0, "mean_length": 300.0, "truncated": 0.5}
    suite = get_suite(SUITE)
    return {
        "agent": f"agent-{number}",
        "suite": SUITE,
        "tasks": [{"task_id": t, "metric": get_task(t).metric, **task, "wall_s": 1.0} for t in suite.task_ids],
        **dict.fromkeys(("iqm", "mean", "median", "optimality_gap"), middle),
        "success_rate": None,
        "families": dict.fromkeys(_families(), middle),
        "profile": None,
        "ranked": list(suite.task_ids),
        "unranked": [],
        "unscored": [],
        "notes": [],
        "runs": 5,
        "learned": number % 3 > 0,
        "seed": 0,
        "reps": 2000,
        "complete": True,
    }


def _families() -> list[str]:
    return list(dict.fromkeys(get_task(task_id).family for task_id in get_suite(SUITE).task_ids))


def _around(rng: np.random.Generator, names: Sequence[str]) -> dict[str, float]:
    """Returns a number between 0 and 1 and an interval around it, under three names."""
    value, below, above = rng.uniform(0, 1), *rng.uniform(0.01, 0.1, 2)
    return dict(zip(names, (value, value - below, value + above), strict=True))


def _score(number: int, rng: np.random.Generator) -> dict[str, Any]:
    numbers: dict[str, float] = {}
    for name in ("iqm", "mean", "median", "gap", "success"):
        numbers |= _around(rng, (name, f"{name}_low", f"{name}_high"))
    return {
        "submission": number,
        "evaluation": number,
        "user": 1 + number % USERS,
        "suite": SUITE,
        "name": f"agent-{number}",
        "trust_level": 2 + number % 2,
        "learned": number % 3 > 0,
        "runs": 5,
        "budget": float(10 ** (number % 9)),
        **numbers,
        "unranked": "" if number % 10 else "Unranked: 3 of the 5 training runs that a learned agent needs for a rank.",
        "place": 0,
        "episodes": 100,
        "failed": number % 4,
        "scored_at": BEGIN + timedelta(minutes=37 * number),
    }


def _task_scores(submissions: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    tasks = [(task_id, get_task(task_id).metric) for task_id in get_suite(SUITE).task_ids]
    for number in range(1, submissions + 1):
        for position, (task_id, metric) in enumerate(tasks):
            triple = list(_around(rng, ("value", "low", "high")).values())
            data = {"metric": metric, "score": triple, "normalised": triple, "success": None}
            data |= {"runs": 5, "episodes": 12, "failed": 0}
            place = {"submission": number, "task_id": task_id, "position": position}
            yield {**place, "value": triple[0], "data": data}


def _family_scores(submissions: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    for number in range(1, submissions + 1):
        for family in _families():
            estimate = _around(rng, ("value", "low", "high"))
            yield {"submission": number, "family": family, "suite": SUITE, **estimate}


def _episodes(submissions: int, each: int) -> Iterator[dict[str, Any]]:
    task_ids = get_suite(SUITE).task_ids
    for number in range(1, submissions + 1):
        for position in range(each):
            task, rest = position % len(task_ids), position // len(task_ids)
            record = {
                "task_id": task_ids[task],
                "seed_index": rest % 4,
                "run": rest // 4,
                "return": float(number % 100 + position),
                "length": 300,
                "success": None,
                "metrics": {},
                "outcome": "truncated",
                "invalid_actions": 0,
                "error": None,
                "trajectory": f"{number * each + position:032x}",
                "timings": {"wall_s": 1.0, "env_s": 0.6, "agent_s": 0.4},
            }
            yield {
                "evaluation": number,
                **{name: record[name] for name in ("task_id", "run", "seed_index", "outcome", "length", "trajectory")},
                **record["timings"],
                "record": record,
                "actions_sha256": None,
            }


if __name__ == "__main__":
    import statistics
    import sys
    import time

    board = Database(sys.argv[1])
    board.upgrade()
    started = time.perf_counter()
    made = fill(board, *(int(argument) for argument in sys.argv[2:]))
    print(f"filled in {time.perf_counter() - started:.1f} s")
    from envsuite.leaderboard.store import details
    from envsuite.leaderboard.store.views import Filters

    def show(name: str, call: Any, times: int = 50) -> None:
        """Prints the median and the worst time of a read, in ms."""
        spent = []
        for _ in range(times):
            begin = time.perf_counter()
            board.run(call, read=True)
            spent.append(1000 * (time.perf_counter() - begin))
        print(
            json.dumps({"read": name, "median_ms": round(statistics.median(spent), 2), "max_ms": round(max(spent), 2)})
        )

    show("board, first page", lambda s: standings.board(s, SUITE))
    show("board, page 150", lambda s: standings.board(s, SUITE, page=150))
    show("board, by family", lambda s: standings.board(s, SUITE, Filters(family="crafter", sort="family")))
    show("board, filtered", lambda s: standings.board(s, SUITE, Filters(trust="reproduced", budget=1e4, sort="mean")))
    show("submission", lambda s: details.detail(s, made[len(made) // 2]))
    show("task", lambda s: details.task(s, get_suite(SUITE).task_ids[0]))
    show("compare", lambda s: details.compare(s, made[0], made[1]))
    started = time.perf_counter()
    with board.session() as session:
        standings.changed(session, SUITE)
    standings.refresh(board)
    print(f"ranked anew in {time.perf_counter() - started:.2f} s")
    board.close()
