"""Reads the directory of a zip file that a stranger made, strictly: one reading of it, or none.

`zipfile` is made to read what it can: it cuts names at a NUL, ignores what lies before the first and after the
last entry, and (before Python 3.11.8) reads entries that overlap. Two programs then see two different bundles.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from envsuite.errors import InvalidSubmission
from envsuite.leaderboard.submission.names import Limits, clashes, few, name_problem, shown

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
"""Records of APPNOTE.TXT 6.3.10, sections 4.3.16, 4.3.12 and 4.3.7."""
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _SIZES_FOLLOW = 0x2041, 0x0008
_DESCRIPTOR = 24
"""Longest record of sizes behind an entry's data."""
_ENTRY_BYTES = 4096
"""Longest description of an entry; bounds what is read before anything is known."""
_CHUNK = 2**16
_RATIO_FROM = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file or folder of an archive, as its directory describes it."""

    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    mode: int
    """Unix type and permissions; 0 where the archive has none."""
    offset: int

    @property
    def name(self) -> str:
        """The path without the slash at a folder's end; raises UnicodeDecodeError where it is not UTF-8."""
        return self.raw_name.decode().removesuffix("/")

    @property
    def is_folder(self) -> bool:
        """Whether the name ends in a slash."""
        return self.raw_name.endswith(b"/")


def read_entries(file: BinaryIO, limits: Limits) -> list[Entry]:
    """Returns the entries of a zip file; every one may be unpacked without harm.

    Raises `InvalidSubmission` with every problem there is.
    """
    size = file.seek(0, 2)
    if size > limits.archive_bytes:
        raise InvalidSubmission([f"expected at most {limits.archive_bytes} bytes, got {size}"])
    entries, start = _directory(file, size, limits)
    problems = [problem for entry in entries for problem in _problems(entry, limits)]
    total = sum(entry.size for entry in entries)
    if total > limits.unpacked_bytes:
        problems.append(f"expected at most {limits.unpacked_bytes} bytes unpacked, got {total}")
    if not problems:
        problems += clashes((entry.name, entry.is_folder) for entry in entries)
        problems += _layout(file, entries, start)
    if problems:
        raise InvalidSubmission(few(problems))
    return entries


