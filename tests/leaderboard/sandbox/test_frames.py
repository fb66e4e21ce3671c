import itertools
import os
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envsuite.leaderboard.sandbox.guest.frames import CHUNK, HEADER, BadFrame, body_length, read_frame, write_frame


@pytest.fixture
def pipe():
    read, write = os.pipe()
    descriptors = {read, write}
    yield read, write, descriptors
    for descriptor in descriptors:
        os.close(descriptor)


@pytest.mark.parametrize("size", [0, 1, 3, 12_288, CHUNK - 5, CHUNK - 4, CHUNK - 3, CHUNK, 3_000_000])
def test_what_is_written_is_read(pipe, size):
    read, write, _ = pipe
    body = os.urandom(size)
    # A pipe holds 64 KiB: more needs both ends at once.
    writer = threading.Thread(target=write_frame, args=(write, body))
    writer.start()
    assert bytes(read_frame(read)) == body
    writer.join()


@given(body=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=5))
@settings(deadline=None)
def test_a_frame_may_arrive_in_pieces(body, cuts):
    frame = HEADER.pack(len(body)) + body
    edges = sorted({0, len(frame), *(cut for cut in cuts if cut < len(frame))})
    read, write = os.pipe()
    arrived = []
    reader = threading.Thread(target=lambda: arrived.append(bytes(read_frame(read))))
    reader.start()
    for start, end in itertools.pairwise(edges):
        os.write(write, frame[start:end])
    reader.join()
    os.close(read)
    os.close(write)
    assert arrived == [body]


@pytest.mark.parametrize("sent", [b"", b"\x01", b"\x05\x00\x00\x00ab", (200_000).to_bytes(4, "little") + b"x" * 1000])
def test_a_pipe_that_ends_early_gives_no_frame(pipe, sent):
    read, write, descriptors = pipe
    os.write(write, sent)
    os.close(write)
    descriptors.remove(write)
    assert read_frame(read) is None


def test_a_length_beyond_the_limit_is_refused_from_its_four_bytes():
    assert body_length(HEADER.pack(1000), 1000) == 1000
    with pytest.raises(BadFrame, match=r"announces 2,147,483,648 bytes, at most 1,000 are allowed"):
        body_length(HEADER.pack(2**31), 1000)


def test_writing_to_nobody_raises(pipe):
    read, write, descriptors = pipe
    os.close(read)
    descriptors.remove(read)
    with pytest.raises(BrokenPipeError):
        write_frame(write, b"hello")
