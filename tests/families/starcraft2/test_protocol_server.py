"""The websocket server, by a client that keeps the rules and by one that does not."""

import base64
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import websocket
from families.starcraft2.client import created, interface
from s2clientprotocol import sc2api_pb2

from envsuite.families.starcraft2.protocol import server as module
from envsuite.families.starcraft2.protocol.server import Server
from envsuite.families.starcraft2.protocol.websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT

KEY = base64.b64encode(bytes(16)).decode()
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def request(name, **fields):
    return sc2api_pb2.Request(**{name: fields}, id=7).SerializeToString()


PING_REQUEST = request("ping")


@contextmanager
def serving():
    server = Server()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def server():
    with serving() as server:
        yield server


@pytest.fixture
def client(server):
    client = connect(server)
    yield client
    client.close()


def connect(server):
    return websocket.create_connection(server.url, timeout=20)


def answer(client, data=PING_REQUEST, opcode=TEXT):
    client.send(data, opcode)
    kind, data = client.recv_data()
    assert kind == BINARY
    return sc2api_pb2.Response.FromString(data)


def works(server):
    """Asserts that a new client is served."""
    client = connect(server)
    assert answer(client).ping.base_build == 75689
    client.close()


class Raw:
    """A client that may send anything."""

    def __init__(self, server, path="/sc2api", handshake=True):
        self.link = socket.create_connection((server.host, server.port), timeout=20)
        if handshake:
            self.link.sendall(HANDSHAKE.format(path=path).encode())
            assert self.line().startswith("HTTP/1.1 101")
            while self.line():
                pass

    def line(self):
        data = b""
        while not data.endswith(b"\r\n"):
            data += self.link.recv(1) or b"\r\n"
        return data.decode().strip()

    def frame(self, opcode, payload=b"", *, first=0x80, mask=b"\x01\x02\x03\x04", size=None):
        size = len(payload) if size is None else size
        head = bytes([first | opcode, (0x80 if mask else 0) | (size if size < 126 else 126 if size < 1 << 16 else 127)])
        head += b"" if size < 126 else struct.pack("!H", size) if size < 1 << 16 else struct.pack("!Q", size)
        if mask:
            payload = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
        self.link.sendall(head + mask + payload)

    def read(self):
        """Returns opcode and payload of a short frame, (None, b"") at the end."""
        head = self.link.recv(2)
        if len(head) < 2:
            return None, b""
        size = head[1]
        if size == 126:
            size = struct.unpack("!H", self.link.recv(2))[0]
        data = b""
        while len(data) < size:
            data += self.link.recv(size - len(data))
        return head[0] & 0x0F, data

    def closes(self, code):
        opcode, payload = self.read()
        assert (opcode, int.from_bytes(payload[:2], "big")) == (CLOSE, code)
        assert self.read() == (None, b"")
        self.link.close()


def test_text_and_binary_are_taken_and_answers_are_binary(client):
    for opcode in (TEXT, BINARY):
        response = answer(client, opcode=opcode)
        assert response.ping.game_version.startswith("envsuite-sim")
        assert (response.id, response.status) == (7, 1)


def test_messages_that_are_no_utf8_or_no_request_are_answered(client):
    response = answer(client, b"\xff\xfe\xfd", TEXT)
    assert "none" in response.error[0]
    assert answer(client).ping.base_build == 75689


def test_large_maps_come_in_one_message_or_in_many_frames(server):
    game = sc2api_pb2.Request(create_game=created("MoveToBeacon"))
    game.create_game.local_map.map_data = bytes(range(256)) * (4 << 12)  # 4 MB
    data = game.SerializeToString()
    client = connect(server)
    assert answer(client, data).status == 2
    client.close()
    raw = Raw(server)
    raw.frame(BINARY, data[:100_000], first=0)
    raw.frame(PING, b"still there?")
    assert raw.read() == (PONG, b"still there?")
    for begin in range(100_000, 400_000, 100_000):
        raw.frame(CONTINUATION, data[begin : begin + 100_000], first=0)
    raw.frame(CONTINUATION, b"", first=0)
    raw.frame(CONTINUATION, data[400_000:])
    opcode, payload = raw.read()
    assert (opcode, sc2api_pb2.Response.FromString(payload).status) == (BINARY, 2)
    raw.link.close()
    works(server)


@pytest.mark.parametrize(
    ("send", "code"),
    [
        (lambda raw: raw.frame(BINARY, b"abc", mask=b""), 1002),
        (lambda raw: raw.frame(BINARY, b"abc", first=0xC0), 1002),
        (lambda raw: raw.frame(0x3, b"abc"), 1002),
        (lambda raw: raw.frame(0xB, b"abc"), 1002),
        (lambda raw: raw.frame(CONTINUATION, b"abc"), 1002),
        (lambda raw: (raw.frame(TEXT, b"abc", first=0), raw.frame(TEXT, b"abc")), 1002),
        (lambda raw: raw.frame(PING, b"a" * 126), 1002),
        (lambda raw: raw.frame(PING, b"abc", first=0), 1002),
        (lambda raw: raw.frame(BINARY, b"abc", size=1 << 62), 1009),
        (lambda raw: raw.frame(BINARY, b"abc", size=(1 << 26) + 1), 1009),
        (lambda raw: raw.frame(CLOSE, struct.pack("!H", 1001) + b"bye"), 1001),
        (lambda raw: raw.frame(CLOSE), 1000),
    ],
)
def test_frames_that_break_the_rules_close_their_connection_only(server, send, code):
    raw = Raw(server)
    send(raw)
    raw.closes(code)
    works(server)


