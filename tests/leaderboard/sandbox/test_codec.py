import tracemalloc
from collections import OrderedDict, namedtuple
from enum import IntEnum

import msgpack
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from envsuite.leaderboard.sandbox.guest import codec
from envsuite.leaderboard.sandbox.guest.codec import Unsendable, decode, decode_hostile, encode
from envsuite.leaderboard.sandbox.guest.frames import BadFrame
from envsuite.leaderboard.sandbox.guest.skim import MAX_DEPTH, MAX_ITEMS, MAX_TEXT
from envsuite.leaderboard.sandbox.guest.spaces import build_space, describe_space

NUMBERS = ["bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))]
FLOATS = ["float16", "float32", "float64", "longdouble"]


def same(left, right):
    """Whether two values are of the same types, dtypes, shapes and bits."""
    if type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray | np.generic):
        return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right or (left != left and right != right)


shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@st.composite
def boxes(draw):
    dtype = np.dtype(draw(st.sampled_from([name for name in NUMBERS if name != "bool"] + FLOATS[:3])))
    if dtype.kind == "f":
        return spaces.Box(-2.5, 7.25, draw(shapes), dtype.type)
    low, high = draw(st.sampled_from([(np.iinfo(dtype).min, np.iinfo(dtype).max), (0, 100)]))
    return spaces.Box(low, high, draw(shapes), dtype.type)


leaves = st.one_of(
    boxes(),
    st.builds(lambda n, start: spaces.Discrete(n, start=start), st.integers(1, 99), st.integers(-9, 9)),
    st.builds(spaces.MultiDiscrete, st.lists(st.integers(1, 9), min_size=1, max_size=5)),
    st.builds(spaces.MultiBinary, st.one_of(st.integers(1, 9), st.lists(st.integers(1, 3), min_size=1, max_size=3))),
    st.builds(lambda n: spaces.Text(n, charset="c語aé🙂 "), st.integers(1, 30)),
)
any_space = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.dictionaries(st.text(max_size=5), inner, max_size=3).map(OrderedDict).map(spaces.Dict),
        st.lists(inner, max_size=3).map(spaces.Tuple),
    ),
    max_leaves=6,
)


@given(space=any_space, seed=st.integers(0, 2**31))
@settings(deadline=None)
def test_a_sample_of_any_space_comes_back_the_same(space, seed):
    space.seed(seed)
    sample = space.sample()
    for read in (decode, decode_hostile):
        assert same(read(encode(sample)), sample)


@given(space=any_space)
@settings(deadline=None)
def test_a_space_comes_back_equal(space):
    back = build_space(decode(encode(describe_space(space))))
    assert back == space
    back.seed(3)
    space.seed(3)
    assert same(back.sample(), space.sample())


def test_a_space_without_a_description_is_refused():
    with pytest.raises(TypeError, match="space: expected one that a sandboxed agent can be told"):
        describe_space(spaces.Sequence(spaces.Discrete(2)))


plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(), st.binary()),
    lambda inner: st.one_of(st.lists(inner), st.lists(inner).map(tuple), st.dictionaries(st.text(), inner, max_size=5)),
    max_leaves=30,
)


@given(value=plain)
@settings(deadline=None)
def test_plain_values_keep_their_types(value):
    assert same(decode_hostile(encode(value)), value)


@pytest.mark.parametrize("name", [*NUMBERS, *FLOATS, "complex64", "complex128", ">f4", ">i8"])
def test_arrays_and_scalars_of_every_dtype_keep_it(name):
    dtype = np.dtype(name)
    cube = np.arange(24).reshape(2, 3, 4).astype(dtype)
    for array in (cube, cube.T, cube[:, ::2], cube[:, ::-1], cube[:0], np.array(cube[1, 1, 1], dtype)):
        back = decode_hostile(encode(array))
        assert same(back, array)
        assert back.flags.writeable
        assert back.flags.owndata or back.base.flags.owndata
    assert same(decode_hostile(encode(cube[0, 1, 2])), cube[0, 1, 2])


def test_nan_and_infinity_pass_bit_by_bit():
    array = np.array([np.nan, -np.nan, np.inf, -0.0])
    assert same(decode_hostile(encode(array)), array)


