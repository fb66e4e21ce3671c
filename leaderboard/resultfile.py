"""Result files: one evaluation in one file that a stranger can download and check, signed by a board.

Lines of canonical JSON (`envsuite.leaderboard.canonical`), each ended by one newline:

1. the header (`Header`): what was evaluated, where, and the score;
2. one line per attempt at an episode: the fields of `Episode.to_json()`, and `actions` as
   `action_space.to_jsonable` gave them, in the order of the suite's tasks, the runs and the seed indices; attempts that
   the environment broke off stand before the one that counts;
3. the attestation: the chain's entry of kind "result" over the SHA-256 of all bytes before its line.

Numbers that JSON lacks are the words "NaN", "Infinity" and "-Infinity". Reading writes every line again and compares
the bytes, so that one content has one file.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from envsuite.episode import Episode
from envsuite.errors import InvalidArgument, NotVerified
from envsuite.leaderboard.attest import RESULT, Entry
from envsuite.leaderboard.canonical import canonical, finite, parse
from envsuite.leaderboard.results import PARTIAL, Key, Manifest, key_of
from envsuite.leaderboard.sandbox.base import Enforced
from envsuite.leaderboard.schemas import Trust

FORMAT: Literal["envsuite-result-1"] = "envsuite-result-1"
MAX_LINE = 64 * 2**20
"""Bytes of a line, so that a hostile file cannot take all memory; a million actions of NetHack take 3 MB."""

_EPISODE = TypeAdapter(Episode)


class Header(BaseModel):
    """The first line of a result file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["envsuite-result-1"] = FORMAT
    id: str = Field(min_length=1, max_length=500)
    """The evaluation's id on its board; the attestation's subject."""
    evaluation: Manifest
    """Suite, split, submission and its hash, runs, versions, and the commitment of the season's secret."""
    trust: Trust
    season: str | None = None
    """Name of the season whose secret the seeds come from."""
    round: int = Field(default=0, ge=0)
    """As of `SecretSeeds`: 0, or counted on by every reproduction."""
    sandbox: Enforced | None = None
    machine: dict[str, Any] = Field(default_factory=dict)
    """Where it was played, as plain data."""
    score: dict[str, Any]
    """`SuiteScore.to_json()`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFile:
    """What a result file holds; the actions stay in the file."""

    path: Path
    header: Header
    attempts: tuple[Episode, ...] = field(repr=False)
    """Every attempt in the file's order, without its actions."""
    entry: Entry
    payload_sha256: str
    """Of all bytes before the entry's line, as they are; equal to the entry's."""

    def with_actions(self) -> Iterator[Episode]:
        """Yields the attempts with their actions, one in memory at a time."""
        with self.path.open("rb") as file:
            file.readline()
            for _ in self.attempts:
                yield _read_episode(file.readline(MAX_LINE))


def write_result(
    target: Path | str | BinaryIO, header: Header, episodes: Iterable[Episode], attest: Callable[[str], Entry]
) -> Entry:
    """Returns the entry that ends the file it has written; holds one episode's actions in memory at a time.

    Args:
        target: a path, which is replaced when the whole file is on the disk and not before; or an open
            binary file, which is left open.
        header: what was evaluated.
        episodes: all attempts with their `actions`, in the order that the module describes.
        attest: is given the SHA-256 of all bytes so far and returns the entry that vouches for them; called
            once, when nothing is left that could fail but the disk.

    Raises `InvalidArgument` for episodes out of order or outside the suite and for an entry of something else.
    """
    if not isinstance(target, Path | str):
        return _write(target, header, episodes, attest)
    path = Path(target)
    partial = path.with_name(path.name + PARTIAL)
    try:
        with partial.open("wb") as file:
            entry = _write(file, header, episodes, attest)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return entry


def _write(file: BinaryIO, header: Header, episodes: Iterable[Episode], attest: Callable[[str], Entry]) -> Entry:
    digest = hashlib.sha256()
    order = _Order(header)

    def write(record: Any) -> None:
        try:
            line = canonical(record) + b"\n"
        except InvalidArgument:  # a NaN, rarely; looking for one first would take as long as the rest
            line = canonical(finite(record)) + b"\n"
        if len(line) > MAX_LINE:
            raise InvalidArgument(f"episodes: expected at most {MAX_LINE} bytes a line, got {len(line)}")
        file.write(line)
        digest.update(line)

    write(header.model_dump())
    for episode in episodes:
        try:
            order.take(episode)
        except NotVerified as error:
            raise InvalidArgument(f"episodes: {error}") from error
        # Validated: a database may have handed an integer out where a float went in.
        record = _EPISODE.validate_python(_fields(episode.to_json())).to_json()
        write({**record, "actions": episode.actions})
    payload_sha256 = digest.hexdigest()
    entry = attest(payload_sha256)
    if (entry.kind, entry.subject, entry.payload_sha256) != (RESULT, header.id, payload_sha256):
        raise InvalidArgument(
            f"attest: expected an entry of kind {RESULT!r}, subject {header.id!r} over {payload_sha256}, got {entry}"
        )
    write(entry.to_json())
    return entry


