"""HEAD: the status and headers of GET, and no body."""

from __future__ import annotations

import pytest
from servers import Board


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    with Board(tmp_path_factory.mktemp("head") / "home") as board:
        yield board


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/boards/quick-v1", 200),
        ("/boards/none-v1", 404),
        ("/static/board.css", 200),
        ("/healthz", 200),
        ("/api/v1/rules", 200),
        ("/api/v1/worker/lease", 405),
    ],
)
def test_head_is_get_without_the_body(board, path, status):
    got, head = board.http.get(path), board.http.head(path)
    assert (got.status_code, head.status_code) == (status, status)
    assert got.content
    assert head.content == b""
    for name in ("content-type", "cache-control", "content-security-policy"):
        assert head.headers.get(name) == got.headers.get(name)
    assert int(head.headers["content-length"]) > 0  # of health it may change by a digit in between
    assert head.headers["x-request-id"]
