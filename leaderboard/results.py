"""Results: a folder of episodes (append-only) with a manifest that says what produced them."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import importlib.metadata
import json
import os
import platform
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from envsuite.catalogue import get_task
from envsuite.episode import Episode
from envsuite.errors import MissingExtra, ResultsMismatch
from envsuite.leaderboard.sandbox.base import Enforced
from envsuite.registration import simulator_of
from envsuite.task import Suite, parse_id

if TYPE_CHECKING:
    import pandas as pd

    from envsuite.leaderboard.score import SuiteScore

EPISODES = "episodes.jsonl"
ACTIONS = "actions"
"""Subfolder with the actions of every episode, so that it can be replayed."""
MANIFEST = "manifest.json"
PARTIAL = ".partial"
"""Suffix of a file that is being written."""
SHOWN_DIGITS = 12
"""How many first digits of a submission's hash an error shows."""
FORMAT = 1
"""Version of the folder's layout."""

Key = tuple[str, int, int]
"""Task id, run, seed index: what makes an episode of an evaluation unique."""

_EPISODE = TypeAdapter(Episode)


class SubmissionRecord(BaseModel):
    """Which submission was evaluated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    sha256: str
    """Of its archive, which is the same for the same files."""
    learned: bool
    """Whether the agent was trained: then it takes five runs to be ranked."""


class Manifest(BaseModel):
    """What an evaluation was: everything that must be equal before its folder may be continued."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    suite: Suite
    """The whole protocol, so that results speak for themselves and custom suites can be read again."""
    split: str
    agent: str
    """The name on the board."""
    entry_point: str
    """What made the agent: a built-in's name or `module:attribute`."""
    seed: int
    """Root of the seeds; 0 are the seeds that the suite fixes."""
    commitment: str | None = None
    """SHA-256 of the secret that the seeds come from; None where they are public."""
    runs: int
    shard: str | None = None
    submission: SubmissionRecord | None = None
    envsuite: str
    simulators: dict[str, str]
    """Version of each simulator that the suite needs, by distribution."""


class Machine(BaseModel):
    """Where the episodes were played; recorded, never compared."""

    model_config = ConfigDict(frozen=True)

    started_at: str
    python: str
    platform: str
    processor: str
    cores: int
    packages: dict[str, str]
    sandbox: Enforced | None = None
    """What the agent's sandbox enforced; None where it played in the evaluating process."""


class _ManifestFile(BaseModel):
    evaluation: Manifest
    machine: Machine


@dataclass(frozen=True, slots=True)
class Results:
    """The episodes of one evaluation, and what produced them."""

    manifest: Manifest
    episodes: tuple[Episode, ...]
    """One per key in the order of the suite; a crashed attempt only where no later one succeeded."""
    attempts: tuple[Episode, ...] = field(default=())
    """Every recorded line, crashed attempts included."""
    folder: Path | None = None

    @classmethod
    def load(cls, folder: Path | str) -> Results:
        """Returns the results of a folder; raises `ResultsMismatch` when it holds none."""
        folder = Path(folder)
        manifest = read_manifest(folder)
        if manifest is None:
            raise ResultsMismatch(f"{folder}: expected a results folder with a {MANIFEST}, found none")
        return cls.of(manifest, read_episodes(folder / EPISODES), folder)

    @classmethod
    def of(cls, manifest: Manifest, attempts: Sequence[Episode], folder: Path | None = None) -> Results:
        """Returns results from all recorded lines: per key the first attempt that did not crash."""
        order = {task_id: i for i, task_id in enumerate(manifest.suite.task_ids)}
        chosen = sorted(choose(attempts).values(), key=lambda e: (order[e.task_id], e.run, e.seed_index))
        return cls(manifest, tuple(chosen), tuple(attempts), folder)

    def __repr__(self) -> str:
        return f"Results({self.manifest.agent!r} on {self.suite.name}, {len(self.episodes)} episodes)"

    @property
    def suite(self) -> Suite:
        """The suite that was played."""
        return self.manifest.suite

    def score(self, *, seed: int = 0, reps: int = 2000) -> SuiteScore:
        """Returns the score with intervals; `seed` is that of the bootstrap."""
        from envsuite.leaderboard.metrics import is_scored
        from envsuite.leaderboard.score import score_suite

        scored = [episode for episode in self.episodes if is_scored(episode)]
        broken_off = [episode for episode in self.attempts or self.episodes if not is_scored(episode)]
        return score_suite(
            self.manifest.agent,
            [*scored, *broken_off],
            self.suite,
            runs=self.manifest.runs,
            learned=bool(self.manifest.submission and self.manifest.submission.learned),
            seed=seed,
            reps=reps,
        )

    def to_pandas(self) -> pd.DataFrame:
        """Returns a frame with one row per episode; metrics and timings have a column each."""
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingExtra('to_pandas needs pandas; run: pip install "envsuite[leaderboard]"') from error
        return pd.json_normalize([episode.to_json() for episode in self.episodes])


