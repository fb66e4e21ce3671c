import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from envsuite.cli.decoder import KeyDecoder

SEQUENCES = {
    b"a": "a",
    b";": ";",
    b"5": "5",
    b" ": "space",
    b"\t": "tab",
    b"\r": "return",
    b"\n": "return",
    b"\x7f": "backspace",
    "é".encode(): "é",
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1bOC": "right",
    b"\x1b[D": "left",
    b"\x1bOP": "f1",
    b"\x1b[11~": "f1",
    b"\x1b[[A": "f1",
    b"\x1b[15~": "f5",
    b"\x1b[[E": "f5",
    b"\x1b[17~": "f6",
    b"\x1b[24~": "f12",
    b"\x1b[3~": "delete",
    b"\x1b[5~": "page up",
}

pieces = st.lists(
    st.sampled_from([*SEQUENCES, b"\x1b", b"\x1b[", b"\x1bO", b"\x1b[1;", b"\xe2\x96", b"\xff"]) | st.binary()
)


def decode(*chunks):
    decoder = KeyDecoder()
    return [names for chunk in chunks for names in decoder.feed(chunk)] + decoder.flush()


@pytest.mark.parametrize(("data", "name"), SEQUENCES.items())
def test_a_key_has_the_name_that_pygame_gives_it(data, name):
    (names,) = KeyDecoder().feed(data)
    assert names[-1] == name
    pygame = pytest.importorskip("pygame")
    pygame.display.init()
    try:
        assert name == "é" or pygame.key.name(pygame.key.key_code(name)) == name
    finally:
        pygame.display.quit()


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"\x04", ("ctrl+d", "\x04", "d")),
        (b"A", ("shift+a", "A", "a")),
        (b">", (">",)),
        (b"\x1bx", ("alt+x", "x")),
        (b"\x1bX", ("alt+x", "shift+x", "X", "x")),
        (b"\x1b[1;5A", ("ctrl+up", "up")),
        (b"\x1b[1;4D", ("alt+left", "shift+left", "left")),
        (b"\x1b[15;2~", ("shift+f5", "f5")),
        (b"\x1b[Z", ("shift+tab", "tab")),
    ],
)
def test_modifiers_come_before_what_is_typed_and_the_key(data, names):
    assert KeyDecoder().feed(data) == [names]


def test_escape_alone_is_known_once_nothing_follows():
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b") == []
    assert decoder.pending
    assert decoder.flush() == [("\x1b", "escape")]
    assert not decoder.pending
    assert decode(b"\x1b\x1b") == [("\x1b", "escape")] * 2
    assert decode(b"\x1b[") == [("alt+[", "[")]


@pytest.mark.parametrize(
    "data", [b"\x1b[200~", b"\x1b[?1;2c", b"\x1b[<0;3;4M", b"\x1b[I", b"\x1bOz", b"\xff\xfe", b"\x1b[1 q"]
)
def test_what_is_no_key_is_left_out_and_the_next_key_counts(data):
    assert decode(data, b"w") == [("w",)]


def test_a_sequence_without_an_end_does_not_swallow_all_that_follows():
    assert decode(b"\x1b[" + b"1;" * 15, b"\x1b[A") == [("up",)]


@given(st.lists(st.sampled_from([data for data in SEQUENCES if data != b"\x1b"])))
def test_keys_typed_one_after_the_other_are_told_apart(typed):
    assert [names[-1] for names in decode(b"".join(typed))] == [SEQUENCES[data] for data in typed]


@given(pieces, st.data())
@example([b"\x1b[" + b"9" * 29, b"9", b"9~"], None)
def test_any_bytes_give_the_same_keys_in_whatever_pieces_they_come(parts, data):
    whole = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6))) if data else range(len(whole))
    edges = [0, *cuts, len(whole)]
    keys = decode(whole)
    assert decode(*(whole[start:end] for start, end in itertools.pairwise(edges))) == keys
    assert all(names and all(names) for names in keys)
