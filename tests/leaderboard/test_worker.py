"""The worker against a real board and a real sandbox: what it plays, gives back, keeps, and refuses to do."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
import time

import pytest
from servers import BLOCKS, TINY, Board, Server, archive, bundle, gone, kill, private_suites, run, wait_for, worker

from envsuite.errors import LeaseLost, SandboxUnavailable, ServerRefused, ServerUnreachable
from envsuite.leaderboard.client import Client
from envsuite.leaderboard.processes import REFUSES, Crew
from envsuite.leaderboard.reporter import Reporter, persist
from envsuite.leaderboard.schemas import Finish
from envsuite.leaderboard.store import details, queue, submissions
from envsuite.leaderboard.submission.archive import pack
from envsuite.leaderboard.worker import check_sandbox, work

__all__ = ["private_suites"]


@pytest.fixture
def bwrap(needs):
    needs("bwrap", shutil.which("bwrap"), "apt-get install bubblewrap")


@pytest.fixture
def board(tmp_path):
    with Board(tmp_path / "home") as board:
        yield board


@pytest.fixture
def client(board):
    with Client(board.url, board.token("w1", "worker")) as client:
        yield client


def submit(board, folder, **fields):
    answer = board.submit(board.token("Ada"), archive(folder, **fields))
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def look(board, submission):
    with board.site.db.read() as session:
        return submissions.get(session, submission, for_owner=True)


def test_it_never_plays_without_a_safe_sandbox(board, client, tmp_path):
    with pytest.raises(SandboxUnavailable, match="isolates nothing"):
        check_sandbox("subprocess")
    submission = submit(board, tmp_path / "b")
    with pytest.raises(SandboxUnavailable):
        work(client, name="w", cache=tmp_path / "cache", provider="subprocess", jobs=1)
    assert look(board, submission).state == "queued"
    refused = run("worker", "--server", board.url, "--token", "x", "--provider", "subprocess")
    assert refused.returncode == 2
    assert "isolates nothing" in refused.stderr


def test_it_plays_jobs_and_tells_how(board, client, bwrap, tmp_path):
    submission = submit(board, tmp_path / "b")
    told = []
    assert work(client, name="w", cache=tmp_path / "cache", jobs=2, say=told.append) == 2
    view = wait_for(lambda: (view := look(board, submission)).state == "scored" and view, 30)
    assert (view.trust, view.episodes_done) == ("verified", TINY.episodes)
    assert view.sandbox["provider"] == "bubblewrap"
    assert view.machine["cores"]
    assert told[0] == f"connected to {board.url}, sandbox bubblewrap"
    assert [line.partition(": ")[2].partition(" ")[0] for line in told[1:]] == ["verify", "done"] * 2
    assert (tmp_path / "cache" / "bundles" / f"{view.bundle_sha256}.zip").is_file()


def test_it_says_that_it_waits(board, client, bwrap, tmp_path):
    told, stop = [], threading.Event()

    def say(line):
        told.append(line)
        stop.set()

    assert work(client, name="w", cache=tmp_path / "cache", stop=stop, say=say) == 0
    assert told == [f"connected to {board.url}, sandbox bubblewrap; waits for jobs"]


def test_a_damaged_file_in_the_cache_is_fetched_again(board, client, bwrap, tmp_path):
    submission = submit(board, tmp_path / "b")
    cached = tmp_path / "cache" / "bundles" / f"{look(board, submission).bundle_sha256}.zip"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"PK damaged")
    work(client, name="w", cache=tmp_path / "cache", jobs=1)
    assert look(board, submission).episodes_done >= 2
    assert cached.read_bytes() == (tmp_path / "b" / "bundle.zip").read_bytes()


class Breaking(Client):
    """A client whose first fetches of a bundle break off."""

    failures = 2

    def bundle(self, sha256, file):
        if self.failures:
            self.failures -= 1
            raise ServerUnreachable("the server went away in the middle of the file")
        super().bundle(sha256, file)


def test_a_fetch_that_breaks_off_is_tried_again(board, bwrap, tmp_path):
    submission = submit(board, tmp_path / "b")
    with Breaking(board.url, board.token("w1", "worker")) as client:
        assert work(client, name="w", cache=tmp_path / "cache", jobs=1) == 1
    assert client.failures == 0
    assert look(board, submission).episodes_done >= 2


def test_what_cannot_be_installed_is_the_submissions_fault(board, client, bwrap, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    lock = "nothing-of-this-name-envsuite==1.0 --hash=sha256:" + 64 * "0" + "\n"
    made = bundle(tmp_path / "b", requirements="lock.txt")
    (made / "lock.txt").write_text(lock)
    pack(made, tmp_path / "b.zip")
    submission = board.submit(board.token("Ada"), (tmp_path / "b.zip").read_bytes()).json()["id"]
    work(client, name="w", cache=tmp_path / "cache", jobs=1)
    view = look(board, submission)
    assert view.episodes_done == 0
    assert view.state == "rejected"
    assert "lock.txt" in view.reason


def test_a_job_that_was_taken_back_is_dropped(board, client, bwrap, tmp_path):
    submission = submit(board, tmp_path / "b", suite=BLOCKS.name, pause_s=0.01)
    told = []
    options = {"name": "w", "cache": tmp_path / "cache", "jobs": 1, "say": told.append}
    thread = threading.Thread(target=work, args=(client,), kwargs=options)
    thread.start()
    wait_for(lambda: look(board, submission).episodes_done > 0, 60)
    with board.site.db.session() as session:
        submissions.cancel(session, submission)
    thread.join(60)
    assert not thread.is_alive()
    assert "dropped" in told[-1]
    assert look(board, submission).state == "cancelled"


def test_a_revoked_token_ends_the_worker(board, client, bwrap, tmp_path):
    submit(board, tmp_path / "b")
    board.ask("PATCH", "users/w1", board.admin, json={"disabled": True})
    with pytest.raises(ServerRefused, match="revoked"):
        work(client, name="w", cache=tmp_path / "cache", jobs=1)


def test_a_stopped_worker_gives_its_job_back_at_once(tmp_path, bwrap):
    with Server(tmp_path / "board", workers=0) as server:
        token = server.token("w1", "worker")
        bundle(tmp_path / "agent", BLOCKS.name, pause_s=0.05)
        pack(tmp_path / "agent", tmp_path / "agent.zip")
        with server.client(server.token("Ada")) as ada:
            submission = ada.submit(tmp_path / "agent.zip").id
            with worker(server, token, tmp_path / "first") as process:
                wait_for(lambda: ada.submission(submission).episodes_done > 0, 60)
                done = ada.submission(submission).episodes_done
                process.send_signal(signal.SIGTERM)
                started = time.monotonic()
                assert process.wait(30) == 0
                assert time.monotonic() - started < 15, "in the middle of an episode"
        assert "goes to another one" in (tmp_path / "first").read_text()
        with server.client(token) as client:
            offer = client.lease("another", ("verify",))
        assert offer.id.endswith("-0")
        assert len(offer.recorded) >= done


def test_reports_are_kept_while_the_server_is_away(board, client, tmp_path):
    submit(board, tmp_path / "b")
    offer = client.lease("w", ("verify",))
    stop = threading.Event()
    tries = []

    def ask():
        tries.append(time.monotonic())
        if len(tries) < 4:
            raise ServerUnreachable("away")
        return "answer"

    assert persist(ask, patience_s=30, stop=stop) == "answer"
    assert len(tries) == 4
    with pytest.raises(ServerUnreachable):
        persist(lambda: (_ for _ in ()).throw(ServerUnreachable("away")), patience_s=0.1, stop=stop)
    with pytest.raises(ServerRefused):
        persist(lambda: (_ for _ in ()).throw(ServerRefused("no", status=422)), patience_s=30, stop=stop)
    with board.site.db.session() as session:
        queue.take_back(session, "x")
    lost = threading.Event()
    other = offer.model_copy(update={"lease": "another"})
    with Reporter(client, other, on_lost=lost.set) as reporter, pytest.raises(LeaseLost):
        reporter.finish(_finish(offer, "another"))
    with Reporter(client, offer, on_lost=lost.set) as reporter:
        reporter.finish(_finish(offer, offer.lease))
    assert not lost.is_set()
    with board.site.db.read() as session:
        assert details.evaluations(session, offer.submission)[0].state == "running"


def _finish(offer, lease):
    return Finish(lease=lease, failure="only a test")


def test_a_crew_replaces_its_dead_and_ends_with_its_leader(tmp_path):
    code = "import time, envsuite.leaderboard.processes as p; p.end_with_parent(lambda: None); time.sleep(60)"
    said = []
    with Crew([[sys.executable, "-c", code]] * 2, secret="secret", say=said.append) as crew:
        first = wait_for(lambda: len(crew.pids) == 2 and crew.pids, 20)
        kill(first[0])
        second = wait_for(lambda: len(crew.pids) == 2 and first[0] not in crew.pids and crew.pids, 20)
        assert first[1] in second
        assert "another one starts" in said[0]
    assert all(gone(pid) for pid in second)


def test_a_crew_leaves_alone_what_cannot_work_here():
    said = []
    with Crew([[sys.executable, "-c", f"raise SystemExit({REFUSES})"]], secret="", say=said.append) as crew:
        wait_for(lambda: crew.all_refused, 20)
    assert said == [f"a worker process has ended with status {REFUSES}; it is not started again"]
