"""The client: the server's words, addresses, and what happens when nobody answers."""

from __future__ import annotations

import http.server
import socket
import threading

import pytest
from servers import Board, archive, private_suites

from envsuite.errors import InvalidArgument, ServerRefused, ServerUnreachable
from envsuite.leaderboard.client import Client, checked_address, connect

__all__ = ["private_suites"]


@pytest.fixture
def board(tmp_path):
    with Board(tmp_path / "home") as board:
        yield board


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "https://board.example.org/", "http://[::1]:8000/board"])
def test_addresses(address):
    assert checked_address(address) == address.rstrip("/")


@pytest.mark.parametrize(
    "address",
    ["", "board.example.org", "ftp://x", "http://", "http://a:b@x", "http://x:port", "http://x?y", "file:///"],
)
def test_what_is_no_address(address):
    with pytest.raises(InvalidArgument, match="server: expected an address"):
        checked_address(address)


def test_a_server_and_a_token_come_from_the_environment(monkeypatch, board):
    monkeypatch.setenv("ENVSUITE_SERVER", board.url)
    monkeypatch.setenv("ENVSUITE_TOKEN", board.admin)
    with connect(None, None) as client:
        assert [user.name for user in client.users()] == ["admin"]
    monkeypatch.delenv("ENVSUITE_SERVER")
    with pytest.raises(InvalidArgument, match="--server"):
        connect(None, None)


def test_a_token_with_a_line_end_is_no_header():
    with pytest.raises(InvalidArgument, match="token"):
        Client("http://127.0.0.1:1", "a\r\nX-Evil: 1")


def test_refusals_are_told_in_the_servers_words(board):
    with Client(board.url, "envsuite_wrong") as client:
        with pytest.raises(ServerRefused, match="unknown or was revoked") as caught:
            client.users()
        assert (caught.value.status, caught.value.code) == (401, "bad-token")
        assert "next: " in str(caught.value)
    with Client(board.url, board.admin) as client, pytest.raises(ServerRefused, match="unknown submission"):
        client.submission("none")


def test_accounts_tokens_seasons(board):
    with Client(board.url, board.admin) as client:
        ada = client.add_user("Ada", "submitter")
        token, secret = client.new_token("Ada")
        with Client(board.url, secret) as hers:
            assert hers.submissions() == []
            assert client.set_disabled(ada.id, True).disabled
            with pytest.raises(ServerRefused):
                hers.submissions()
        assert [view.id for view in client.tokens("Ada")] == [token.id]
        assert client.revoke_token(token.id).revoked_at
        (season,) = client.seasons()
        assert client.close_season(season.name).secret
        assert client.open_season("next").secret is None
        assert "quick-v1" in {suite.name for suite in client.suites()}


def test_an_upload_with_progress_and_its_files(board, tmp_path):
    content = archive(tmp_path / "bundle")
    sent = []
    with Client(board.url, board.token("Ada")) as client:
        view = client.submit(tmp_path / "bundle" / "bundle.zip", on_progress=lambda *pair: sent.append(pair))
        assert sent[-1] == (len(content), len(content))
        assert client.submission(view.id) == client.submissions()[0].model_copy(update={"score": None})
        assert client.cancel(view.id).state == "cancelled"
        with pytest.raises(ServerRefused):
            client.result(view.id, tmp_path / "result")
    with Client(board.url, board.token("w1", "worker")) as client:
        client.bundle(view.bundle_sha256, tmp_path / "fetched.zip")
        with pytest.raises(ServerRefused):
            client.bundle(64 * "0", tmp_path / "none.zip")
    assert (tmp_path / "fetched.zip").read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "fetched.zip", "home"], "nothing half-written"


def test_a_file_that_is_too_large_is_not_even_sent(tmp_path):
    with Board(tmp_path / "home", {"bundle_bytes": 1000}) as board, Client(board.url, board.token("Ada")) as client:
        archive(tmp_path / "bundle", description="x" * 1500)
        with pytest.raises(ServerRefused, match="at most 1000 bytes") as caught:
            client.submit(tmp_path / "bundle" / "bundle.zip")
        assert caught.value.status == 413


def test_nobody_answers():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(ServerUnreachable, match="does not answer"):
        client.rules()


class _Other(http.server.BaseHTTPRequestHandler):
    """Some web server that is no board."""

    def do_GET(self) -> None:
        status = 502 if "rules" in self.path else 200
        body = b"<html>welcome</html>"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) + 100 * ("suites" in self.path)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments) -> None:
        pass


def test_a_server_that_is_no_board():
    with http.server.HTTPServer(("127.0.0.1", 0), _Other) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with Client(f"http://127.0.0.1:{server.server_port}") as client:
                with pytest.raises(ServerRefused, match="status 502") as caught:
                    client.rules()
                assert caught.value.status == 502
                with pytest.raises(ServerRefused, match="no board's"):
                    client.seasons()
                with pytest.raises(ServerUnreachable):
                    client.suites()
        finally:
            server.shutdown()
            thread.join()
