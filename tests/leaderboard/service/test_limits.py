"""Limits: how often, how much, how slowly."""

from __future__ import annotations

import io
import socket
import threading
import time
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers import Board, archive, private_suites
from starlette.requests import Request

from envsuite.leaderboard.service.limits import Buckets, address_of

__all__ = ["private_suites"]


@given(st.lists(st.tuples(st.floats(-5, 20), st.sampled_from("abc")), max_size=60))
def test_a_bucket_never_gives_more_than_burst_and_rate(steps):
    now = [0.0]
    buckets = Buckets(2.0, 5.0, clock=lambda: now[0])
    given_to = dict.fromkeys("abc", 0)
    forward = 0.0
    for moved, key in steps:
        now[0] += moved
        forward += max(0.0, moved)
        wait_s = buckets.take(key)
        assert wait_s >= 0
        given_to[key] += wait_s == 0
        assert given_to[key] <= 5 + 2 * forward + 1e-6


def test_a_bucket_tells_when_there_is_enough_again():
    now = [0.0]
    buckets = Buckets(2.0, 3.0, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]
    now[0] = 0.5
    assert buckets.take("a") == 0
    assert buckets.take("b", 3.0) == 0


def test_buckets_forget_callers_beyond_their_number():
    buckets = Buckets(1.0, 1.0, keep=10)
    for number in range(1000):
        buckets.take(str(number))
    assert len(buckets) == 10


