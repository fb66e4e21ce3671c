"""From `submission new` to a verified row, with real processes, a real sandbox, and real databases."""

from __future__ import annotations

import json
import shutil

import pytest
from postgres import HOW, Postgres, programs
from servers import BLOCKS, TINY, Server, bundle, children, gone, kill, private_suites, run, scored, wait_for, worker

from envsuite.errors import ServerRefused
from envsuite.leaderboard.evaluate import evaluate, evaluate_submission
from envsuite.leaderboard.resultfile import read_result
from envsuite.leaderboard.seeds import SecretSeeds
from envsuite.leaderboard.store.files import Files
from envsuite.suites import HELD_OUT

__all__ = ["private_suites"]


@pytest.fixture
def bwrap(needs):
    needs("bwrap", shutil.which("bwrap"), "apt-get install bubblewrap")


@pytest.fixture
def postgres(needs):
    folder = programs()
    needs("postgres", folder is not None, HOW)
    server = Postgres(folder, durable=True)
    yield server
    server.stop()


def held_out(server: Server, path, suite=TINY):
    """The episodes of a submission on the board's own seeds, played here without any board."""
    secret = Files(server.home).secret(server.season)
    results = evaluate_submission(path, suite, split=HELD_OUT, seeds=SecretSeeds(secret))
    return {(e.task_id, e.run, e.seed_index): e.trajectory for e in results.episodes}


def recorded(client, submission, file):
    client.result(submission, file)
    return {(e.task_id, e.run, e.seed_index): e.trajectory for e in read_result(file).attempts}


def season_of(server):
    with server.client() as client:
        return client.seasons()[-1].name


def journey(server: Server, folder):
    """`submission new`, `check`, `submit`, `submissions`, as a new user types them."""
    server.season = season_of(server)
    added = run("user", "add", "Ada", ENVSUITE_SERVER=server.url, ENVSUITE_TOKEN=server.admin)
    assert added.returncode == 0, added.stderr
    variables = {
        "ENVSUITE_SERVER": server.url,
        "ENVSUITE_TOKEN": added.stdout.strip(),
        "ENVSUITE_SUITES": str(server.suites),
    }
    agent = folder / "my-agent"
    made = run("submission", "new", "my-agent", "--suite", TINY.name, "--folder", str(agent), **variables)
    assert made.returncode == 0, made.stderr
    code = (agent / "agent.py").read_text()
    assert code.count(".seed(seed)") == 1
    (agent / "agent.py").write_text(code.replace(".seed(seed)", ".seed(0)"))  # a second run comes out the same
    sent = run("submit", str(agent), "--json", **variables)
    assert sent.returncode == 0, sent.stderr
    submission = json.loads(sent.stdout)["id"]
    watched = run("submissions", submission, "--watch", **variables)
    assert watched.returncode == 0, watched.stdout + watched.stderr
    assert "verified" in watched.stdout or "reproduced" in watched.stdout
    assert "bubblewrap" in watched.stdout
    listed = run("submissions", **variables)
    assert submission in listed.stdout
    assert "scored" in listed.stdout
    with server.client(server.admin) as client:
        assert recorded(client, submission, folder / "result.jsonl") == held_out(server, agent)
    with server.client("") as client:
        with pytest.raises(ServerRefused, match="published when season"):
            client.result(submission, folder / "too-early.jsonl")
        with pytest.raises(ServerRefused, match="published when the season"):
            client._ask("GET", f"ledger/{client.submission(submission).ledger_index}/payload")
        row = client._ask("GET", f"boards/{TINY.name}")["rows"][0]
        assert (row["submission"], row["submitter"]) == (submission, "Ada")
        view = client.submission(submission)
        assert view.sandbox["safe"]
        assert view.log_tail == ""
        first, second = wait_for(lambda: _both_done(client, submission), 60)
        assert (first["kind"], second["kind"]) == ("verify", "reproduce")
        assert second["reason"].startswith("reproduced: ")
        assert client.submission(submission).trust == "reproduced"
    return submission


def _both_done(client, submission):
    evaluations = client._ask("GET", f"submissions/{submission}/evaluations")["evaluations"]
    return evaluations if [one["state"] for one in evaluations] == ["scored", "scored"] else None


def test_a_new_users_agent_becomes_a_verified_row(tmp_path, bwrap):
    with Server(tmp_path) as server:
        submission = journey(server, tmp_path)
        as_admin = {"ENVSUITE_SERVER": server.url, "ENVSUITE_TOKEN": server.admin}
        closed = run("season", "close", server.season, **as_admin)
        assert closed.returncode == 0, closed.stderr
        secret = closed.stdout.split()[-1]
        with server.client("") as client:
            chain = client._http.get("ledger.jsonl").content
            key = client._ask("GET", "key")["public_key"]
        (tmp_path / "chain.jsonl").write_bytes(chain)
        proof = ("--key", key, "--chain", str(tmp_path / "chain.jsonl"), "--secret", secret)
        verified = run("verify", str(tmp_path / "result.jsonl"), *proof)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        workers = server.worker_pids
        assert len(workers) == 1
        assert server.end() == 0
        assert all(gone(pid) for pid in workers)
        log = server.log.read_text()
        assert server.admin not in log
        assert secret not in log
        lines = [json.loads(line) for line in log.splitlines()]
        assert {"request", "leased", "scored"} <= {line["event"] for line in lines}
        assert any(submission in line.get("path", "") for line in lines)


