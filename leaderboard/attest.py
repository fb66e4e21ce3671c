"""Attestations: the signed entries of a board's history, each bound to all before it by a hash."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from envsuite.errors import InvalidArgument, NotVerified
from envsuite.leaderboard.canonical import canonical, parse, sha256
from envsuite.leaderboard.keys import Signer, is_signed_by, key_id

__all__ = [
    "FIRST",
    "KEY",
    "RESULT",
    "SEASON_CLOSED",
    "SEASON_OPENED",
    "ChainCheck",
    "Entry",
    "Signer",
    "canonical",
    "chain_lines",
    "check_chain",
    "next_entry",
    "next_key",
    "read_chain",
    "season_payload",
]

ENTRY_FORMAT = "envsuite-entry-1"
FIRST = "0" * 64
"""`previous` of the first entry."""
KEY = "key"
"""Kind of the entry, signed by the old key, that introduces a new one: its payload is the new public key."""
RESULT = "result"
"""Kind of the entry of a result file: its payload is every byte of the file before the entry itself."""
SEASON_OPENED = "season-opened"
"""Kind of the entry that binds a season, its subject, to a commitment: its payload is `season_payload`."""
SEASON_CLOSED = "season-closed"
"""Kind of the entry after which the season's secret is public, over the same payload as its opening; results of the
season stand before it."""
MAX_SUBJECT = 500
"""Characters of an entry's subject."""
MAX_LINE = 16 * 1024
"""Bytes of an entry's line; the longest subject takes less."""

_HEX = {length: re.compile(rf"[0-9a-f]{{{length}}}") for length in (16, 64, 128)}
_KIND = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One signed line of a board's history, bound to all lines before it by `previous`."""

    index: int
    """Place in the chain, from 0."""
    previous: str
    """`hash` of the entry before; `FIRST` for the first."""
    kind: str
    """What was recorded: `RESULT`, `SEASON`, `KEY`, or another word in lower case."""
    subject: str
    """Id of what was recorded, unique only together with the payload."""
    payload_sha256: str
    """Of the bytes that were recorded, in hexadecimal."""
    at: str
    """The server's clock, in UTC: `2026-01-31T12:00:00Z`."""
    key_id: str
    """Which key has signed."""
    signature: str = field(default="", repr=False)
    """Ed25519 over `signed_bytes`, in hexadecimal."""

    def to_json(self) -> dict[str, Any]:
        """Returns plain data; the inverse of `from_json`."""
        return {"format": ENTRY_FORMAT, **{name: getattr(self, name) for name in self.__slots__}}

    @classmethod
    def from_json(cls, record: Any) -> Entry:
        """Returns the entry of plain data; raises `NotVerified` where a field does not fit."""
        expected = {"format", *cls.__slots__}
        if not isinstance(record, Mapping) or set(record) != expected:
            got = sorted(record) if isinstance(record, Mapping) else type(record).__name__
            raise NotVerified(f"entry: expected the fields {sorted(expected)}, got {got}")
        if record["format"] != ENTRY_FORMAT:
            raise NotVerified(f"entry, format: expected {ENTRY_FORMAT!r}, got {record['format']!r}")
        for name, fits in _FITS.items():
            if not fits(record[name]):
                raise NotVerified(f"entry, {name}: not a valid value: {record[name]!r}")
        return cls(**{name: record[name] for name in cls.__slots__})

    @property
    def signed_bytes(self) -> bytes:
        """The canonical JSON of all fields but the signature."""
        return canonical({name: value for name, value in self.to_json().items() if name != "signature"})

    @property
    def hash(self) -> str:
        """SHA-256 of the entry's canonical JSON, signature included: its line in a file, without the newline."""
        return sha256(canonical(self.to_json()))

    def is_signed_by(self, public_key: bytes) -> bool:
        """Returns whether the signature is that key's over these fields."""
        if self.key_id != key_id(public_key):
            return False
        return is_signed_by(public_key, self.signed_bytes, bytes.fromhex(self.signature))


