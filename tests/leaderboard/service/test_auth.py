"""Tokens and roles: who may ask what, and from when on no longer."""

from __future__ import annotations

import json
import socket

import pytest
from servers import Board, archive, private_suites, wait_for

from envsuite.leaderboard.store import queue, users

__all__ = ["private_suites"]

OF_ADMINS = [
    ("GET", "users", None),
    ("POST", "users", {"name": "Mallory"}),
    ("PATCH", "users/admin", {"disabled": True}),
    ("GET", "tokens", None),
    ("POST", "tokens", {"user": "admin"}),
    ("POST", "tokens/x/revoke", None),
    ("POST", "seasons", {"name": "mine"}),
    ("POST", "seasons/mine/close", None),
    ("POST", "submissions/x/requeue", None),
    ("POST", "submissions/x/reproduce", None),
]
OF_WORKERS = [
    ("POST", "worker/lease", {"worker": "w"}),
    ("POST", "worker/jobs/x/heartbeat", {"lease": "x"}),
    ("POST", "worker/jobs/x/episodes", {"lease": "x", "episodes": []}),
    ("POST", "worker/jobs/x/finish", {"lease": "x"}),
]


@pytest.fixture
def board(tmp_path):
    with Board(tmp_path / "home") as board:
        yield board


def code(answer) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"error"}
    assert all(body["error"][part] for part in ("code", "message", "next"))
    return answer.status_code, body["error"]["code"]


@pytest.mark.parametrize(("method", "path", "body"), OF_ADMINS)
def test_only_admins_administer(board, method, path, body):
    assert code(board.ask(method, path, json=body)) == (401, "no-token")
    for role in ("submitter", "worker"):
        token = board.token(f"some {role}", role)
        assert code(board.ask(method, path, token, json=body)) == (403, "not-your-role")


@pytest.mark.parametrize(("method", "path", "body"), OF_WORKERS)
def test_only_workers_work(board, method, path, body):
    assert code(board.ask(method, path, json=body)) == (401, "no-token")
    for token in (board.admin, board.token("Ada")):
        assert code(board.ask(method, path, token, json=body)) == (403, "not-your-role")


@pytest.mark.parametrize(
    "header", ["Basic YTpi", "Bearer", "Bearer envsuite_none", "bearer x", "Bearer " + 300 * "x", "nonsense"]
)
def test_a_wrong_token_is_refused_even_where_none_is_needed(board, header):
    answer = board.http.get("/api/v1/suites", headers={"Authorization": header})
    assert code(answer) == (401, "bad-token")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_accounts_tokens_and_seasons(board):
    ada = board.ask("POST", "users", board.admin, json={"name": "Ada"}).json()
    made = board.ask("POST", "tokens", board.admin, json={"user": "ada"}).json()
    assert board.ask("GET", "submissions?mine=true", made["secret"]).json() == {"submissions": []}
    listed = board.ask("GET", f"tokens?user={ada['id']}", board.admin)
    assert made["secret"] not in listed.text
    assert listed.json()["tokens"][0]["last_used_at"]
    assert code(board.ask("POST", "users", board.admin, json={"name": "ADA"})) == (409, "not-allowed")
    assert code(board.ask("POST", "tokens", board.admin, json={"user": "nobody"})) == (404, "not-found")
    shut = board.ask("PATCH", "users/Ada", board.admin, json={"disabled": True}).json()
    assert shut["disabled"]
    assert code(board.ask("GET", "submissions?mine=true", made["secret"])) == (401, "bad-token")
    board.ask("PATCH", "users/Ada", board.admin, json={"disabled": False})
    assert board.ask("GET", "submissions?mine=true", made["secret"]).status_code == 200
    board.ask("POST", f"tokens/{made['token']['id']}/revoke", board.admin)
    assert code(board.ask("GET", "submissions?mine=true", made["secret"])) == (401, "bad-token")
    season = board.ask("GET", "seasons").json()["current"]
    assert board.ask("GET", "seasons").json()["seasons"][0]["secret"] is None
    closed = board.ask("POST", f"seasons/{season}/close", board.admin).json()
    assert len(closed["secret"]) == 64
    assert board.ask("POST", "seasons", board.admin, json={"name": "next"}).status_code == 201