def read_result(path: Path | str) -> ResultFile:
    """Returns what a result file holds, read line by line.

    Raises `NotVerified` with the number of the first line that is not what `write_result` writes: a byte more
    or less anywhere, lines out of order, episodes twice or outside the suite, an attestation of other bytes.
    Whose signature the attestation bears is left to `verify`.
    """
    path = Path(path)
    digest = hashlib.sha256()
    header: Header | None = None
    order: _Order | None = None
    attempts: list[Episode] = []
    last: tuple[int, bytes] | None = None
    with path.open("rb") as file:
        for number, line, is_last in _lines(path, file):
            with _at(path, number):
                if is_last:
                    last = number, line
                    break
                digest.update(line)
                if order is None:
                    header = _read_header(line)
                    order = _Order(header)
                    continue
                episode = replace(_read_episode(line), actions=None)
                order.take(episode)
                attempts.append(episode)
    if header is None or last is None:
        raise NotVerified(f"{path}: expected a result file with a header and an attestation, got fewer than two lines")
    with _at(path, last[0]):
        entry = _read_entry(last[1], header, digest.hexdigest())
    return ResultFile(
        path=path, header=header, attempts=tuple(attempts), entry=entry, payload_sha256=digest.hexdigest()
    )


def _lines(path: Path, file: BinaryIO) -> Iterator[tuple[int, bytes, bool]]:
    """Yields number, bytes with the newline, and whether it is the last line."""
    line = file.readline(MAX_LINE + 1)
    number = 1
    while line:
        if not line.endswith(b"\n"):
            what = f"longer than {MAX_LINE} bytes" if len(line) > MAX_LINE else "cut off: it has no newline"
            raise NotVerified(f"{path}, line {number}: {what}")
        following = file.readline(MAX_LINE + 1)
        yield number, line, not following
        line, number = following, number + 1


@contextlib.contextmanager
def _at(path: Path, number: int) -> Iterator[None]:
    try:
        yield
    except NotVerified as error:
        raise NotVerified(f"{path}, line {number}: {error}") from error


def _read_header(line: bytes) -> Header:
    record = parse(line[:-1])
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise NotVerified(f"not the header of a result file of format {FORMAT!r}")
    try:
        header = Header.model_validate(record)
    except ValidationError as error:
        _refuse("header", error)
    _require_same("header", header.model_dump(), record)
    return header


def _read_episode(line: bytes) -> Episode:
    record = parse(line[:-1])
    if not isinstance(record, dict) or "actions" not in record or "return" not in record:
        raise NotVerified("not an episode: expected an object with the fields of an episode and its actions")
    actions = record.pop("actions")
    try:
        episode = _EPISODE.validate_python(_fields(record))
    except ValidationError as error:
        _refuse("episode", error)
    _require_same("episode", episode.to_json(), record)
    return replace(episode, actions=actions)


def _read_entry(line: bytes, header: Header, payload_sha256: str) -> Entry:
    entry = Entry.from_json(parse(line[:-1]))
    if entry.kind != RESULT or entry.subject != header.id:
        raise NotVerified(
            f"attests {entry.kind} {entry.subject!r}, expected {RESULT} {header.id!r}: it belongs to something else"
        )
    if entry.payload_sha256 != payload_sha256:
        raise NotVerified(
            f"attests bytes of SHA-256 {entry.payload_sha256}, but those before it have {payload_sha256}: "
            "the file was changed after it was signed"
        )
    return entry


def _fields(record: dict[str, Any]) -> dict[str, Any]:
    return {"return_" if name == "return" else name: value for name, value in record.items()}


def _refuse(what: str, error: ValidationError) -> NoReturn:
    first = error.errors()[0]
    raise NotVerified(f"not a valid {what}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _require_same(what: str, again: Any, record: Any) -> None:
    """Raises `NotVerified` where reading has dropped or converted a part: one content has one form."""
    if canonical(finite(again)) != canonical(record):
        raise NotVerified(f"not a valid {what}: it has fields that are unknown, missing, or of another type")


class _Order:
    """The rule for the order of episodes, applied to one after the other."""

    def __init__(self, header: Header) -> None:
        suite = header.evaluation.suite
        self._positions = {task_id: position for position, task_id in enumerate(suite.task_ids)}
        self._counts = {entry.task_id: entry.episodes for entry in suite.tasks}
        self._suite, self._runs = suite.name, header.evaluation.runs
        self._last: tuple[int, int, int] | None = None
        self._closed = True

    def take(self, episode: Episode) -> None:
        """Raises `NotVerified` unless this episode may follow those before it."""
        key: Key = key_of(episode)
        if not (
            episode.task_id in self._counts
            and 0 <= episode.run < self._runs
            and 0 <= episode.seed_index < self._counts[episode.task_id]
        ):
            raise NotVerified(f"episode {key} is outside {self._suite} with {self._runs} runs")
        place = (self._positions[episode.task_id], episode.run, episode.seed_index)
        if self._last is not None and (place < self._last or (place == self._last and self._closed)):
            problem = "is there twice" if place == self._last else "is out of order"
            raise NotVerified(f"episode {key} {problem}")
        self._last, self._closed = place, episode.outcome != "env_error"
