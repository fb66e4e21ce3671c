"""What a terminal sends for a key, turned into the names that keys are bound by."""

from __future__ import annotations

import re

_CONTROL = {"\t": "tab", "\r": "return", "\n": "return", "\x08": "backspace", "\x7f": "backspace"}
_FINAL = {b"A": "up", b"B": "down", b"C": "right", b"D": "left", b"H": "home", b"F": "end"} | {
    b"PQRS"[index : index + 1]: f"f{index + 1}" for index in range(4)
}
"""Last byte of a sequence -> key, in the ANSI and the application mode of a terminal."""
_LINUX = {b"ABCDE"[index : index + 1]: f"f{index + 1}" for index in range(5)}
"""The same after `ESC [ [`, which the console of Linux sends."""
_NUMBERED = {1: "home", 2: "insert", 3: "delete", 4: "end", 5: "page up", 6: "page down", 7: "home", 8: "end"} | {
    number: f"f{index + 1}" for index, number in enumerate((11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24))
}
"""Number in `ESC [ number ~` -> key."""
_MODIFIERS = (("ctrl", 4), ("alt", 2), ("shift", 1))
_MAX_SEQUENCE = 32
"""Longer sequences are no keys; without an end to them one wrong byte could swallow all that follow."""
_CSI = re.compile(rb"\x1b\[([0-?]*)([ -/]*)([@-~])")
_CSI_BEGUN = re.compile(rb"\x1b\[[0-?]*[ -/]*")

Names = tuple[str, ...]
"""What one key may be bound by, in pygame's names: with its modifier, as typed, as the key is called."""


class KeyDecoder:
    """Turns bytes into keys, in whatever pieces they arrive."""

    def __init__(self) -> None:
        self._pending = b""

    @property
    def pending(self) -> bool:
        """Whether a key may have been begun; `flush` decides that nothing more will come."""
        return bool(self._pending)

    def feed(self, data: bytes) -> list[Names]:
        """Returns the keys that are complete; of what is no key nothing comes."""
        rest, keys = self._pending + data, []
        while rest:
            taken, names = _first_key(rest)
            if not taken:
                break
            rest = rest[taken:]
            if names:
                keys.append(names)
        self._pending = rest
        return keys

    def flush(self) -> list[Names]:
        """Returns the key that the pending bytes are if nothing follows: escape is the beginning of others."""
        rest, self._pending = self._pending, b""
        if rest == b"\x1b":
            return [("\x1b", "escape")]
        if len(rest) == 2 and rest in (b"\x1b[", b"\x1bO"):
            return [_with_alt(_typed(chr(rest[1])))]
        return []


def _first_key(data: bytes) -> tuple[int, Names]:
    """Returns how many bytes the first key takes (0: it is not complete) and its names (none: it is no key)."""
    if data[:1] != b"\x1b":
        return _character(data)
    if len(data) == 1:
        return 0, ()
    if data[1:2] == b"\x1b":
        return 1, ("\x1b", "escape")
    if data[1:2] == b"[":
        return _sequence(data)
    if data[1:2] == b"O":
        return (3, _special(_FINAL.get(data[2:3]), 0)) if len(data) > 2 else (0, ())
    taken, names = _character(data[1:])
    return (taken + 1, _with_alt(names) if names else ()) if taken else (0, ())


def _sequence(data: bytes) -> tuple[int, Names]:
    """The same for what begins with `ESC [`."""
    if data[2:3] == b"[":
        return (4, _special(_LINUX.get(data[3:4]), 0)) if len(data) > 3 else (0, ())
    whole = _CSI.match(data[:_MAX_SEQUENCE])
    if whole is None:
        begun = _CSI_BEGUN.match(data[:_MAX_SEQUENCE])
        length = len(begun[0]) if begun else 2
        # A byte that belongs to no sequence ends this one, and is looked at again by itself.
        return (length if length < len(data) or length == _MAX_SEQUENCE else 0), ()
    if whole[2]:
        return whole.end(), ()
    numbers = [int(part) if part.isdigit() else 0 for part in whole[1].split(b";")]
    held = numbers[1] - 1 if len(numbers) > 1 and numbers[1] else 0
    if whole[3] == b"Z":
        return whole.end(), _special("tab", 1)
    return whole.end(), _special(_NUMBERED.get(numbers[0]) if whole[3] == b"~" else _FINAL.get(whole[3]), held)


def _character(data: bytes) -> tuple[int, Names]:
    """The same for a character, which has up to four bytes."""
    first = data[0]
    length = 1 if first < 0xC0 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    for end in range(1, length):
        # What does not go on as UTF-8 does was no character.
        if end < len(data) and data[end] & 0xC0 != 0x80:
            return 1, ()
    if len(data) < length:
        return 0, ()
    try:
        return length, _typed(data[:length].decode())
    except UnicodeDecodeError:
        return 1, ()


def _typed(character: str) -> Names:
    if character in _CONTROL:
        return (character, _CONTROL[character])
    if character == " ":
        return (" ", "space")
    if ord(character) < 32:
        letter = chr(ord(character) + 64).lower()
        return (f"ctrl+{letter}", character, letter)
    if character.isupper():
        return (f"shift+{character.lower()}", character, character.lower())
    return (character,)


def _special(name: str | None, held: int) -> Names:
    """Returns the names of a key that types nothing, with the modifiers that are held."""
    if name is None:
        return ()
    return (*(f"{modifier}+{name}" for modifier, bit in _MODIFIERS if held & bit), name)


def _with_alt(names: Names) -> Names:
    return (f"alt+{names[-1]}", *names)
