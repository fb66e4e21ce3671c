import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from envsuite.leaderboard.sandbox.guest.codec import decode, encode
from envsuite.leaderboard.sandbox.guest.stencil import Stencil

dtypes = st.sampled_from(["bool", "uint8", "int64", ">i4", "float16", "float32", "float64", "complex64"]).map(np.dtype)
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
values = st.one_of(
    arrays,
    arrays.map(lambda array: array.T),
    arrays.filter(lambda array: array.size > 0).map(lambda array: array.flat[0]),
    st.integers(-5, 5),
    st.none(),
    st.dictionaries(st.text(max_size=2), arrays, max_size=2),
)


@given(sequence=st.lists(values, max_size=8))
@settings(deadline=None)
def test_the_short_way_leads_where_the_long_one_does(sequence):
    writer, reader = Stencil("act"), Stencil()
    for value in [one for one in sequence for _ in range(2)]:
        body = writer.encode(value)
        assert body == encode(["act", value])
        short, long = reader.decode(body), decode(body)[1]
        if short is not None:
            assert type(short) is type(long)
            assert (short.dtype, short.shape, short.tobytes()) == (long.dtype, long.shape, long.tobytes())
        reader.learn(body, long)


@pytest.mark.parametrize("value", [np.zeros((2, 3), np.float32), np.zeros(5), np.int64(3), np.float16(1)])
def test_the_second_message_of_a_layout_goes_the_short_way(value):
    reader = Stencil()
    assert reader.decode(encode([0, value])) is None
    reader.learn(encode([0, value]), value)
    read = reader.decode(memoryview(encode([0, value + 1])))
    assert type(read) is type(value)
    np.testing.assert_equal(read, value + 1)


@pytest.mark.parametrize("value", [True, 3, [np.zeros(2)], np.array([True]), np.bool_(True), np.zeros(0), "text", None])
def test_other_messages_are_never_fitted(value):
    reader = Stencil()
    body = encode([0, value])
    reader.learn(body, value)
    assert reader.decode(body) is None


def test_what_is_read_is_not_in_the_buffer_any_more():
    reader, buffer = Stencil(), bytearray(encode([0, np.arange(3)]))
    reader.learn(buffer, np.arange(3))
    array, scalar_reader = reader.decode(memoryview(buffer)), Stencil()
    buffer[-24:] = bytes(24)
    assert array.tolist() == [0, 1, 2]
    array[0] = 9
    assert not any(buffer[-24:])
    number = bytearray(encode([0, np.int64(7)]))
    scalar_reader.learn(number, np.int64(7))
    read = scalar_reader.decode(memoryview(number))
    number[-8:] = bytes(8)
    assert read == 7


def test_one_changed_byte_before_the_elements_does_not_fit():
    reader, body = Stencil(), encode([0, np.zeros(4, np.float32)])
    reader.learn(body, np.zeros(4, np.float32))
    for at in range(len(body) - 16):
        changed = bytearray(body)
        changed[at] ^= 1
        assert reader.decode(changed) is None
    assert reader.decode(body + b"\0") is None
    assert reader.decode(body[:-1]) is None