def test_a_token_revoked_in_the_middle_of_an_upload(board, tmp_path):
    token = board.token("Ada")
    content = archive(tmp_path / "bundle")
    with socket.create_connection(("127.0.0.1", board.port)) as connection:
        head = f"POST /api/v1/submissions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        head += f"Content-Type: application/zip\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + content[:500])
        wait_for(lambda: list((tmp_path / "home").glob("uploads/*")), 10)
        with board.site.db.session() as session:
            (view,) = users.list_tokens(session, "Ada")
            users.revoke_token(session, view.id)
        connection.sendall(content[500:])
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"revoked" in answer
    assert board.ask("GET", "submissions?mine=true", board.token("Ada")).json() == {"submissions": []}
    assert not list((tmp_path / "home" / "uploads").iterdir())


def test_a_worker_revoked_in_the_middle_of_a_job(board, tmp_path):
    assert board.submit(board.token("Ada"), archive(tmp_path / "bundle")).status_code == 201
    revoked = board.token("bad worker", "worker")
    offer = board.ask("POST", "worker/lease", revoked, json={"worker": "w"}).json()
    seeds = [str(start["env_seed"]) for start in offer["starts"]]
    with board.site.db.session() as session:
        (view,) = users.list_tokens(session, "bad worker")
        users.revoke_token(session, view.id)
    job, lease = offer["id"], {"lease": offer["lease"]}
    for path, body in (("heartbeat", lease), ("episodes", {**lease, "episodes": []}), ("finish", lease)):
        assert code(board.ask("POST", f"worker/jobs/{job}/{path}", revoked, json=body)) == (401, "bad-token")
    other = board.token("good worker", "worker")
    following = board.ask("POST", "worker/lease", other, json={"worker": "w"})
    assert following.json()["id"] != job
    with board.site.db.session() as session:  # its time is over
        queue.take_back(session, f"{users.get_user(session, 'bad worker').id}/w")
    board.ask("POST", f"worker/jobs/{following.json()['id']}/finish", other, json={"lease": following.json()["lease"]})
    again = board.ask("POST", "worker/lease", other, json={"worker": "w"}).json()
    assert again["id"] == job
    assert again["lease"] != offer["lease"]
    assert code(board.ask("POST", f"worker/jobs/{job}/heartbeat", other, json=lease)) == (409, "lease-lost")
    log = board.log.getvalue()
    assert not any(seed in log for seed in seeds)
    assert not any(secret in log for secret in (revoked, other, offer["lease"], again["lease"]))


def test_bundles_are_for_their_owner_workers_and_admins(board, tmp_path):
    content = archive(tmp_path / "bundle")
    mine, other = board.token("Ada"), board.token("Eve")
    view = board.submit(mine, content).json()
    assert board.ask("GET", f"submissions/{view['id']}/bundle", mine).content == content
    assert board.ask("GET", f"submissions/{view['id']}/bundle", board.admin).content == content
    assert code(board.ask("GET", f"submissions/{view['id']}/bundle", other)) == (404, "not-found")
    by_hash = f"bundles/{view['bundle_sha256']}"
    assert board.ask("GET", by_hash, board.token("w1", "worker")).content == content
    assert code(board.ask("GET", by_hash, mine)) == (403, "not-your-role")
    assert code(board.ask("GET", by_hash)) == (401, "no-token")
    for reader in (None, other):
        assert code(board.ask("GET", f"submissions/{view['id']}", reader)) == (404, "not-found")
        assert board.ask("GET", "submissions", reader).json() == {"submissions": []}
    assert code(board.ask("POST", f"submissions/{view['id']}/cancel", other)) == (404, "not-found")
    assert board.ask("POST", f"submissions/{view['id']}/cancel", mine).json()["state"] == "cancelled"


def test_logs_have_a_line_per_request_and_no_secrets(board):
    token = board.token("Ada")
    board.ask("GET", f"submissions?mine=true&state=queued&unknown={token}", token)
    board.http.get("/healthz")
    lines = [json.loads(line) for line in board.log.getvalue().splitlines()]
    asked = [line for line in lines if line["event"] == "request"]
    assert [(line["path"], line["user"], line["status"]) for line in asked] == [
        ("/api/v1/submissions", "Ada", 200),
        ("/healthz", None, 200),
    ]
    assert all(line["id"] and line["ms"] >= 0 for line in asked)
    assert token not in board.log.getvalue()