def choose(attempts: Iterable[Episode]) -> dict[Key, Episode]:
    """Returns per key the first attempt that is not an `env_error`, or the last crash if all crashed.

    Raises `ResultsMismatch` when two valid attempts of a key differ: two evaluations were mixed.
    """
    chosen: dict[Key, Episode] = {}
    for episode in attempts:
        key = key_of(episode)
        before = chosen.get(key)
        if before is None or before.outcome == "env_error":
            chosen[key] = episode
        elif episode.outcome != "env_error" and episode.trajectory != before.trajectory:
            raise ResultsMismatch(f"episode {key} was recorded twice with different trajectories; the lines are mixed")
    return chosen


def actions_path(folder: Path, episode: Episode) -> Path:
    """Returns where a results folder keeps the actions of an episode."""
    name = parse_id(episode.task_id)
    return (
        folder / ACTIONS / f"{name.family}-{name.name}-v{name.version}" / f"r{episode.run}-{episode.seed_index}.json.gz"
    )


def read_actions(folder: Path, episode: Episode) -> Any:
    """Returns the recorded actions of an episode as `action_space.to_jsonable` gave them.

    Raises `ResultsMismatch` when the folder does not hold them.
    """
    path = actions_path(folder, episode)
    try:
        return json.loads(gzip.decompress(path.read_bytes()))
    except FileNotFoundError as error:
        raise ResultsMismatch(f"{path}: the actions of this episode are not in the results folder") from error


def key_of(episode: Episode) -> Key:
    """Returns what makes the episode unique in its evaluation."""
    return episode.task_id, episode.run, episode.seed_index


def make_manifest(suite: Suite, **fields: Any) -> Manifest:
    """Returns the manifest of an evaluation on this machine; `fields` are those that only the caller knows."""
    tasks = {(task.family, task.simulator): task for task in map(get_task, suite.task_ids)}
    simulators = sorted(map(simulator_of, tasks.values()), key=itemgetter(0))
    return Manifest(
        suite=suite,
        **fields,
        envsuite=importlib.metadata.version("envsuite"),
        simulators={name: version or "missing" for name, version in simulators},
    )


def this_machine(sandbox: Enforced | None = None) -> Machine:
    """Returns what this machine is, and what the agent's sandbox enforces on it."""
    return Machine(
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        python=platform.python_version(),
        platform=platform.platform(),
        processor=processor(),
        cores=os.cpu_count() or 1,
        packages={name: _version(name) for name in ("gymnasium", "numpy")},
        sandbox=sandbox,
    )


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def processor() -> str:
    """Returns the name of this machine's processor."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _first_of(error: ValidationError) -> str:
    """Returns the first of a validation's problems in one line."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def read_manifest(folder: Path) -> Manifest | None:
    """Returns the manifest of a folder, None when it has none; raises `ResultsMismatch` for a broken one."""
    path = folder / MANIFEST
    if not path.exists():
        return None
    try:
        return _ManifestFile.model_validate_json(path.read_text(encoding="utf-8")).evaluation
    except ValidationError as error:
        raise ResultsMismatch(f"{path}: not a manifest of results format {FORMAT}: {_first_of(error)}") from error


def read_episodes(path: Path) -> list[Episode]:
    """Returns the episodes of a file; a last line without its newline was cut off by a kill and is left out.

    Raises `ResultsMismatch` with the line number for any other line that is not an episode.
    """
    if not path.exists():
        return []
    episodes = []
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        try:
            record = json.loads(line)
            record["return_"] = record.pop("return")
            episodes.append(_EPISODE.validate_python(record))
        except (ValueError, KeyError, TypeError) as error:
            what = _first_of(error) if isinstance(error, ValidationError) else str(error)
            raise ResultsMismatch(f"{path}, line {number}: not an episode: {what}") from error
    return episodes


