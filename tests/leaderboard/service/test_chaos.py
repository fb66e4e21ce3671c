"""Workers, servers and databases killed at random points: no episode is lost, repeated, or another one."""

from __future__ import annotations

import random
import shutil
import time

import pytest
from postgres import HOW, Postgres, programs
from servers import BLOCKS, Server, bundle, gone, kill, private_suites, scored, wait_for, worker

from envsuite.leaderboard.evaluate import evaluate_submission
from envsuite.leaderboard.resultfile import read_result
from envsuite.leaderboard.seeds import SecretSeeds
from envsuite.leaderboard.store.files import Files
from envsuite.leaderboard.submission.archive import pack
from envsuite.suites import HELD_OUT

__all__ = ["private_suites"]

PAUSE_S = 0.006
"""Of the agent, for a step: an episode takes about a third of a second."""
ENDED = ("scored", "failed", "rejected")
FAST, LONG = pytest.param(3, id="3"), pytest.param(20, id="20", marks=[pytest.mark.long, pytest.mark.timeout(1800)])


@pytest.fixture(autouse=True)
def bwrap(needs):
    needs("bwrap", shutil.which("bwrap"), "apt-get install bubblewrap")


@pytest.fixture(params=[FAST, LONG])
def kills(request):
    return request.param


class Chaos:
    """Keeps a board busy with submissions of one agent while something is killed, then compares every episode."""

    def __init__(self, server: Server, folder, kills: int) -> None:
        self.server, self.folder, self.random = server, folder, random.Random(kills)
        self.client = server.client(server.token("Ada"))
        self.admin = server.client()
        self.season = self.admin.seasons()[-1].name
        self.bundle = bundle(folder / "agent", BLOCKS.name, pause_s=PAUSE_S)
        pack(self.bundle, folder / "agent.zip")
        self.sent = [self._send()]

    def __enter__(self) -> Chaos:
        return self

    def __exit__(self, *exception: object) -> None:
        self.client.close()
        self.admin.close()

    def _send(self) -> str:
        return self.client.submit(self.folder / "agent.zip").id

    def wait(self, kill: int, longest_s: float) -> None:
        """Returns at a random point; every third time after a new episode, since five jobs without one are too many."""
        if self._look().state in ENDED:
            self.sent.append(self._send())
        if kill % 3 == 2:
            before = self._look().episodes_done
            wait_for(lambda: (view := self._look()).episodes_done > before or view.state in ENDED, 120)
        time.sleep(self.random.uniform(0.0, longest_s))

    def _look(self):
        def view():
            try:
                return self.client.submission(self.sent[-1])
            except OSError:
                return None

        return wait_for(view, 60)

    def check(self) -> None:
        """Fails unless every submission has exactly the episodes that an undisturbed evaluation has."""
        secret = Files(self.server.home).secret(self.season)
        calm = evaluate_submission(self.bundle, BLOCKS, split=HELD_OUT, seeds=SecretSeeds(secret))
        expected = sorted((e.task_id, e.run, e.seed_index, e.trajectory, e.return_, e.length) for e in calm.episodes)
        assert len(expected) == BLOCKS.episodes
        for number, submission in enumerate(self.sent):
            scored(self.client, submission, 300)
            file = self.folder / f"result-{number}.jsonl"
            self.admin.result(submission, file)  # everybody else gets it when the season has closed
            attempts = read_result(file).attempts
            got = sorted((e.task_id, e.run, e.seed_index, e.trajectory, e.return_, e.length) for e in attempts)
            assert got == expected


def test_killed_workers(tmp_path, kills):
    with Server(tmp_path / "board") as server, Chaos(server, tmp_path, kills) as chaos:
        killed = set()
        for number in range(kills):
            chaos.wait(number, 4.0)
            alive = wait_for(lambda: set(server.worker_pids) - killed, 60)  # noqa: B023
            for pid in alive:
                kill(pid)
            killed |= alive
        chaos.check()
        assert len(killed) >= kills


def test_killed_servers_take_their_workers_along(tmp_path, kills):
    with Server(tmp_path / "board") as server, Chaos(server, tmp_path, kills) as chaos:
        for number in range(kills):
            chaos.wait(number, 4.0)
            orphans = server.worker_pids
            server.kill()
            if number % 2:
                wait_for(lambda: all(gone(pid) for pid in orphans), 20)  # noqa: B023
            server.start()
        chaos.check()


def test_killed_servers_find_their_workers_again(tmp_path, kills):
    with (
        Server(tmp_path / "board", workers=0) as server,
        worker(server, server.token("far away", "worker"), tmp_path / "worker") as process,
        Chaos(server, tmp_path, kills) as chaos,
    ):
        for number in range(kills):
            chaos.wait(number, 3.0)
            server.kill()
            time.sleep(chaos.random.uniform(0.0, 3.0))
            server.start()
        chaos.check()
        assert process.poll() is None
    jobs = [line for line in (tmp_path / "worker").read_text().splitlines() if ": verify " in line]
    assert len(jobs) == 3 * len(chaos.sent)  # kept through every absence: no block was played twice


def test_killed_databases(tmp_path, kills, needs):
    folder = programs()
    needs("postgres", folder is not None, HOW)
    database = Postgres(folder, durable=True)
    try:
        url = database.new_database("board")
        with Server(tmp_path / "board", database=url) as server, Chaos(server, tmp_path, kills) as chaos:
            for number in range(kills):
                chaos.wait(number, 3.0)
                database.kill()
                time.sleep(chaos.random.uniform(0.0, 3.0))
                database.start()
            chaos.check()
    finally:
        database.stop()
