"""The rules of the manifest's fields, as validators: each returns its value or says what was expected.

With `{"folder": ...}` as context they also look at the files that a field names.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple, Protocol
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo

from envsuite.catalogue import SUITES
from envsuite.errors import InvalidSubmission
from envsuite.leaderboard.submission.licences import LICENCES, is_licence
from envsuite.leaderboard.submission.lock import read_lock
from envsuite.leaderboard.submission.names import Limits, name_problem, shown
from envsuite.leaderboard.submission.source import entry_point_problem

NAME = "1 to 60 letters, digits, spaces and . _ - + of ASCII, a letter or digit at both ends"
VERSION = 'a version like "1.0" or "2.1.0-rc1", at most 32 characters'
LICENCE = 'an SPDX identifier like "MIT", or "LicenseRef-" and a name'
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._+-]{0,58}[A-Za-z0-9])?")
_VERSION = re.compile(r"\d+(?:\.\d+){0,3}(?:[-+.]?[A-Za-z][A-Za-z0-9.+-]*)?")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,29}")
_MAX_URL = 500
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of the text around them, with which a page can be made to show another text."""


class Fault(NamedTuple):
    """One of several things wrong with a field."""

    message: str
    below: tuple[str | int, ...] = ()
    """Way from the field down to what is wrong."""
    elsewhere: bool = False
    """Whether the message begins with a file and line of its own."""


class Faults(ValueError):
    """Raised by a validator that has more to say than one sentence about its field."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__("; ".join(fault.message for fault in faults))


class _Run(Protocol):
    @property
    def weights(self) -> Sequence[str]: ...
    @property
    def seed(self) -> int | None: ...


def name(value: str) -> str:
    """Returns a name that can stand in a table, a file name and a URL without surprises."""
    return _fits(_NAME, value, NAME)


def version(value: str) -> str:
    """Returns a version."""
    return _fits(_VERSION, value, VERSION, longest=32)


def label(value: str) -> str:
    """Returns the name of a link."""
    return _fits(_LABEL, value, "1 to 30 letters, digits, spaces and - _ as the name of a link")


def licence(value: str) -> str:
    """Returns the identifier of a licence."""
    if not is_licence(value):
        by_case = {known.casefold(): known for known in LICENCES}
        near = [by_case[known] for known in difflib.get_close_matches(value.casefold(), by_case, n=2, cutoff=0.5)]
        raise ValueError(f"expected {LICENCE}, got {shown(value)}{_did_you_mean(near)}")
    return value


def suite(value: str) -> str:
    """Returns the name of a suite of the catalogue."""
    if value not in SUITES:
        near = difflib.get_close_matches(value, SUITES, n=2, cutoff=0.5)
        known = ", ".join(sorted(SUITES))
        raise ValueError(f"expected the name of a suite, one of {known}, got {shown(value)}{_did_you_mean(near)}")
    return value


def line(value: str) -> str:
    """Returns a text that is one line of visible characters."""
    return _text(value, allowed="")


def paragraphs(value: str) -> str:
    """Returns a text that may have several lines."""
    return _text(value, allowed="\n")


def url(value: str) -> str:
    """Returns an address of the web."""
    expected = f"an address that begins with https:// or http://, at most {_MAX_URL} characters"
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"expected {expected}, got {shown(value)}") from error
    clean = value.isprintable() and not re.search(r"[\s<>\"'`\\{}|^]", value) and not _DIRECTION.intersection(value)
    if not clean or len(value) > _MAX_URL or parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"expected {expected}, got {shown(value)}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("expected an address without a user name or password, got one with it")
    return value


def weight_file(value: str, info: ValidationInfo) -> str:
    """Returns the path of a weight file."""
    problem = name_problem(value, Limits())
    if problem:
        raise ValueError(f"{problem}, got {shown(value)}" if ", got" not in problem else problem)
    folder = _folder(info)
    if folder is not None and not (folder / value).is_file():
        raise ValueError(f"expected a file in the bundle, got {shown(value)}, which is none")
    return value


def entry_point(value: str, info: ValidationInfo) -> str:
    """Returns `module:function` of the function that makes the agent."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]{0,99}:[A-Za-z_][A-Za-z0-9_]{0,99}", value):
        raise ValueError(f'expected "module:function", got {shown(value)}')
    folder = _folder(info)
    problem = entry_point_problem(folder, value) if folder is not None else None
    if problem:
        raise Faults(Fault(problem, elsewhere=not problem.startswith("expected")))
    return value