@contextlib.contextmanager
def open_folder(folder: Path, manifest: Manifest, sandbox: Enforced | None = None) -> Iterator[Journal]:
    """Yields the journal of a new folder, or of one that the same evaluation began.

    Raises `ResultsMismatch`, with nothing overwritten, when the folder belongs to another evaluation,
    holds other files, or is being written by another process.
    """
    _is_begun(folder, manifest)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / EPISODES).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ResultsMismatch(
                f"{folder}: another process is writing these results; wait for it, or choose a new folder"
            ) from error
        # Asked again under the lock: another process may have begun, and ended, in the meantime.
        if not _is_begun(folder, manifest):
            content = _ManifestFile(evaluation=manifest, machine=this_machine(sandbox)).model_dump_json(indent=2)
            _write_whole(folder / MANIFEST, f"{content}\n".encode())
        _drop_cut_line(folder / EPISODES)
        yield Journal(folder, file, read_episodes(folder / EPISODES))


def _is_begun(folder: Path, manifest: Manifest) -> bool:
    """Returns whether the folder holds the manifest; raises `ResultsMismatch` when it holds anything else."""
    existing = read_manifest(folder)
    if existing is None:
        if folder.exists() and not all(map(_is_left_by_a_kill, folder.iterdir())):
            raise ResultsMismatch(
                f"{folder}: expected an empty folder or results of the same evaluation, found other files; "
                "choose a new folder"
            )
        return False
    if existing != manifest:
        raise ResultsMismatch(f"{folder}: holds other results ({_difference(existing, manifest)}); choose a new folder")
    return True


def _is_left_by_a_kill(path: Path) -> bool:
    """Returns whether the file is what a kill leaves between making a folder and writing its manifest."""
    return path.name == Path(MANIFEST).with_suffix(PARTIAL).name or (path.name == EPISODES and path.stat().st_size == 0)


class Journal:
    """Appends episodes to an open file, each on the disk before the call returns."""

    def __init__(self, folder: Path, file: Any, recorded: list[Episode]) -> None:
        self._folder = folder
        self._file = file
        self.recorded = recorded

    def append(self, episode: Episode) -> None:
        """Writes the actions, then the line that makes the episode count."""
        if episode.actions:
            path = actions_path(self._folder, episode)
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, gzip.compress(json.dumps(episode.actions).encode(), mtime=0))
        line = json.dumps(episode.to_json(), separators=(",", ":"), allow_nan=True)
        self._file.write(line.encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.recorded.append(episode)


def _difference(existing: Manifest, wanted: Manifest) -> str:
    fields = type(existing).model_fields
    pairs = [(name, getattr(existing, name), getattr(wanted, name)) for name in fields]
    return "; ".join(f"{name}: there {_short(old)}, asked {_short(new)}" for name, old, new in pairs if old != new)


def _short(value: object) -> str:
    """Returns a field in a few words; suites of one name may differ in their tasks, so these are counted."""
    match value:
        case Suite():
            return f"{value.name} of {value.episodes} episodes"
        case SubmissionRecord():
            return f"{value.name} {value.version} (sha256 {value.sha256[:SHOWN_DIGITS]})"
        case str() if re.fullmatch(r"sha256:[0-9a-f]{64}", value):
            return f"sha256:{value.removeprefix('sha256:')[:SHOWN_DIGITS]}"
        case None:
            return "none"
    return repr(value)


def _write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that a kill or a power cut leaves either all of it or nothing."""
    partial = path.with_suffix(PARTIAL)
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _drop_cut_line(path: Path) -> None:
    content = path.read_bytes()
    complete = content.rfind(b"\n") + 1
    if complete < len(content):
        os.truncate(path, complete)


def merge(folders: Sequence[Path], out: Path) -> Results:
    """Returns the results of several shards of one evaluation, written to the new folder `out`.

    Raises `ResultsMismatch` when they do not belong together or contradict each other.
    """
    parts = [Results.load(folder) for folder in folders]
    whole = [part.manifest.model_copy(update={"shard": None}) for part in parts]
    for folder, manifest in zip(folders, whole, strict=True):
        if manifest != whole[0]:
            what = _difference(whole[0], manifest).replace("there", f"in {folders[0]}").replace("asked", "here")
            raise ResultsMismatch(f"{folder}: not of the same evaluation ({what}); merge shards of one evaluation only")
    attempts = [episode for part in parts for episode in part.attempts]
    choose(attempts)
    with open_folder(out, whole[0]) as journal:
        recorded = {(key_of(episode), episode.trajectory) for episode in journal.recorded}
        for episode in attempts:
            if (key_of(episode), episode.trajectory) not in recorded:
                recorded.add((key_of(episode), episode.trajectory))
                journal.append(episode)
    for folder in folders:
        if (folder / ACTIONS).is_dir():
            shutil.copytree(folder / ACTIONS, out / ACTIONS, dirs_exist_ok=True)
    return Results.load(out)