def http(server, text):
    raw = Raw(server, handshake=False)
    raw.link.sendall(text.encode("latin-1"))
    data = b""
    while part := raw.link.recv(4096):
        data += part
    raw.link.close()
    head, _, body = data.decode().partition("\r\n\r\n")
    return head.split("\r\n")[0].split(" ", 1)[1], body


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (HANDSHAKE.format(path="/elsewhere"), "404 Not Found"),
        (HANDSHAKE.format(path="/"), "404 Not Found"),
        (HANDSHAKE.format(path="/sc2api").replace("GET", "POST"), "405 Method Not Allowed"),
        ("hello\r\n\r\n", "405 Method Not Allowed"),
        ("GET /sc2api HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad Request"),
        (HANDSHAKE.format(path="/sc2api").replace(KEY, "short"), "400 Bad Request"),
        (HANDSHAKE.format(path="/sc2api").replace("13", "8"), "426 Upgrade Required"),
        ("GET /sc2api HTTP/1.1\r\n" + "A: b\r\n" * 100 + "\r\n", "431 Request Header Fields Too Large"),
        ("GET /" + "a" * 10_000 + " HTTP/1.1\r\n\r\n", "431 Request Header Fields Too Large"),
    ],
)
def test_handshakes_that_are_refused(server, text, status):
    got, body = http(server, text)
    assert got == status
    assert "expected" in body
    works(server)


def test_a_path_may_have_a_query(server):
    raw = Raw(server, path="/sc2api?x=1")
    raw.frame(BINARY, PING_REQUEST)
    assert raw.read()[0] == BINARY
    raw.link.close()


def test_a_second_client_is_refused_and_the_first_plays_on(server, monkeypatch):
    monkeypatch.setattr(module, "_BUSY_S", 0.1)
    first = connect(server)
    with pytest.raises(websocket.WebSocketBadStatusException, match="503"):
        connect(server)
    assert answer(first).HasField("ping")
    first.close()
    works(server)


def test_the_next_client_waits_for_the_one_before_it_and_finds_its_game(server):
    first = connect(server)
    assert answer(first, sc2api_pb2.Request(create_game=created("MoveToBeacon")).SerializeToString()).status == 2
    threading.Timer(0.3, first.close).start()
    second = connect(server)
    assert answer(second).status == 2
    join = sc2api_pb2.Request(join_game={"race": 1, "options": interface()})
    assert answer(second, join.SerializeToString()).status == 3
    second.close()


@pytest.mark.parametrize("how", ["nothing", "half a handshake", "half a frame", "before the answer"])
def test_a_client_that_vanishes_is_not_missed(server, how):
    raw = Raw(server, handshake=how in ("half a frame", "before the answer"))
    if how == "half a handshake":
        raw.link.sendall(b"GET /sc2api HT")
    elif how == "half a frame":
        raw.link.sendall(b"\x82\xfe\x10")
    elif how == "before the answer":
        for _ in range(50):
            raw.frame(BINARY, PING_REQUEST)
    raw.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, as after a crash
    raw.link.close()
    works(server)


def test_bytes_that_mean_nothing_do_no_harm(server):
    for data in (b"\x00" * 1000, os.urandom(2000), b"\r\n" * 200, b"\x16\x03\x01\x02\x00\x01\x00"):
        raw = Raw(server, handshake=False)
        raw.link.sendall(data)
        raw.link.shutdown(socket.SHUT_WR)
        while raw.link.recv(4096):
            pass
        raw.link.close()
    works(server)


def test_quit_ends_the_server_without_an_answer():
    server = Server()
    thread = threading.Thread(target=server.serve)
    thread.start()
    client = connect(server)
    client.send(request("quit"), TEXT)
    assert client.recv_data()[0] == CLOSE
    client.shutdown()
    thread.join(10)
    assert not thread.is_alive()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, server.port))


def test_a_port_that_is_taken_is_an_error(server):
    with pytest.raises(OSError, match="in use"):
        Server(server.host, server.port)
    command = [sys.executable, "-m", "envsuite.families.starcraft2.protocol.server"]
    result = subprocess.run([*command, "-port", str(server.port)], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "expected one that is free" in result.stderr
    result = subprocess.run([*command, "-listen", "127.0.0.1"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "-port" in result.stderr


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(port, seconds=30):
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return websocket.create_connection(f"ws://127.0.0.1:{port}/sc2api", timeout=20)
        except ConnectionRefusedError:
            assert time.monotonic() < until
            time.sleep(0.05)


def test_the_command_serves_until_a_client_quits():
    port = free_port()
    command = [sys.executable, "-m", "envsuite.cli", "starcraft2", "serve", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    client = wait_for(port)
    assert answer(client).ping.base_build == 75689
    client.send(request("quit"), BINARY)
    client.close()
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert f"ws://127.0.0.1:{port}/sc2api" in out


def test_the_command_ends_quietly_when_it_is_interrupted():
    port = free_port()
    command = [sys.executable, "-m", "envsuite.cli", "starcraft2", "serve", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    client = wait_for(port)
    answer(client)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in out + err
    client.close()


def test_a_server_in_the_games_place_ends_with_whoever_has_started_it():
    port = free_port()
    command = ["-m", "envsuite.families.starcraft2.protocol.server", "-listen", "127.0.0.1", "-port", str(port)]
    start = (
        "import subprocess, sys; "
        f"print(subprocess.Popen([sys.executable, *{command}, '-dataDir', '/nowhere', '-verbose']).pid, flush=True); "
        "sys.stdin.read()"
    )
    parent = subprocess.Popen([sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    number = int(parent.stdout.readline())
    wait_for(port).close()
    parent.kill()
    parent.communicate()
    until = time.monotonic() + 20
    while alive(number):
        assert time.monotonic() < until
        time.sleep(0.1)


def alive(number):
    try:
        return Path(f"/proc/{number}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
