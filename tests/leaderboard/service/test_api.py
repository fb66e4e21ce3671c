"""The API's answers: what goes in comes out, errors have one shape, and a database that is away is told."""

from __future__ import annotations

import json
import time

import pytest
from postgres import HOW, Postgres, programs
from servers import TINY, Board, archive, private_suites, wait_for

import envsuite
from envsuite.catalogue import SUITES
from envsuite.leaderboard.service import public_api

__all__ = ["private_suites"]

MARKUP = "<script>alert(1)</script> & \"quoted\" 'text' {{ 7*7 }}"


@pytest.fixture
def board(tmp_path):
    with Board(tmp_path / "home") as board:
        yield board


def test_what_anybody_may_read(board):
    assert {suite["name"] for suite in board.ask("GET", "suites").json()["suites"]} == set(SUITES)
    rules = board.ask("GET", "rules").json()
    assert rules["version"] == envsuite.__version__
    assert rules["limits"]["bundle_bytes"] == 256 * 2**20
    key = board.ask("GET", "key").json()
    assert bytes.fromhex(key["public_key"]) == board.site.files.signer.public_key
    assert board.ask("GET", "key.pem").text == key["pem"] == board.site.files.signer.public_pem()
    chain = board.ask("GET", "ledger").json()
    assert chain["head"] == 0
    assert chain["entries"][0]["kind"].startswith("season")
    assert board.ask("GET", "ledger.jsonl").text.count("\n") == 1
    assert board.ask("GET", "ledger/0/payload").content
    assert board.ask("GET", "ledger/1/payload").status_code == 404
    page = board.ask("GET", f"boards/{TINY.name}").json()
    assert (page["rows"], page["total"]) == ([], 0)
    assert board.ask("GET", "boards/none-v1").status_code == 404
    assert board.ask("GET", "seasons").json()["current"]


def test_health(board):
    health = board.http.get("/healthz").json()
    assert (health["status"], health["database"], health["worker_age_s"]) == ("degraded", True, None)
    board.ask("POST", "worker/lease", board.token("w1", "worker"), json={"worker": "w"})
    health = board.http.get("/healthz").json()
    assert (health["status"], health["workers"]) == ("ok", 1)
    assert health["worker_age_s"] < 30
    assert health["disk_free_bytes"] > 0


def test_a_submission_from_upload_to_lease(board, tmp_path):
    token, worker = board.token("Ada"), board.token("w1", "worker")
    made = board.submit(token, archive(tmp_path / "bundle")).json()
    assert (made["state"], made["submitter"], made["place"], made["episodes_total"]) == ("queued", "Ada", 1, 5)
    as_form = board.ask("POST", "submissions", token, files={"file": ("b.zip", archive(tmp_path / "again"))})
    assert as_form.json()["id"] == made["id"]
    assert board.ask("POST", "worker/lease", worker, json={"worker": "w", "version": "0.0.0"}).status_code == 409
    offer = board.ask("POST", "worker/lease", worker, json={"worker": "w"})
    assert offer.headers["Cache-Control"] == "no-store"
    offer = offer.json()
    assert (offer["submission"], offer["bundle_sha256"]) == (made["id"], made["bundle_sha256"])
    assert board.ask("GET", f"submissions/{made['id']}", token).json()["state"] == "running"
    beat = board.ask("POST", f"worker/jobs/{offer['id']}/heartbeat", worker, json={"lease": offer["lease"]})
    assert beat.json()["lease_s"] == offer["lease_s"]
    ended = {"lease": offer["lease"], "rejected": "it cannot be installed"}
    assert board.ask("POST", f"worker/jobs/{offer['id']}/finish", worker, json=ended).json() == {"complete": False}
    view = board.ask("GET", f"submissions/{made['id']}", token).json()
    assert (view["state"], view["reason"]) == ("rejected", "it cannot be installed")
    assert board.ask("POST", "worker/lease", worker, json={"worker": "w"}).status_code == 204
    assert board.ask("GET", f"submissions/{made['id']}/result", token).status_code == 404


@pytest.mark.parametrize("field", ["hardware", "description"])
def test_markup_in_text_is_only_text(board, tmp_path, field):
    token = board.token("Ada")
    text = MARKUP.replace('"', '\\"')
    made = board.submit(token, archive(tmp_path / "bundle", **{field: text}))
    assert made.status_code == 201, made.text
    assert made.json()["declared"][field] == MARKUP, "stored as given"
    page = board.http.get(f"/submissions/{made.json()['id']}")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script>alert" not in page.text