def read_data(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    """Yields the content of an entry in pieces, never more bytes than its size.

    Raises `InvalidSubmission` where size or checksum are not as declared, or the data is no deflated data.
    """
    file.seek(entry.offset)
    header = _LOCAL.unpack(file.read(_LOCAL.size))
    file.seek(header[-2] + header[-1], 1)
    pieces = _stored(file, entry) if entry.method == _STORED else _deflated(file, entry)
    crc = count = 0
    try:
        for piece in pieces:
            count += len(piece)
            if count > entry.size:
                raise InvalidSubmission([f"{shown(entry.name)}: expected {entry.size} bytes, as declared, got more"])
            crc = zlib.crc32(piece, crc)
            yield piece
    except zlib.error as error:
        raise InvalidSubmission([f"{shown(entry.name)}: expected deflated data, got an error: {error}"]) from error
    if count != entry.size or crc != entry.crc:
        told = f"{entry.size} bytes with checksum {entry.crc:08x}"
        raise InvalidSubmission([f"{shown(entry.name)}: expected {told}, got {count} with {crc:08x}"])


def _stored(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    left = entry.packed
    while left and (piece := file.read(min(left, _CHUNK))):
        left -= len(piece)
        yield piece


def _deflated(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    ended = False
    for packed in _stored(file, entry):
        ended = ended or inflate.eof
        waiting = packed
        while waiting and not inflate.eof:
            yield inflate.decompress(waiting, _CHUNK)
            waiting = inflate.unconsumed_tail
    while not inflate.eof and (piece := inflate.decompress(b"", _CHUNK)):
        yield piece
    if ended or not inflate.eof or inflate.unused_data:
        raise InvalidSubmission([f"{shown(entry.name)}: expected deflated data that ends where its entry does"])


def _directory(file: BinaryIO, size: int, limits: Limits) -> tuple[list[Entry], int]:
    """Returns the entries and where the directory of them starts."""
    if size < _END.size:
        raise InvalidSubmission([f"expected a zip file, got {size} bytes"])
    file.seek(size - _END.size)
    magic, disk, first_disk, here, count, length, start, comment = _END.unpack(file.read(_END.size))
    if magic != b"PK\x05\x06":
        raise InvalidSubmission(["expected a zip file that ends with its end record, got another file or more bytes"])
    if disk or first_disk or here != count or comment:
        raise InvalidSubmission(["expected a zip file in one part without a comment"])
    if count > limits.files:
        raise InvalidSubmission([f"expected at most {limits.files} files and folders, got {count} or more"])
    if start + length + _END.size != size:
        raise InvalidSubmission(["expected a directory right before the end (and no zip64), got other bytes there"])
    if length > count * _ENTRY_BYTES:
        raise InvalidSubmission([f"expected at most {_ENTRY_BYTES} bytes an entry in the directory, got more"])
    file.seek(start)
    directory = file.read(length)
    entries: list[Entry] = []
    at = 0
    while at < length and len(entries) < count:
        entry, at = _entry(directory, at)
        entries.append(entry)
    if len(entries) != count or at != length:
        raise InvalidSubmission([f"expected {count} entries, as declared, got fewer or more"])
    return entries, start


def _entry(directory: bytes, at: int) -> tuple[Entry, int]:
    """Returns the entry described at a place of the directory, and the place behind it."""
    end = at + _CENTRAL.size
    if end > len(directory) or directory[at : at + 4] != b"PK\x01\x02":
        raise InvalidSubmission(["expected an entry in the directory of the zip file, got other bytes"])
    _, _, _, flags, method, _, _, crc, packed, size, name, extra, comment, disk, _, mode, offset = _CENTRAL.unpack(
        directory[at:end]
    )
    raw_name = directory[end : end + name]
    end += name + extra + comment
    if end > len(directory) or disk:
        raise InvalidSubmission(["expected an entry that ends inside the directory, in a zip file of one part"])
    entry = Entry(
        raw_name=raw_name, flags=flags, method=method, crc=crc, packed=packed, size=size, mode=mode >> 16, offset=offset
    )
    return entry, end


def _problems(entry: Entry, limits: Limits) -> Iterator[str]:
    try:
        name = entry.name
    except UnicodeDecodeError:
        yield f"{shown(entry.raw_name)}: expected a name in UTF-8"
        return
    where = shown(name)
    problem = name_problem(name, limits)
    if problem:
        yield f"{where}: {problem}"
    kind = stat.S_IFMT(entry.mode)
    if kind not in (0, stat.S_IFDIR if entry.is_folder else stat.S_IFREG):
        yield f"{where}: expected a file or a folder, got {_KINDS.get(kind, 'something else')}"
    if entry.flags & _ENCRYPTED:
        yield f"{where}: expected no encryption"
    if entry.method not in (_STORED, _DEFLATED):
        yield f"{where}: expected a stored or deflated file, got compression method {entry.method}"
    if entry.is_folder and entry.size:
        yield f"{where}: expected an empty entry of a folder, got {entry.size} bytes"
    if entry.method == _STORED and entry.packed != entry.size:
        yield f"{where}: expected as many bytes packed as unpacked, got {entry.packed} and {entry.size}"
    if entry.size > max(_RATIO_FROM, limits.ratio * entry.packed):
        yield f"{where}: expected at most {limits.ratio} times its packed size, {entry.packed} bytes, got {entry.size}"


_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder whose name does not end in a slash",
    stat.S_IFREG: "a file whose name ends in a slash",
}


def _layout(file: BinaryIO, entries: list[Entry], start: int) -> Iterator[str]:
    """Yields a problem for each entry that is not where and what the directory says, right behind the one before."""
    end, slack = 0, 0
    for entry in sorted(entries, key=lambda entry: entry.offset):
        where = shown(entry.name)
        if not end <= entry.offset <= end + slack:
            yield f"{where}: expected at byte {end}, where the entry before it ends, got {entry.offset}"
        file.seek(entry.offset)
        header = file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
            yield f"{where}: expected an entry at byte {entry.offset}, got other bytes"
            return
        _, _, flags, method, _, _, crc, packed, size, name, extra = _LOCAL.unpack(header)
        follow = entry.flags & _SIZES_FOLLOW
        agree = (flags, method) == (entry.flags, entry.method) and all(
            here == there or (follow and here == 0)
            for here, there in ((crc, entry.crc), (packed, entry.packed), (size, entry.size))
        )
        if file.read(name) != entry.raw_name or not agree:
            yield f"{where}: expected the same in the entry as in the directory"
        end = entry.offset + _LOCAL.size + name + extra + entry.packed
        slack = _DESCRIPTOR if entry.flags & _SIZES_FOLLOW else 0
    if not end <= start <= end + slack:
        yield f"expected the directory at byte {end}, where the last entry ends, got {start}"