def test_subclasses_become_what_they_derive_from():
    color = IntEnum("color", ["red"])
    pair = namedtuple("pair", ["a", "b"])
    value = [color.red, pair(1, np.float32(2)), OrderedDict(b=1, a=2), np.str_("x"), np.bytes_(b"y")]
    assert same(decode_hostile(encode(value)), [1, (1, np.float32(2)), {"b": 1, "a": 2}, "x", b"y"])


@pytest.mark.parametrize(
    ("value", "description"),
    [
        (np.array([object()]), "an array of shape (1,) and dtype object"),
        (np.array(["text"]), "an array of shape (1,) and dtype <U4"),
        (np.zeros((1,) * 33), f"an array of shape {(1,) * 33} and dtype float64"),
        (np.datetime64("2020-01-01"), "a numpy.datetime64"),
        (2**64, "an integer of more than 64 bits"),
        (1j, "a builtins.complex"),
        (object(), "a builtins.object"),
        (spaces.Discrete, "a builtins.type"),
    ],
)
def test_what_has_no_form_arrives_as_its_description(value, description):
    for wrap, unwrap in ((lambda v: v, lambda v: v), (lambda v: {"a": (v,)}, lambda v: v["a"][0])):
        back = unwrap(decode_hostile(encode(wrap(value))))
        assert back == Unsendable(description)
        assert repr(back) == description
        assert not spaces.Discrete(3).contains(back)
    assert decode_hostile(encode(Unsendable(description))) == Unsendable(description)


def test_a_container_in_itself_raises_value_error():
    for loop in ([], {}):
        loop.append(loop) if isinstance(loop, list) else loop.update(a=loop)
        with pytest.raises(ValueError, match="recursion"):
            encode(loop)


# Hostile bytes.


def array_bytes(dtype, shape, data, code=codec.ARRAY):
    head = bytes([len(shape), len(dtype)]) + dtype + b"".join(n.to_bytes(8, "little") for n in shape)
    return msgpack.packb(msgpack.ExtType(code, head + data))