def test_the_same_on_postgresql(tmp_path, bwrap, postgres):
    with Server(tmp_path, database=postgres.new_database("board")) as server:
        journey(server, tmp_path)
        assert server.end() == 0


def test_results_of_ones_own_are_validated_by_a_replay(tmp_path, bwrap):
    with Server(tmp_path) as server:
        out = tmp_path / "results"
        evaluate("random", TINY, out=out)
        token = server.token("Ada")
        sent = run("submit", str(out), "--json", ENVSUITE_SERVER=server.url, ENVSUITE_TOKEN=token)
        assert sent.returncode == 0, sent.stderr
        with server.client(token) as client:
            view = scored(client, json.loads(sent.stdout)["id"])
            assert view.trust == "validated"
        lines = (out / "episodes.jsonl").read_text().splitlines()
        forged = json.loads(lines[0])
        forged["trajectory"], forged["return"] = "0" * len(forged["trajectory"]), 300.0
        (out / "episodes.jsonl").write_text("\n".join([json.dumps(forged), *lines[1:]]) + "\n")
        sent = run("submit", str(out), "--json", ENVSUITE_SERVER=server.url, ENVSUITE_TOKEN=token)
        assert sent.returncode == 0, sent.stderr
        told = run(
            "submissions", json.loads(sent.stdout)["id"], "--watch", ENVSUITE_SERVER=server.url, ENVSUITE_TOKEN=token
        )
        assert told.returncode == 1
        assert "rejected" in told.stdout
        assert "replay" in told.stdout


def test_two_workers_on_other_machines_give_the_same_episodes(tmp_path, bwrap):
    with Server(tmp_path, workers=0) as server:
        server.season = season_of(server)
        token, mine = server.token("gpu box", "worker"), server.token("Ada")
        path = bundle(tmp_path / "agent", BLOCKS.name)
        with (
            worker(server, token, tmp_path / "one"),
            worker(server, token, tmp_path / "two", "--processes", "2") as crew,
            server.client(mine) as client,
        ):
            sent = run("submit", str(path), "--json", ENVSUITE_SERVER=server.url, ENVSUITE_TOKEN=mine)
            view = scored(client, json.loads(sent.stdout)["id"])
            assert view.log_tail.count("episode with") == 1, "what it printed after an observation could tell the seeds"
            with server.client(server.admin) as admin:
                assert recorded(admin, view.id, tmp_path / "result.jsonl") == held_out(server, path, BLOCKS)
                assert admin.close_season(server.season).secret
            assert client.submission(view.id).log_tail.count("episode with") == BLOCKS.episodes / 3
            client.result(view.id, tmp_path / "published.jsonl")
            assert (tmp_path / "published.jsonl").read_bytes() == (tmp_path / "result.jsonl").read_bytes()
            members = wait_for(lambda: len(children(crew.pid)) == 2 and children(crew.pid), 20)
            kill(crew.pid)
            wait_for(lambda: all(gone(pid) for pid in members), 20)


def test_a_submission_that_cannot_run_is_rejected_or_fails_with_a_reason(tmp_path, bwrap):
    with Server(tmp_path) as server:
        token = server.token("Ada")
        crashing = bundle(tmp_path / "crash", agent="def make_agent(task):\n    raise RuntimeError('no weights')\n")
        sent = run("submit", str(crashing), "--json", ENVSUITE_SERVER=server.url, ENVSUITE_TOKEN=token)
        with server.client(token) as client:
            view = scored(client, json.loads(sent.stdout)["id"])
            assert {task["failed"] for task in view.score["tasks"]} == {2, 3}
        broken = bundle(tmp_path / "broken", licence="none at all", version="one")
        sent = run("submit", str(broken), ENVSUITE_SERVER=server.url, ENVSUITE_TOKEN=token)
        assert sent.returncode == 2
        assert "licence" in sent.stderr
        assert "version" in sent.stderr


def test_the_server_needs_nothing_of_the_users_environment(tmp_path):
    with Server(tmp_path, workers=0) as server:
        assert server.home.stat().st_mode & 0o077 == 0
        again = run("serve", "--port", "0", "--home", str(server.home))
        assert again.returncode == 2
        assert "another server" in again.stderr
        taken = run("serve", "--port", str(server.port), "--home", str(tmp_path / "other"))
        assert taken.returncode == 2
        assert "cannot listen" in taken.stderr
        assert (server.home / "keys" / "signing.key").exists()
