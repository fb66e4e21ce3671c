"""Frames on a pipe: four bytes of length, little-endian, then that many bytes of body."""

from __future__ import annotations

import os
import struct

HEADER = struct.Struct("<I")
CHUNK = 1 << 16
"""Bytes asked for at once: what a Linux pipe holds, and more than nearly every frame."""


class BadFrame(ValueError):
    """Raised for bytes that are no frame, no value, or more than allowed; the one error of frames and codec."""


def body_length(header: bytes | bytearray | memoryview, limit: int) -> int:
    """Returns the length that a frame's first four bytes announce; raises `BadFrame` beyond `limit`."""
    (length,) = HEADER.unpack_from(header)
    if length > limit:
        raise BadFrame(f"it announces {length:,} bytes, at most {limit:,} are allowed")
    return int(length)


def read_frame(descriptor: int) -> memoryview | None:
    """Returns the body of the next frame of a blocking pipe whose writer is trusted; None at its end.

    The other side waits for its answer before it writes again, so one read cannot hold two frames.
    """
    data = os.read(descriptor, CHUNK)
    while 0 < len(data) < HEADER.size:
        more = os.read(descriptor, CHUNK)
        if not more:
            return None
        data += more
    if not data:
        return None
    whole = HEADER.size + HEADER.unpack_from(data)[0]
    if len(data) == whole:
        return memoryview(data)[HEADER.size :]
    frame = memoryview(bytearray(whole))
    frame[: len(data)] = data
    position = len(data)
    while position < whole:
        count = os.readv(descriptor, [frame[position:]])
        if not count:
            return None
        position += count
    return frame[HEADER.size :]


def write_frame(descriptor: int, body: bytes) -> None:
    """Writes one frame to a blocking pipe; raises OSError when nobody reads it any more."""
    header = HEADER.pack(len(body))
    written = os.writev(descriptor, [header, body])
    if written == HEADER.size + len(body):
        return
    rest = memoryview(header + body)[written:]
    while rest:
        rest = rest[os.write(descriptor, rest) :]