def lock_file(value: str, info: ValidationInfo) -> str:
    """Returns the name of a file with the packages that the agent needs."""
    problem = name_problem(value, Limits())
    if problem:
        raise ValueError(f"{problem}, got {shown(value)}" if ", got" not in problem else problem)
    folder = _folder(info)
    if folder is None:
        return value
    if not (folder / value).is_file():
        raise ValueError(f"expected a lock file in the bundle, got {shown(value)}, which is none")
    try:
        read_lock(folder / value, shown_as=value)
    except InvalidSubmission as error:
        raise Faults(*(Fault(problem, elsewhere=True) for problem in error.problems)) from error
    return value


def consistent(learned: bool, present: frozenset[str]) -> bool:
    """Returns `learned`; raises ValueError where it contradicts which of the other fields are there."""
    trained = [
        told for field, told in (("runs", "[[runs]]"), ("training_budget", "[training_budget]")) if field in present
    ]
    if not learned and trained:
        raise ValueError(f"expected true where there is {' and '.join(trained)}, got false")
    if learned and "runs" not in present:
        raise ValueError("expected [[runs]] with the weights of every training run where it is true, got none")
    return learned


def runs_differ(runs: Sequence[_Run], info: ValidationInfo) -> None:
    """Raises ValueError where a training run is given twice."""
    faults: list[Fault] = []
    folder = _folder(info)
    first_of: dict[tuple[str, object], int] = {}
    for index, run in enumerate(runs):
        content = _content(folder, run.weights)
        for field, told, value in (
            ("seed", f"seed {run.seed}", run.seed),
            ("weights", "the same files", tuple(run.weights)),
            ("weights", "files with the same content", content),
        ):
            first = index if value is None else first_of.setdefault((told.split()[-1], value), index)
            if first != index:
                message = f"expected another training run than runs[{first}], got {told}"
                faults.append(Fault(message, (index, field)))
                break
    if faults:
        raise Faults(*faults)


def _content(folder: Path | None, weights: Sequence[str]) -> tuple[bytes, ...] | None:
    """Returns a hash of each file; None where there is no folder to look into."""
    if folder is None:
        return None
    hashes = []
    for name_ in weights:
        with (folder / name_).open("rb") as file:
            hashes.append(hashlib.file_digest(file, "sha256").digest())
    return tuple(hashes)


def _folder(info: ValidationInfo) -> Path | None:
    context = info.context
    return context.get("folder") if isinstance(context, dict) else None


def _fits(pattern: re.Pattern[str], value: str, expected: str, longest: int = 1000) -> str:
    if len(value) > longest or not pattern.fullmatch(value):
        raise ValueError(f"expected {expected}, got {shown(value)}")
    return value


def _text(value: str, allowed: str) -> str:
    for character in value:
        control = unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _DIRECTION
        if control and character not in allowed:
            raise ValueError(f"expected a text without control characters, got U+{ord(character):04X} in it")
    if value and not value.strip():
        raise ValueError("expected a text or nothing, got only spaces")
    return value


def _did_you_mean(near: Sequence[str]) -> str:
    return f"; did you mean {' or '.join(near)}?" if near else ""


Text = Annotated[str, AfterValidator(line)]
Count = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Hours = Annotated[float, Field(strict=True, ge=0, le=1e9, allow_inf_nan=False)]
