import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envsuite.errors import InvalidArgument, NotVerified
from envsuite.leaderboard.canonical import canonical, finite, parse, sha256

TEXT = st.text(st.characters(exclude_categories=["Cs"]))  # no lone surrogates: they have no UTF-8
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda parts: st.lists(parts) | st.dictionaries(TEXT, parts),
    max_leaves=20,
)


@given(PLAIN)
@settings(deadline=None)
def test_what_is_written_reads_back_to_the_same_bytes(value):
    data = canonical(value)
    again = parse(data)
    assert canonical(again) == data
    assert again == value
    assert json.loads(data) == value  # any reader of JSON understands it


@given(st.binary(max_size=40))
@settings(deadline=None)
def test_any_bytes_are_canonical_or_refused(data):
    try:
        value = parse(data)
    except NotVerified:
        return
    assert canonical(value) == data


@given(PLAIN, st.data())
@settings(deadline=None)
def test_no_two_forms_are_read_as_one_value(value, data):
    loose = json.dumps(value, indent=data.draw(st.sampled_from([None, 1])), ensure_ascii=data.draw(st.booleans()))
    if loose.encode() != canonical(value):
        with pytest.raises(NotVerified):
            parse(loose.encode())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": [True, None, "x"]}, b'{"a":[true,null,"x"],"b":1}'),
        ({"\uffff": 1, "\U00010000": 2}, '{"\uffff":1,"\U00010000":2}'.encode()),  # by code point, not by UTF-16
        (-0.0, b"-0.0"),
        (1.0, b"1.0"),
        (1e16, b"1e+16"),
        (5e-324, b"5e-324"),
        (0.1 + 0.2, b"0.30000000000000004"),
        (2**70, b"1180591620717411303424"),
        ('\u00e4\u2028\x7f\x00\n"\\/', '"\u00e4\u2028\x7f\\u0000\\n\\"\\\\/"'.encode()),
        ((1, 2), b"[1,2]"),
        (np.float64(0.5), b"0.5"),
    ],
)
def test_the_form_is_the_documented_one(value, expected):
    assert canonical(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        [math.inf],
        {"a": -math.inf},
        {1: "a"},
        {None: 1},
        {1, 2},
        b"bytes",
        np.float32(1),
        np.int64(1),
        np.zeros(2),
        "\ud800",
        {"\ud800": 1},
        10**5000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(InvalidArgument, match="canonical JSON"):
        canonical(value)


def test_nesting_without_an_end_is_refused():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidArgument, match="canonical JSON"):
        canonical(deep)
    with pytest.raises(NotVerified, match="canonical JSON"):
        parse(b"[" * 100_000 + b"]" * 100_000)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}',
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b"[1, 2]",
        b" 1",
        b"1\n",
        b"1\r\n",
        b"\xef\xbb\xbf1",
        b"1E5",
        b"1e5",
        b"1.50",
        b"-0",
        b"1e999",
        b"NaN",
        b"Infinity",
        b'"\\u0041"',
        b'"\\/"',
        b'"\\ud800"',
        b'"\xff"',
        b"",
        b"{",
        b"1 2",
        b"'a'",
        b"9" * 5000,
    ],
)
def test_every_other_form_is_refused(data):
    with pytest.raises(NotVerified, match="canonical JSON"):
        parse(data)


def test_the_place_of_a_difference_is_told():
    with pytest.raises(NotVerified, match=r"from byte 5: expected b'1}', got b' 1}'"):
        parse(b'{"a": 1}')


@pytest.mark.parametrize(("value", "word"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")])
def test_numbers_that_json_lacks_become_words_that_floats_read(value, word):
    assert finite({"a": (value, 1)}) == {"a": [word, 1]}
    assert repr(float(word)) == repr(value)
    assert np.array_equal(np.asarray([word, 0.5], np.float32), np.array([value, 0.5], np.float32), equal_nan=True)


def test_hashes_are_of_sha256():
    assert sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