@pytest.mark.parametrize(
    ("client", "forwarded", "trust", "expected"),
    [
        ("10.0.0.1", "", False, "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4", False, "10.0.0.1"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4", True, "1.2.3.4"),
        ("2001:db8:1:2:3:4:5:6", "", False, "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "", False, "10.0.0.1"),
        ("testclient", "", False, "testclient"),
    ],
)
def test_addresses(client, forwarded, trust, expected):
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    request = Request({"type": "http", "client": (client, 1), "headers": headers})
    assert address_of(request, trust_proxy=trust) == expected


def test_too_many_requests_of_a_token_or_an_address(tmp_path):
    limits = {"token_burst": 5.0, "token_rate": 0.5, "address_burst": 12.0, "address_rate": 0.5}
    with Board(tmp_path, limits) as board:
        ada, eve = board.token("Ada"), board.token("Eve")
        statuses = [board.ask("GET", "rules", ada).status_code for _ in range(6)]
        assert statuses == [200] * 5 + [429]
        answer = board.ask("GET", "rules", ada)
        assert answer.json()["error"]["code"] == "too-many-requests"
        assert 1 <= int(answer.headers["Retry-After"]) <= 3
        assert board.ask("GET", "rules", eve).status_code == 200
        guesses = [board.ask("GET", "rules", f"envsuite_{n}").status_code for n in range(4)]
        assert guesses == [401, 401, 429, 429], "a guess costs five requests"
        assert board.http.get("/healthz").status_code == 200
        assert [board.http.get("/healthz").status_code for _ in range(3)][-1] == 429


def test_uploads_a_day(tmp_path):
    with Board(tmp_path / "home", {"uploads_per_day": 2}) as board:
        token = board.token("Ada")
        for number in range(2):
            assert board.submit(token, archive(tmp_path / str(number), version=f"1.{number}")).status_code == 201
        answer = board.submit(token, archive(tmp_path / "more", version="2.0"))
        assert answer.status_code == 429
        assert answer.json()["error"]["code"] == "too-many-uploads"
        assert "Retry-After" in answer.headers
        assert board.submit(board.token("Eve"), archive(tmp_path / "eve", version="2.0")).status_code == 201


def _raw(board: Board, *pieces: bytes, pause_s: float = 0.0) -> bytes:
    with socket.create_connection(("127.0.0.1", board.port)) as connection:
        connection.settimeout(20)
        answer = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause_s)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has answered before the end
        try:
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass
        return answer


def _head(token: str, path: str, *more: str) -> bytes:
    lines = [f"POST /api/v1/{path} HTTP/1.1", "Host: x", f"Authorization: Bearer {token}", "Connection: close", *more]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("path", ["submissions", "results", "tokens"])
def test_bodies_that_are_too_large(tmp_path, path):
    limits = {"bundle_bytes": 5000, "results_bytes": 6000, "json_bytes": 3000}
    with Board(tmp_path, limits) as board:
        kind = "application/json" if path == "tokens" else "application/zip"
        told = _raw(board, _head(board.admin, path, f"Content-Type: {kind}", "Content-Length: 99999999"))
        assert told.startswith(b"HTTP/1.1 413"), "told before a byte of it was sent"
        chunk = b"2000\r\n" + 0x2000 * b"x" + b"\r\n"
        counted = _raw(
            board,
            _head(board.admin, path, f"Content-Type: {kind}", "Transfer-Encoding: chunked") + 12 * chunk + b"0\r\n\r\n",
        )
        assert counted.startswith(b"HTTP/1.1 413"), "counted where no length is told"
        assert b"too-large" in counted
        uploads = tmp_path / "uploads"
        assert not uploads.exists() or not list(uploads.iterdir())


def test_a_form_may_not_hide_a_larger_file(tmp_path):
    with Board(tmp_path, {"bundle_bytes": 5000}) as board:
        files = {"file": ("b.zip", b"x" * 5001, "application/zip")}
        answer = board.ask("POST", "submissions", board.token("Ada"), files=files)
        assert answer.status_code == 413


def test_slow_uploads_are_given_up(tmp_path):
    with Board(tmp_path, {"idle_s": 0.5}) as board:
        head = _head(board.token("Ada"), "submissions", "Content-Type: application/zip", "Content-Length: 100000")
        silent = _raw(board, head + b"PK")
        assert silent.startswith(b"HTTP/1.1 408")
        started = time.monotonic()
        dripping = _raw(board, head, *([b"x"] * 8), pause_s=0.2)
        assert dripping.startswith(b"HTTP/1.1 408")
        assert time.monotonic() - started < 10
        assert not list((tmp_path / "uploads").iterdir())


def test_an_upload_that_breaks_off_leaves_nothing(tmp_path):
    with Board(tmp_path / "home") as board:
        token = board.token("Ada")
        with socket.create_connection(("127.0.0.1", board.port)) as connection:
            connection.sendall(
                _head(token, "submissions", "Content-Type: application/zip", "Content-Length: 100000") + b"PK"
            )
            time.sleep(0.3)
        deadline = time.monotonic() + 10
        while list((tmp_path / "home" / "uploads").iterdir()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not list((tmp_path / "home" / "uploads").iterdir())


def test_a_nearly_full_disk_refuses_uploads_and_says_so(tmp_path, monkeypatch):
    with Board(tmp_path / "home") as board:
        object.__setattr__(board.site.settings, "disk_reserve_bytes", 2**62)
        answer = board.submit(board.token("Ada"), archive(tmp_path / "bundle"))
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "disk-full")
        assert "Retry-After" in answer.headers
        health = board.http.get("/healthz")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")


def test_many_at_once_each_get_an_answer(tmp_path):
    with Board(tmp_path / "home", {"token_burst": 1000.0}) as board:
        token = board.token("Ada")
        content = archive(tmp_path / "bundle")
        statuses = []

        def submit() -> None:
            statuses.append(board.submit(token, content).status_code)

        threads = [threading.Thread(target=submit) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(statuses) <= {201, 429}, "one upload of an account at a time"
        assert 201 in statuses
        assert board.submit(token, content).status_code == 201
        listed = board.ask("GET", "submissions?mine=true", token).json()["submissions"]
        assert len(listed) == 1, "the same bundle, sent again while it waits, is the same submission"


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip at all", b"PK\x05\x06" + 18 * b"\0"])
def test_what_is_no_archive(tmp_path, content):
    with Board(tmp_path) as board:
        answer = board.submit(board.token("Ada"), content)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid-submission")
        answer = board.ask(
            "POST", "results", board.token("Ada"), content=content, headers={"Content-Type": "application/zip"}
        )
        assert answer.status_code == 422


def test_a_hostile_archive(tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive_file:
        archive_file.writestr("../../evil.py", "x")
        archive_file.writestr("/etc/evil", "x")
    with Board(tmp_path / "home") as board:
        answer = board.submit(board.token("Ada"), packed.getvalue())
        assert answer.status_code == 422
        assert answer.json()["error"]["message"].count("\n") >= 1, "every problem at once"
        assert not list(tmp_path.rglob("evil*"))