@pytest.mark.parametrize("name", ["<b>Ada</b>", "a\x00b", "a\u202eb", "\u200b", "x" * 41, "a", "Ad\u0430", "a  b"])
def test_names_that_could_be_mistaken_are_refused(board, name):
    answer = board.ask("POST", "users", board.admin, json={"name": name})
    assert answer.status_code in (400, 422)
    assert len(board.ask("GET", "users", board.admin).json()["users"]) == 1


def test_errors_have_one_shape(board):
    for method, path, status in (
        ("GET", "/api/v1/nothing", 404),
        ("DELETE", "/api/v1/rules", 405),
        ("GET", "/api/v1/submissions/..%2f..%2fetc", 404),
        ("GET", "/api/v1/submissions/%00", 422),
        ("GET", "/api/v1/bundles/zz", 401),
        ("GET", "/api/v1/boards/tiny-v1?page=0", 422),
        ("GET", "/api/v1/boards/tiny-v1?budget=nan", 422),
        ("GET", "/api/v1/boards/tiny-v1?sort=evil", 422),
        ("GET", "/api/v1/ledger?after=99999999999999999999999", 422),
    ):
        answer = board.http.request(method, path)
        assert answer.status_code == status, (path, answer.text)
        assert set(answer.json()["error"]) == {"code", "message", "next"}
    assert board.http.delete("/api/v1/rules").headers["Allow"] == "GET"
    nowhere = board.http.get("/nowhere")
    assert nowhere.status_code == 404
    assert nowhere.headers["content-type"].startswith("text/html")


def test_an_error_that_nobody_has_foreseen_tells_the_requests_id_and_no_more(board, monkeypatch):
    def fail(*_arguments, **_options):
        raise RuntimeError("of token s3cret")

    monkeypatch.setattr(public_api.seasons, "list_seasons", fail)
    for path, kind in (("/api/v1/seasons", "application/json"), ("/ledger", "text/html; charset=utf-8")):
        answer = board.http.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (500, kind)
        assert "s3cret" not in answer.text
        request_id = answer.headers["x-request-id"]
        own = wait_for(lambda: _logged(board, request_id)[1:] and _logged(board, request_id), 5)  # noqa: B023
        assert [line["event"] for line in own] == ["error", "request"]
        assert own[1]["status"] == 500


def _logged(board, request_id):
    lines = [json.loads(line) for line in board.log.getvalue().splitlines()]
    return [line for line in lines if line.get("id") == request_id]


def test_no_text_breaks_the_database(tmp_path, postgres):
    """PostgreSQL holds no NUL, which SQLite does."""
    with Board(tmp_path / "home", database=postgres.new_database("nul")) as board:
        for path in (
            "/submissions/%00",
            "/submissions/x%00y/result.jsonl",
            "/compare?a=x%00&b=y",
            "/boards/%00",
            "/boards/quick-v1?family=%00",
            "/tasks/%00",
            "/api/v1/submissions?suite=%00",
            "/api/v1/submissions/%00",
        ):
            answer = board.http.get(path)
            assert answer.status_code in (400, 404, 422), (path, answer.text)
        assert "parameters" not in board.log.getvalue()


@pytest.mark.parametrize(
    "body", [b"{", b"[1]", b'{"user": ', b"\xff\xfe", b'{"user": "\\ud800"}', b'{"user": "a\\u0000"}']
)
def test_bodies_that_are_no_json(board, body):
    answer = board.ask("POST", "tokens", board.admin, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["error"]["next"]


def test_reports_that_are_none(board):
    worker = board.token("w1", "worker")
    for body in (b"", b"{}", b'{"lease": 1, "episodes": []}', b"[" * 100_000):
        answer = board.ask("POST", "worker/jobs/x/episodes", worker, content=body)
        assert answer.status_code == 422
    known = b'{"lease": "x", "episodes": [{"return": NaN}]}'
    assert board.ask("POST", "worker/jobs/x/episodes", worker, content=known).status_code in (400, 404)


def test_a_database_that_goes_away_and_comes_back(tmp_path, needs):
    folder = programs()
    needs("postgres", folder is not None, HOW)
    server = Postgres(folder, durable=True)
    try:
        with Board(tmp_path / "home", database=server.new_database("board")) as board:
            token = board.token("Ada")
            server.kill()
            health = board.http.get("/healthz")
            assert (health.status_code, health.json()["status"]) == (503, "down")
            away = board.submit(token, archive(tmp_path / "bundle"))
            assert (away.status_code, away.json()["error"]["code"]) == (503, "unavailable")
            assert int(away.headers["Retry-After"]) >= 1
            assert board.http.get(f"/boards/{TINY.name}").status_code == 503
            server.start()
            deadline = time.monotonic() + 20
            while board.http.get("/healthz").status_code != 200 and time.monotonic() < deadline:
                time.sleep(0.1)
            assert board.submit(token, archive(tmp_path / "again")).status_code == 201
    finally:
        server.stop()