BOMBS = {
    "lists in lists, each of many": (b"\xdd\x00\x00\xff\xff" * 1000, "more than 65,536 values"),
    "a list of four milliards": (b"\xdd\xff\xff\xff\xff" + b"\xc0" * 99, "more than 65,536 values"),
    "a map of four milliards": (b"\xdf\xff\xff\xff\xff" + b"\xc0" * 99, "more than 65,536 values"),
    "a million empty lists": (b"\xdd\x00\x10\x00\x00" + b"\x90" * 2**20, "more than 65,536 values"),
    "many lists of many": (b"\xdc\x01\x00" + (b"\xdc\x01\x01" + b"\x90" * 257) * 256, "more than 65,536 values"),
    "deep lists": (b"\x91" * 100_000 + b"\xc0", "nests more than 16"),
    "deep maps": (b"\x81\xa0" * 100_000 + b"\xc0", "nests more than 16"),
    "an array with no bytes": (array_bytes(b"<f8", (2**40,), b""), "has 0 bytes"),
    "an array without end": (array_bytes(b"<f8", (2**40, 2**40, 2**40), b"12345678"), "has 8 bytes"),
    "nothing, very long": (array_bytes(b"<f8", (0, 2**63), b""), "cannot be decoded"),
    "an object array": (array_bytes(b"|O", (1,), b"12345678"), "not allowed"),
    "a record": (array_bytes(b"|V8", (1,), b"12345678"), "not allowed"),
    "text without size": (array_bytes(b"<U0", (2**40,), b""), "not allowed"),
    "text out of Unicode": (array_bytes(b"<U1", (1,), b"\xff" * 4), "not allowed"),
    "an expression": (array_bytes(b"f8,f8", (1,), b"1" * 16), "not allowed"),
    "33 dimensions": (array_bytes(b"<f8", (1,) * 33, b"12345678"), "not allowed"),
    "a boolean of 7": (array_bytes(b"|b1", (1,), b"\x07"), "neither 0 nor 1"),
    "a scalar with a shape": (array_bytes(b"<f8", (1,), b"12345678", codec.SCALAR), "scalar has dimensions"),
    "an empty extension": (b"\xc7\x00\x01", "cannot be decoded"),
    "a timestamp": (b"\xd6\xff\x00\x00\x00\x00", "extension type 255 is unknown"),
    "an unknown extension": (b"\xd4\x63\x00", "extension type 99 is unknown"),
    "a tuple of another length": (b"\xc7\x03\x03\x91\x01\x02", "tuple is no list"),
    "a tuple that is a map": (b"\xc7\x01\x03\x80", "tuple is no list"),
    "tuples in tuples": (None, "nests more than 16"),
    "large tuples in tuples": (None, "more than 3 times its length"),
    "colliding keys": (b"\x82" + b"\xcf\x1f\xff\xff\xff\xff\xff\xff\xff\x01" * 2, "key of a map is no text"),
    "a list as a key": (b"\x81\x90\x01", "key of a map is no text"),
    "half a letter": (b"\xa1\xc3", "cannot be decoded"),
    "a long text": (b"\xdb\x00\x01\x00\x01" + b"x" * 65537, "text of 65,537 bytes"),
    "a long description": (msgpack.packb(msgpack.ExtType(codec.UNSENDABLE, b"x" * 65537)), "description has 65,537"),
    "an integer of 64 bits": (b"\xcf" + b"\xff" * 8, "more than 63 bits"),
    "nothing": (b"", "ends inside a value"),
    "two values": (b"\x01\x02", "goes on after its value"),
    "half a number": (b"\xcb\x00", "ends inside a value"),
    "the byte that begins nothing": (b"\xc1", "no value begins"),
    "a pickle": (b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94", "goes on after"),
}


def nested(depth: int) -> bytes:
    """Returns an array of 4 MiB in so many tuples."""
    value = np.zeros(1 << 22, np.uint8)
    for _ in range(depth):
        value = (value,)
    return encode(value)


def test_large_tuples_nest_as_deep_as_spaces_do():
    body = nested(3)
    decode_hostile(b"\xc0")
    tracemalloc.start()
    try:
        assert decode_hostile(body)[0][0][0].shape == (1 << 22,)
        assert tracemalloc.get_traced_memory()[1] < 6 * len(body)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_and_costs_little(name):
    body, message = BOMBS[name]
    if name == "tuples in tuples":
        body = b"\xc0"
        for _ in range(40):
            body = msgpack.packb(msgpack.ExtType(codec.TUPLE, b"\x91" + body))
    if name == "large tuples in tuples":
        body = nested(MAX_DEPTH)
    with pytest.raises(BadFrame):  # compiles and imports what the first failure needs
        decode_hostile(b"\xc1")
    tracemalloc.start()
    try:
        with pytest.raises(BadFrame, match=message):
            decode_hostile(body)
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


@given(body=st.binary(max_size=60))
@settings(max_examples=1500, deadline=None)
def test_any_bytes_give_a_value_or_one_error(body):
    try:
        value = decode_hostile(body)
    except BadFrame:
        return
    repr(value)
    # What is let through is what the library reads, whole.
    assert same(decode(body), value)


@st.composite
def damaged(draw):
    """Bytes of a value in which a few have been changed, cut out or put in: they get further than noise."""
    space, seed = draw(any_space), draw(st.integers(0, 99))
    space.seed(seed)
    body = bytearray(encode(draw(st.one_of(plain, st.just(space.sample())))))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        body[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(body)


@given(body=damaged())
@settings(max_examples=400, deadline=None)
def test_damaged_bytes_give_a_value_or_one_error(body):
    try:
        value = decode_hostile(body)
    except BadFrame:
        return
    repr(value)
    assert same(decode_hostile(encode(value)), value)


def test_the_limits_themselves_are_allowed():
    assert decode_hostile(b"\x91" * MAX_DEPTH + b"\xc0")
    assert len(decode_hostile(encode([0] * (MAX_ITEMS - 1)))) == MAX_ITEMS - 1
    assert len(decode_hostile(encode("x" * MAX_TEXT))) == MAX_TEXT


def test_the_heads_that_are_remembered_stay_few():
    for length in range(3 * codec._MAX_HEADS):
        decode_hostile(encode(np.zeros(length, np.uint8)))
    assert len(codec._heads) <= codec._MAX_HEADS


def test_a_description_cannot_move_a_cursor():
    hostile = msgpack.packb(msgpack.ExtType(codec.UNSENDABLE, b"\x1b[2Jhello\n" * 100))
    text = repr(decode_hostile(hostile))
    assert text.isprintable()
    assert len(text) == codec.MAX_DESCRIPTION
