"""Reads lock files: packages with one version and the hashes of their wheels, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from envsuite.errors import InvalidSubmission
from envsuite.leaderboard.submission.names import few, shown

MAX_BYTES = 256 * 2**10
MAX_PACKAGES = 200
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_PIN = re.compile(r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==(?P<version>[0-9A-Za-z][0-9A-Za-z.+!_-]*)")
_REFUSED = (
    (re.compile(r"-e\b|--editable"), "a package in development"),
    (re.compile(r"-[ifr]\b|--"), "an option"),
    (re.compile(r".*://|\.{0,2}/|.*@"), "an address or a path"),
    (re.compile(r"[^;]*;"), "a condition behind `;`"),
    (re.compile(r"[^=]*\["), "a package with extras"),
    (re.compile(r"[\w.-]*\s*(?:[<>~!]=?|===|==[^=]*\*|$)"), "no exact version"),
)
"""What people write that is refused: pattern of the line -> its name."""
_FORM = "name==version --hash=sha256:..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One package of a lock file."""

    name: str
    """Normalised: lower case, single hyphens."""
    version: str
    hashes: tuple[str, ...]
    """SHA-256 of the wheels that may be installed, in hexadecimal, sorted."""

    def __str__(self) -> str:
        return " ".join((f"{self.name}=={self.version}", *(f"--hash=sha256:{value}" for value in self.hashes)))


def read_lock(file: Path, shown_as: str | None = None) -> tuple[Pin, ...]:
    """Returns the packages of a lock file, sorted by name.

    Accepted are lines `name==version --hash=sha256:... [--hash=...]`, which a backslash may continue on the next
    line, blank lines and comments, as `pip-compile --generate-hashes --strip-extras` writes them.

    Raises `InvalidSubmission` with every other line as `FILE:LINE: expected ..., got ...`.
    """
    where = shown_as or file.name
    with file.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InvalidSubmission([f"{where}:1: expected at most {MAX_BYTES} bytes, got more"])
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidSubmission([f"{where}:{line}: expected UTF-8, got the byte 0x{data[error.start]:02x}"]) from error
    problems: list[str] = []
    pins: dict[str, Pin] = {}
    for number, content in _logical_lines(text):
        pin = _pin(content)
        if isinstance(pin, str):
            problems.append(f"{where}:{number}: expected {_FORM}, got {pin}")
        elif pins.setdefault(pin.name, pin) is not pin:
            problems.append(f"{where}:{number}: expected every package once, got {pin.name} again")
    if len(pins) > MAX_PACKAGES:
        problems.append(f"{where}:1: expected at most {MAX_PACKAGES} packages, got {len(pins)}")
    if problems:
        raise InvalidSubmission(few(problems))
    return tuple(sorted(pins.values(), key=lambda pin: pin.name))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yields the lines that say something, joined where a backslash continues them, with the number of the first."""
    collected, first = "", 0
    for number, raw in enumerate([*text.split("\n"), ""], start=1):
        line = re.sub(r"(^|\s)#.*", "", raw.removesuffix("\r"))
        first = first if collected else number
        if line.endswith("\\"):
            collected += line[:-1] + " "
            continue
        collected = (collected + line).strip()
        if collected:
            yield first, collected
        collected = ""


def _pin(line: str) -> Pin | str:
    """Returns the package of a line, or what is there instead."""
    pin, *hashes = line.split()
    match = _PIN.fullmatch(pin)
    wrong = next((part for part in hashes if not _HASH.fullmatch(part)), None)
    if match is None or wrong is not None:
        refused = next((told for pattern, told in _REFUSED if pattern.match(line.split("--hash")[0].strip())), None)
        return f"{refused}: {shown(line)}" if refused else shown(wrong or line)
    if not hashes:
        return f"no hash: {shown(line)}"
    values = tuple(sorted({value.removeprefix("--hash=sha256:") for value in hashes}))
    return Pin(name=re.sub(r"[-_.]+", "-", match["name"]).lower(), version=match["version"], hashes=values)
