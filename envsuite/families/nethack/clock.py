"""Gives each copy of the NetHack engine a clock of its own, so that an episode does not know the date.

NetHack asks the C library for the time when a game begins and keeps the answer as the hero's birthday,
which then chooses shopkeepers' names, kinds of ants and the year on the tombstone; now and then it
decides whether a random number is drawn, after which two games of one seed part. The engine's
`fix_moon_phase` does not cover it. Every instance runs a private copy of the engine's library, and in
that copy the 16-byte stub through which the engine calls `time` can be replaced by code that returns a
number of our choice. The file is read as ELF (System V gABI and its x86-64 supplement); a library laid
out in another way is left alone.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

STUB_BYTES = 16
_ELF64_X86 = b"\x7fELF\x02\x01"
_MACHINE_X86_64 = 62
_RELA, _EXECUTABLE, _JUMP_SLOT = 4, 4, 7
_JUMP = b"\xff\x25"

EPOCH = 981_000_000
"""1 February 2001 in seconds since 1970; with the span below the year is 2001 in every time zone."""
SPAN = 300 * 86_400
"""Seconds over which the seeds spread the birthdays, so that shopkeepers differ between seeds."""


class _Section(NamedTuple):
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int


def clock_of(seed: int) -> int:
    """Returns the time, in seconds since 1970, at which every moment of the seed's game takes place."""
    return EPOCH + seed % SPAN


def clock_stub(seconds: int) -> bytes:
    """Returns 16 bytes of x86-64 code of `time_t time(time_t *t)` that always answers `seconds` < 2**32."""
    load = b"\xb8" + struct.pack("<I", seconds)  # mov eax, seconds
    store = b"\x48\x85\xff\x74\x03\x48\x89\x07"  # test rdi, rdi; jz +3; mov [rdi], rax
    return (load + store + b"\xc3").ljust(STUB_BYTES, b"\x90")


@cache
def find_clock_stub(library: Path) -> int | None:
    """Returns the file offset of the stub through which `library` calls `time`, None if there is not exactly one."""
    data = library.read_bytes()
    if not data.startswith(_ELF64_X86) or struct.unpack_from("<H", data, 18)[0] != _MACHINE_X86_64:
        return None
    sections = list(_sections(data))
    slots = set(_slots(data, sections, b"time"))
    found = [
        offset
        for section in sections
        if section.flags & _EXECUTABLE
        for offset, target in _jumps(data, section)
        if target in slots
    ]
    return found[0] if len(found) == 1 else None


def _sections(data: bytes) -> Iterator[_Section]:
    (table,) = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    for index in range(count):
        _, kind, flags, address, offset, length, link = struct.unpack_from("<IIQQQQI", data, table + index * size)
        yield _Section(kind, flags, address, offset, length, link)


def _slots(data: bytes, sections: list[_Section], function: bytes) -> Iterator[int]:
    """Yields the addresses of the table entries that the loader fills with `function`."""
    for section in sections:
        if section.kind != _RELA:
            continue
        symbols = sections[section.link]
        names = sections[symbols.link]
        for at in range(section.offset, section.offset + section.size, 24):
            slot, info = struct.unpack_from("<QQ", data, at)
            if info & 0xFFFFFFFF != _JUMP_SLOT:
                continue
            (name,) = struct.unpack_from("<I", data, symbols.offset + (info >> 32) * 24)
            start = names.offset + name
            if data[start : data.index(b"\0", start)] == function:
                yield slot


def _jumps(data: bytes, section: _Section) -> Iterator[tuple[int, int]]:
    """Yields file offset and slot address of every lazy linkage stub: jmp [slot]; push n; jmp resolver."""
    end = section.offset + section.size
    at = data.find(_JUMP, section.offset, end)
    while at >= 0:
        if at + STUB_BYTES <= end and data[at + 6] == 0x68 and data[at + 11] == 0xE9:
            (distance,) = struct.unpack_from("<i", data, at + 2)
            yield at, section.address + (at - section.offset) + 6 + distance
        at = data.find(_JUMP, at + 1, end)
