import contextlib
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envsuite.leaderboard.submission.toml_lines import find_lines

KEYS = st.one_of(st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True), st.text(max_size=5))
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**62), 2**62),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(['a = 1\n[b]\n"""', "'''", "]}#,", "\\", 'ends with "', "ends with '"]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


def quoted(text, draw):
    """A string in one of TOML's four ways of writing, where it can be written so."""
    basic = "".join(
        character if character.isprintable() and character not in '"\\' else f"\\U{ord(character):08x}"
        for character in text
    )
    ways = [f'"{basic}"', '"""\n' + basic.replace("\\U0000000a", "\n") + '"""']
    if text.isprintable() and "'" not in text:
        ways += [f"'{text}'", f"'''\n{text}'''"]
    return draw(st.sampled_from(ways))


class Writer:
    """Writes random data as TOML in random layout, and keeps the line of everything it has written."""

    def __init__(self, draw):
        self.draw, self.text, self.lines = draw, "", {}

    @property
    def line(self):
        return self.text.count("\n") + 1

    def blank(self, newlines):
        choices = ["", " ", "\t "] + (["\n", ' # a = 1 [x] "\n', "\r\n\n"] if newlines else [])
        self.text += self.draw(st.sampled_from(choices))

    def key(self, key):
        bare = key.isascii() and key.replace("-", "a").replace("_", "a").isalnum()
        if bare and self.draw(st.booleans()):
            self.text += key
        else:
            escaped = "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08x}" for c in key)
            self.text += f'"{escaped}"'

    def value(self, value, path, inline=False):
        if isinstance(value, list):
            self.text += "["
            for index, item in enumerate(value):
                self.blank(newlines=True)
                self.lines[(*path, index)] = self.line
                self.value(item, (*path, index), inline)
                self.blank(newlines=True)
                self.text += "," if index < len(value) - 1 or self.draw(st.booleans()) else ""
            self.blank(newlines=True)
            self.text += "]"
        elif isinstance(value, dict):
            self.text += "{"
            for index, (key, item) in enumerate(value.items()):
                self.text += "," if index else ""
                self.pair(key, item, path)
            self.text += "}"
        elif isinstance(value, str):
            self.text += quoted(value, self.draw)
        else:
            self.text += str(value).lower() if isinstance(value, bool) else repr(value)

    def pair(self, key, value, table):
        self.blank(newlines=False)
        self.lines[(*table, key)] = self.line
        self.key(key)
        self.blank(newlines=False)
        self.text += "="
        self.blank(newlines=False)
        self.value(value, (*table, key))
        self.blank(newlines=False)

    def table(self, path, data, header):
        self.blank(newlines=True)
        if header:
            self.lines[path] = self.line
            names = [part for part in path if isinstance(part, str)]
            self.text += "[[" if header == "array" else "["
            for index, name in enumerate(names):
                self.text += "." if index else ""
                self.key(name)
            self.text += "]]" if header == "array" else "]"
            self.text += self.draw(st.sampled_from(["\n", " # [no.table]\n"]))
        for key, value in data.items():
            self.pair(key, value, path)
            self.text += "\n"


@st.composite
def documents(draw):
    writer = Writer(draw)
    names = draw(st.lists(KEYS, unique=True, max_size=6))
    plain, tables = names[:2], names[2:]
    writer.table((), {name: draw(VALUES) for name in plain}, header="")
    for name in tables:
        rows = draw(st.dictionaries(KEYS, VALUES, max_size=3))
        if draw(st.booleans()):
            writer.table((name,), rows, header="table")
            continue
        for index in range(draw(st.integers(1, 3))):
            writer.table((name, index), rows, header="array")
            writer.lines.setdefault((name,), writer.lines[(name, index)])
            if "below" not in rows and draw(st.booleans()):
                writer.table((name, index, "below"), {"a": 1}, header="table")
    return writer.text, writer.lines


def paths(value, path=()):
    """Yields the path of every key and item of parsed TOML."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from paths(item, (*path, key))


@given(documents())
def test_the_line_of_everything_is_where_it_was_written(document):
    text, lines = document
    assert set(paths(tomllib.loads(text))) == set(lines)
    assert find_lines(text) == lines


@given(
    st.lists(
        st.sampled_from(
            [*"ab.=[]{},#\"'\n\\ 1", "a = 1\n", "[a]\n", "[[a]]\n", "'''", '"""', "[a.b]\n", "a.b = [1,\n2]\n"]
        )
    ).map("".join)
)
def test_whatever_tomllib_accepts_has_a_line_for_everything(text):
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = find_lines(text)
    assert set(paths(data)) == set(lines)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


@given(st.text())
def test_whatever_it_is_given_it_ends(text):
    with contextlib.suppress(ValueError):
        assert all(line >= 1 for line in find_lines(text).values())


def test_tables_keys_and_items_of_a_manifest():
    text = '''# comment
name = "a"  # = b
authors = [
  "one", "two",
  "three",
]
description = """
learned = true
"""
links.code = "x"
[training_budget]
steps = 1
[[runs]]
weights = ["a"]
[[runs]]
weights = [
  "b"]
'''
    lines = find_lines(text)
    assert lines == {
        ("name",): 2,
        ("authors",): 3,
        ("authors", 0): 4,
        ("authors", 1): 4,
        ("authors", 2): 5,
        ("description",): 7,
        ("links",): 10,
        ("links", "code"): 10,
        ("training_budget",): 11,
        ("training_budget", "steps"): 12,
        ("runs",): 13,
        ("runs", 0): 13,
        ("runs", 0, "weights"): 14,
        ("runs", 0, "weights", 0): 14,
        ("runs", 1): 15,
        ("runs", 1, "weights"): 16,
        ("runs", 1, "weights", 0): 17,
    }


@pytest.mark.parametrize("text", ["a", "= 1", "a = [1", '"a', "[a"])
def test_a_text_that_is_no_toml_is_refused(text):
    with pytest.raises(ValueError, match="line 1: expected"):
        find_lines(text)
