"""Tells on which line of a TOML text every key and every item stands; `tomllib` tells no lines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable

Path = tuple[str | int, ...]
"""Way to a value from the top: keys of tables, indices of arrays."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\r\n#]*")
_STRINGS = (
    re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}', re.DOTALL),
    re.compile(r"'''(?:[^']|'(?!''))*'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)
"""The four kinds of strings, the long ones first: `\"\"` is an empty string only where no third quote follows."""


def find_lines(text: str) -> dict[Path, int]:
    """Returns the line, from 1, of every key, table and array item of a text that `tomllib` accepts.

    A table that only a dotted key or a header of a table below it defines has the line of the first of these.
    Raises ValueError for a text that is no TOML (but not for all of them) and RecursionError for deep nesting.
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


class _Scanner:
    """Walks once through the text; `at` is the place it has come to."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line, self._counted = 1, 0
        self._arrays: dict[Path, int] = {}
        """Arrays of tables: the path of `[[...]]` -> the index of its last table."""
        self.lines: dict[Path, int] = {}

    def document(self) -> None:
        table: Path = ()
        self._match(_BLANK)
        while self._at < len(self._text):
            if self._skip("[["):
                table = self._header(closing="]]")
            elif self._skip("["):
                table = self._header(closing="]")
            else:
                self._pair(table)
            self._match(_BLANK)

    def _header(self, closing: str) -> Path:
        line = self._line_here()
        keys = self._keys()
        self._expect(closing)
        path: Path = ()
        for key in keys[:-1]:
            path = self._current((*path, key))
            self.lines.setdefault(path, line)
        path = (*path, keys[-1])
        if closing == "]]":
            self.lines.setdefault(path, line)
            self._arrays[path] = self._arrays.get(path, -1) + 1
            path = self._current(path)
        self.lines[path] = line
        return path

    def _current(self, path: Path) -> Path:
        """Returns where a header's key leads to: into the last table where it names an array of tables."""
        return (*path, self._arrays[path]) if path in self._arrays else path

    def _pair(self, table: Path) -> None:
        line = self._line_here()
        path = table
        for key in self._keys():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self._expect("=")
        self._value(path)

    def _keys(self) -> list[str]:
        """Returns the parts of a dotted key."""
        keys = [self._key()]
        while self._skip("."):
            keys.append(self._key())
        return keys

    def _key(self) -> str:
        self._match(_BLANK)
        if self._text[self._at : self._at + 1] in ('"', "'"):
            quoted = self._match(_STRINGS[2], _STRINGS[3])
            key: str = tomllib.loads(f"key = {quoted}")["key"]
        else:
            key = self._match(_BARE_KEY)
        self._match(_BLANK)
        return key

    def _value(self, path: Path) -> None:
        self._match(_BLANK)
        if self._skip("["):
            self._items("]", lambda index: self._item((*path, index)))
        elif self._skip("{"):
            self._items("}", lambda _: self._pair(path))
        elif self._text[self._at : self._at + 1] in ('"', "'"):
            self._match(*_STRINGS)
        else:
            self._match(_SCALAR)

    def _item(self, path: Path) -> None:
        self.lines[path] = self._line_here()
        self._value(path)

    def _items(self, closing: str, read: Callable[[int], None]) -> None:
        """Reads what stands between brackets, with commas in between and perhaps one at the end."""
        index = 0
        self._match(_BLANK)
        while not self._skip(closing):
            read(index)
            index += 1
            self._match(_BLANK)
            if not self._skip(","):
                self._expect(closing)
                return
            self._match(_BLANK)

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _match(self, *patterns: re.Pattern[str]) -> str:
        for pattern in patterns:
            found = pattern.match(self._text, self._at)
            if found:
                self._at = found.end()
                return found.group()
        raise ValueError(f"line {self._line_here()}: expected TOML, got {self._text[self._at : self._at + 20]!r}")

    def _skip(self, token: str) -> bool:
        if self._text.startswith(token, self._at):
            self._at += len(token)
            return True
        return False

    def _expect(self, token: str) -> None:
        self._match(_BLANK)
        if not self._skip(token):
            raise ValueError(f"line {self._line_here()}: expected {token!r}, got {self._text[self._at :][:20]!r}")
