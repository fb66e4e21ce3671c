"""Kills the database, or the workers that write to it, at random moments; no episode is lost or counted twice."""

import itertools
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import postgres as servers
import pytest
from boards import SUITE, count, open_board, pass_time, submit
from sqlalchemy import text

from envsuite.catalogue import get_suite
from envsuite.errors import StoreUnavailable
from envsuite.leaderboard.attest import check_chain
from envsuite.leaderboard.store import ledger, users
from envsuite.leaderboard.store.database import Database
from envsuite.leaderboard.store.files import Files
from envsuite.leaderboard.store.queue import LEASE_S

WORKERS = 2
ROUNDS = [3, pytest.param(20, marks=pytest.mark.long)]
ENOUGH_S = 300.0


class Board:
    """A board with worker processes, and what they have noted."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.database, self.files = Database(url, patience_s=60.0), Files(folder / "home")
        self.database.upgrade()
        open_board(self.database, self.files)
        self._accounts = itertools.count(1)
        self._notes = itertools.count(1)
        self.workers: list[subprocess.Popen[bytes]] = []
        for _ in range(WORKERS):
            self.start_worker()

    def start_worker(self) -> None:
        notes = self.folder / f"notes-{next(self._notes)}"
        environment = {**os.environ, "PYTHONPATH": str(Path(servers.__file__).parent)}
        command = [sys.executable, str(Path(servers.__file__).with_name("store_worker.py")), self.url]
        self.workers.append(
            subprocess.Popen([*command, str(self.files.folder), str(notes)], env=environment, cwd=self.folder)
        )

    def unfinished(self) -> int:
        return count(self.database, "evaluations", "state IN ('queued', 'running', 'scoring')")

    def give_work(self) -> None:
        """Submits until enough waits for the next kill to come in the middle."""
        while self.unfinished() < 2:
            name = f"user {next(self._accounts)}"
            self.database.run(lambda session, name=name: users.create_user(session, name))
            submit(self.database, self.files, name)

    def wait_for_episodes(self, more: int) -> None:
        """Waits until that many more episodes are recorded."""
        goal = count(self.database, "episodes") + more

        def reached() -> bool:
            self.give_work()
            return count(self.database, "episodes") >= goal

        self._wait(reached)

    def finish_all(self) -> None:
        """Waits until everything is scored; leases that nobody holds any more run out quickly."""
        self._wait(lambda: not self.unfinished())

    def _wait(self, reached) -> None:
        deadline = time.monotonic() + ENOUGH_S
        seen, since = -1, time.monotonic()
        while not reached():
            assert time.monotonic() < deadline, self.state()
            assert all(worker.poll() is None for worker in self.workers), "a worker has ended by itself"
            now = count(self.database, "episodes")
            if now != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > 3:
                pass_time(self.database, LEASE_S + 1)
                since = time.monotonic()
            time.sleep(0.02)

    def state(self) -> str:
        with self.database.read() as session:
            return str(session.execute(text("SELECT id, kind, state, reason FROM evaluations")).all())

    def check(self) -> None:
        """Every evaluation is scored, with every episode once: the one whose report was acknowledged."""
        assert count(self.database, "evaluations", "state <> 'scored'") == 0, self.state()
        with self.database.read() as session:
            rows = session.execute(
                text(
                    "SELECT e.id, p.task_id, p.seed_index, p.trajectory FROM episodes p, evaluations e "
                    "WHERE p.evaluation = e.number"
                )
            ).all()
            evaluations = list(session.scalars(text("SELECT id FROM evaluations")))
            assert check_chain(ledger.chain(session), [self.files.signer.public_key]).ok
            assert count(self.database, "ledger", "kind = 'result'") == len(evaluations)
        recorded = {(e, task, index): trajectory for e, task, index, trajectory in rows}
        assert len(recorded) == len(rows)
        expected = {(e, t.task_id, i) for e in evaluations for t in get_suite(SUITE).tasks for i in range(t.episodes)}
        assert recorded.keys() == expected
        for evaluation, task, index, trajectory in self.acknowledged():
            assert recorded[evaluation, task, int(index)] == trajectory

    def acknowledged(self) -> list[list[str]]:
        lines = [line for path in self.folder.glob("notes-*") for line in path.read_text().splitlines()]
        noted = [line.split() for line in lines]
        assert len({tuple(note[:3]) for note in noted}) == len(noted), "an episode was acknowledged twice"
        return noted

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.database.close()


@pytest.fixture
def boards(tmp_path):
    """Makes a board on a database's URL."""
    made = []

    def make(url: str) -> Board:
        made.append(Board(url, tmp_path))
        return made[-1]

    yield make
    for board in made:
        board.close()


@pytest.fixture
def durable(needs):
    """A PostgreSQL server that keeps its promises when it is killed."""
    needs("postgres", servers.programs(), servers.HOW)
    server = servers.Postgres(servers.programs(), durable=True)
    yield server
    server.stop()


@pytest.mark.parametrize("rounds", ROUNDS)
def test_postgres_is_killed_and_comes_back(boards, durable, rounds):
    board = boards(durable.new_database("board"))
    rng = random.Random(rounds)
    for _ in range(rounds):
        board.wait_for_episodes(3)
        time.sleep(rng.uniform(0, 0.3))
        durable.kill()
        time.sleep(rng.uniform(0, 0.5))
        durable.start()
    board.finish_all()
    board.check()
    assert len(board.acknowledged()) > 3 * rounds


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize("rounds", ROUNDS)
def test_workers_are_killed_and_others_go_on(boards, tmp_path, request, kind, rounds):
    url = f"sqlite:///{tmp_path / 'board.sqlite'}"
    if kind == "postgres":
        url = request.getfixturevalue("postgres").new_database(f"kills{rounds}")
    board = boards(url)
    rng = random.Random(rounds)
    for _ in range(rounds):
        board.wait_for_episodes(3)
        time.sleep(rng.uniform(0, 0.2))
        victim = board.workers.pop(rng.randrange(len(board.workers)))
        victim.kill()
        victim.wait()
        board.start_worker()
    board.finish_all()
    board.check()
    if kind == "sqlite":
        with board.database.read() as session:
            assert session.execute(text("PRAGMA integrity_check")).scalar() == "ok"


def test_requests_are_refused_clearly_while_the_database_is_away_and_work_afterwards(durable):
    url = durable.new_database("board")
    impatient, patient = Database(url, patience_s=0.2), Database(url, patience_s=60)
    impatient.upgrade()
    durable.kill()
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="does not answer"):
            impatient.run(lambda session: users.create_user(session, "ada"))
    durable.start()
    assert patient.run(lambda session: users.create_user(session, "ada")).name == "ada"
    assert impatient.run(users.list_users, read=True)[0].name == "ada"
    for database in (impatient, patient):
        database.close()
