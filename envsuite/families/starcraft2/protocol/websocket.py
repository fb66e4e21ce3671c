"""WebSocket: the server's side of RFC 6455, as far as the game's clients need it.

Text and binary messages are taken alike and their bytes are not checked: pysc2 sends protobuf in text frames, which is
no UTF-8. No extensions are offered.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import struct
from typing import BinaryIO

PATH = "/sc2api"
MOST_BYTES = 1 << 26
"""Of a message; a map of the game has a few million."""
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
NORMAL, PROTOCOL_ERROR, TOO_BIG, TRY_LATER = 1000, 1002, 1009, 1013
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MOST_HEADER_BYTES, _MOST_HEADERS = 8192, 64
_MOST_CONTROL_BYTES = 125
_SHORT, _LONG = 126, 127
_KEY_BYTES = 16


class Closed(Exception):
    """Raised when there is nothing more to read or to write: the client has closed, or is gone."""


class Broken(Exception):
    """Raised for bytes that break the protocol; `code` is why the connection closes."""

    def __init__(self, reason: str, code: int = PROTOCOL_ERROR) -> None:
        super().__init__(reason)
        self.code = code


class Refused(Exception):
    """Raised for a handshake that gets an answer of HTTP other than the change to WebSocket."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.status = status


def read_handshake(stream: BinaryIO) -> str:
    """Returns the key of a client's handshake; raises `Refused` with what HTTP calls the reason, `Closed`."""
    method, _, rest = _read_line(stream).partition(" ")
    path, _, version = rest.partition(" ")
    headers: dict[str, str] = {}
    for _ in range(_MOST_HEADERS):
        line = _read_line(stream)
        if not line:
            break
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    else:
        raise Refused("431 Request Header Fields Too Large", f"expected at most {_MOST_HEADERS} headers")
    if method != "GET" or not version.startswith("HTTP/1."):
        raise Refused("405 Method Not Allowed", f"expected GET {PATH} HTTP/1.1, got {method[:20]!r}")
    if path.partition("?")[0] != PATH:
        raise Refused("404 Not Found", f"expected the path {PATH}, got {path[:200]!r}")
    key = headers.get("sec-websocket-key", "")
    if "websocket" not in headers.get("upgrade", "").lower() or not _is_key(key):
        raise Refused("400 Bad Request", "expected the headers of a WebSocket handshake: Upgrade and Sec-WebSocket-Key")
    if headers.get("sec-websocket-version") != "13":
        raise Refused("426 Upgrade Required", "expected version 13 of the WebSocket protocol")
    return key


def accept(key: str) -> bytes:
    """Returns the answer to a handshake."""
    token = base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()  # noqa: S324  # as RFC 6455 has it
    lines = (
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {token}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def refuse(refused: Refused) -> bytes:
    """Returns the answer to a handshake that is refused, with the reason as text."""
    body = f"{refused}\n".encode()
    version = "Sec-WebSocket-Version: 13\r\n" if refused.status.startswith("426") else ""
    head = (
        f"HTTP/1.1 {refused.status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        f"{version}Connection: close\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """A client behind a handshake."""

    def __init__(self, link: socket.socket, stream: BinaryIO) -> None:
        """Takes the socket and the stream that is read from it."""
        self._link, self._stream = link, stream

    def receive(self) -> bytes:
        """Returns the next message; answers pings, and the client's wish to close. Raises `Closed` and `Broken`."""
        parts: list[bytes] = []
        size = 0
        while True:
            final, opcode, payload = self._read_frame(MOST_BYTES - size)
            if opcode == PING:
                self._write_frame(PONG, payload)
            elif opcode == CLOSE:
                self.close(int.from_bytes(payload[:2], "big") if len(payload) > 1 else NORMAL)
                raise Closed
            elif opcode in (TEXT, BINARY, CONTINUATION):
                if (opcode == CONTINUATION) != bool(parts):
                    raise Broken("expected the frames of a message one behind another, got them out of order")
                parts.append(payload)
                size += len(payload)
                if final:
                    return b"".join(parts)

    def send(self, message: bytes) -> None:
        """Sends a binary message; raises `Closed`."""
        self._write_frame(BINARY, message)

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Says that the connection ends, and why."""
        text = reason.encode()[: _MOST_CONTROL_BYTES - 2]
        with contextlib.suppress(Closed):
            self._write_frame(CLOSE, code.to_bytes(2, "big") + text.decode(errors="ignore").encode())

    def _read_frame(self, room: int) -> tuple[bool, int, bytes]:
        """Returns whether a frame ends its message, its opcode and its payload."""
        first, second = self._read(2)
        opcode, size = first & 0x0F, second & 0x7F
        if first & 0x70:
            raise Broken("expected no extension, got a frame with a reserved bit")
        if opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise Broken(f"expected a known opcode, got {opcode}")
        if not second & 0x80:
            raise Broken("expected a masked frame, as clients send them, got a plain one")
        if opcode >= CLOSE and (size > _MOST_CONTROL_BYTES or not first & 0x80):
            raise Broken("expected a short whole control frame, got a long one or a part")
        if size == _SHORT:
            size = int.from_bytes(self._read(2), "big")
        elif size == _LONG:
            size = int.from_bytes(self._read(8), "big")
        if size > room:
            raise Broken(f"expected a message of at most {MOST_BYTES} bytes, got more", TOO_BIG)
        mask = self._read(4)
        return bool(first & 0x80), opcode, _unmask(self._read(size), mask)

    def _read(self, size: int) -> bytes:
        try:
            data = self._stream.read(size)
        except (OSError, ValueError) as error:
            raise Closed from error
        if len(data) < size:
            raise Closed
        return data

    def _write_frame(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        if size < _SHORT:
            head = struct.pack("!BB", 0x80 | opcode, size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", 0x80 | opcode, _SHORT, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, _LONG, size)
        try:
            self._link.sendall(head + payload)
        except OSError as error:
            raise Closed from error


def _unmask(data: bytes, mask: bytes) -> bytes:
    size = len(data)
    whole = int.from_bytes(data, "big") ^ int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return whole.to_bytes(size, "big")


def _read_line(stream: BinaryIO) -> str:
    try:
        line = stream.readline(_MOST_HEADER_BYTES + 1)
    except (OSError, ValueError) as error:
        raise Closed from error
    if len(line) > _MOST_HEADER_BYTES:
        raise Refused("431 Request Header Fields Too Large", f"expected lines of at most {_MOST_HEADER_BYTES} bytes")
    if not line.endswith(b"\n"):
        raise Closed
    return line.decode("latin-1").strip()


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except ValueError:
        return False