def _is_hex(length: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and _HEX[length].fullmatch(value) is not None


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and _told(datetime.fromisoformat(value)) == value
    except (ValueError, OverflowError):
        return False


_FITS: Mapping[str, Callable[[Any], bool]] = {
    "index": lambda value: type(value) is int and value >= 0,
    "previous": _is_hex(64),
    "kind": lambda value: isinstance(value, str) and _KIND.fullmatch(value) is not None,
    "subject": lambda value: isinstance(value, str) and 0 < len(value) <= MAX_SUBJECT,
    "payload_sha256": _is_hex(64),
    "at": _is_time,
    "key_id": _is_hex(16),
    "signature": _is_hex(128),
}


def _told(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def next_entry(
    previous: Entry | None, kind: str, subject: str, payload: bytes | str, at: datetime, signer: Signer
) -> Entry:
    """Returns the signed entry that follows `previous`, or the first one.

    Args:
        previous: the chain's last entry; None begins a chain.
        kind: of what is recorded.
        subject: its id, 1 to `MAX_SUBJECT` characters.
        payload: the recorded bytes, or their SHA-256 in hexadecimal where they are too many to be held.
        at: now, with a time zone.
        signer: holds the key that is in force.

    Raises `InvalidArgument` for a value that an entry cannot hold.
    """
    if at.tzinfo is None:
        raise InvalidArgument(f"at: expected a time with its zone, got {at!r}; use datetime.now(UTC)")
    entry = Entry(
        index=0 if previous is None else previous.index + 1,
        previous=FIRST if previous is None else previous.hash,
        kind=kind,
        subject=subject,
        payload_sha256=payload if isinstance(payload, str) else sha256(payload),
        at=_told(at),
        key_id=signer.key_id,
    )
    signed = replace(entry, signature=signer.sign(entry.signed_bytes).hex())
    try:
        return Entry.from_json(signed.to_json())
    except NotVerified as error:
        raise InvalidArgument(str(error)) from error


def next_key(previous: Entry | None, new: Signer, at: datetime, signer: Signer) -> Entry:
    """Returns the entry by which the key in force hands over to a new one; all later entries are the new one's."""
    return next_entry(previous, KEY, new.public_key.hex(), new.public_key, at, signer)


def season_payload(season: str, commitment: str) -> bytes:
    """Returns what the entries that open and close a season are over: its name and the SHA-256 of its secret."""
    return canonical({"season": season, "commitment": commitment})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainCheck:
    """What the check of a chain has found."""

    length: int
    """Entries up to the first broken one."""
    head: str
    """Hash of the last of them: whoever notes it will see whether history was changed."""
    broken: int | None = None
    """Index of the first entry that does not hold; None where all do."""
    reason: str = ""
    """Why it does not, in a sentence."""
    notes: tuple[str, ...] = ()
    """What is odd without breaking the chain: a clock that jumped back."""
    keys: Mapping[str, bytes] = field(default_factory=dict)
    """Every key that was in force at some time, by its id."""

    @property
    def ok(self) -> bool:
        """Whether every entry holds."""
        return self.broken is None


def check_chain(entries: Iterable[Entry], public_keys: Iterable[bytes]) -> ChainCheck:
    """Returns whether each entry is signed by a key in force and names the hash of the entry before.

    `public_keys` are in force at the beginning: those the board had published when the chain began. An
    entry of kind `KEY` ends the force of the key that signed it and begins that of the new one.
    """
    in_force = {key_id(key): key for key in public_keys}
    known = dict(in_force)
    before: Entry | None = None
    notes: list[str] = []
    length, head = 0, FIRST
    for position, entry in enumerate(entries):
        reason = _why_broken(entry, before, position, in_force, known)
        if reason:
            return ChainCheck(length=length, head=head, broken=position, reason=reason, notes=tuple(notes), keys=known)
        if before is not None and entry.at < before.at:
            notes.append(f"entry {position}: the clock jumped back, from {before.at} to {entry.at}")
        if entry.kind == KEY:
            del in_force[entry.key_id]
            new = bytes.fromhex(entry.subject)
            in_force[key_id(new)] = known[key_id(new)] = new
        before, length, head = entry, position + 1, entry.hash
    return ChainCheck(length=length, head=head, notes=tuple(notes), keys=known)


def _why_broken(
    entry: Entry, before: Entry | None, position: int, in_force: Mapping[str, bytes], known: Mapping[str, bytes]
) -> str:
    if entry.index != position:
        return f"expected index {position}, got {entry.index}: an entry is missing, repeated or out of place"
    expected = FIRST if before is None else before.hash
    if entry.previous != expected:
        return f"names {entry.previous} as the hash of the entry before, which is {expected}"
    if entry.key_id not in in_force:
        state = "no longer in force" if entry.key_id in known else "unknown"
        return f"signed by key {entry.key_id}, which is {state} here; in force: {', '.join(in_force) or 'none'}"
    if not entry.is_signed_by(in_force[entry.key_id]):
        return f"its signature is not that of key {entry.key_id} over its fields"
    if entry.kind == KEY and not _introduces_a_key(entry):
        return "is of kind key, and its subject and payload are not one new public key"
    return ""


def _introduces_a_key(entry: Entry) -> bool:
    return (
        _HEX[64].fullmatch(entry.subject) is not None and sha256(bytes.fromhex(entry.subject)) == entry.payload_sha256
    )


def chain_lines(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Yields the lines of a chain's file: canonical JSON, each with its newline."""
    for entry in entries:
        yield canonical(entry.to_json()) + b"\n"


def read_chain(path: Path | str) -> Iterator[Entry]:
    """Yields the entries of a chain's file; raises `NotVerified` with the number of a line that is none."""
    with Path(path).open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE), b""), start=1):
            try:
                if not line.endswith(b"\n"):
                    raise NotVerified(f"expected a line of less than {MAX_LINE} bytes that ends with a newline")
                yield Entry.from_json(parse(line[:-1]))
            except NotVerified as error:
                raise NotVerified(f"{path}, line {number}: {error}") from error
