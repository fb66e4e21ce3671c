"""Uploaded results: a results folder in an archive becomes a submission and its claims."""

from __future__ import annotations

import gzip
import json
import re
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from envsuite.agent import BUILT_IN
from envsuite.catalogue import get_suite, get_task
from envsuite.episode import Episode
from envsuite.errors import InvalidSubmission, ResultsMismatch
from envsuite.leaderboard.metrics import is_scored
from envsuite.leaderboard.results import Manifest, Results, actions_path, key_of
from envsuite.leaderboard.store.blobs import Blobs
from envsuite.leaderboard.store.plans import UPLOADED
from envsuite.leaderboard.store.views import Claim
from envsuite.leaderboard.submission.archive import unpack
from envsuite.leaderboard.submission.manifest import RunEntry, SubmissionManifest
from envsuite.leaderboard.submission.names import Limits

LIMITS = Limits(archive_bytes=512 * 2**20, unpacked_bytes=512 * 2**20, files=60_000)
"""Of an archive of results: a file of actions per episode."""
MAX_ACTIONS = 16 * 2**20
"""Bytes of the actions of one episode, unpacked; 1600 of four numbers take 140 kB."""
MAX_PARTS = 64
"""Numbers and brackets of one action; a few bytes of JSON can take a hundred times their size in memory."""
MAX_RUNS = 100


def read_claims(archive: Path, submitter: str, blobs: Blobs) -> tuple[SubmissionManifest, list[Claim]]:
    """Returns what the archive of a results folder declares, and its episodes, their actions in blobs already.

    Raises `InvalidSubmission` for a hostile or broken archive, `ResultsMismatch` for results that cannot stand on a
    board: of other seeds than the public ones, of a shard, of another version of the suite.
    """
    with tempfile.TemporaryDirectory(prefix="envsuite-results-") as temporary:
        folder = Path(temporary) / "results"
        unpack(archive, folder, LIMITS)
        results = Results.load(folder)
        _check(results.manifest)
        episodes = [episode for episode in results.episodes if is_scored(episode)]
        _check_episodes(results.manifest, episodes)
        for episode in episodes:  # one in memory at a time, and all before any is kept
            _actions(folder, episode)
        claims = []
        for episode in episodes:
            actions = _actions(folder, episode)
            sha256 = None if actions is None else blobs.put_json(actions)
            claims.append(Claim(record=episode.to_json(), actions_sha256=sha256))
    return _declared(results.manifest, submitter), claims


def _check(manifest: Manifest) -> None:
    suite = get_suite(manifest.suite.name)
    problems = [
        problem
        for wrong, problem in (
            (manifest.suite != suite, f"suite: {suite.name} here is another protocol; play it again with this version"),
            (manifest.split != UPLOADED, f'split: expected "{UPLOADED}", got {manifest.split!r}'),
            (manifest.seed != 0, f"seed: expected 0, the seeds that the suite fixes, got {manifest.seed}"),
            (not 1 <= manifest.runs <= MAX_RUNS, f"runs: expected 1 to {MAX_RUNS}, got {manifest.runs}"),
            (manifest.shard is not None, "shard: expected whole results; join the parts with `envsuite merge`"),
        )
        if wrong
    ]
    if problems:
        raise ResultsMismatch("\n".join(problems))


def _check_episodes(manifest: Manifest, episodes: Sequence[Episode]) -> None:
    """Raises `ResultsMismatch` unless every episode of the suite is there once, none longer than its task allows."""
    expected = {
        (entry.task_id, run, index)
        for entry in manifest.suite.tasks
        for run in range(manifest.runs)
        for index in range(entry.episodes)
    }
    keys = {key_of(episode) for episode in episodes}
    if keys != expected:
        raise ResultsMismatch(
            f"episodes: expected all {len(expected)} of {manifest.suite.name} with {manifest.runs} runs, got "
            f"{len(keys & expected)} of them; go on with `envsuite evaluate` until it has ended"
        )
    for episode in episodes:
        if not 0 <= episode.length <= get_task(episode.task_id).max_episode_steps:
            raise ResultsMismatch(f"episodes: {key_of(episode)} has {episode.length} steps, more than its task allows")


def _actions(folder: Path, episode: Episode) -> Any:
    """Returns the actions of an episode, None where there are none, so that nothing can be replayed."""
    if episode.length == 0:
        return []
    path = actions_path(folder, episode)
    try:
        with gzip.open(path) as file:
            text = file.read(MAX_ACTIONS + 1)
    except FileNotFoundError:
        return None
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidSubmission([f"{path.relative_to(folder)}: expected gzip, got {error}"]) from error
    parts = text.count(b",") + text.count(b"[") + text.count(b"{")
    if len(text) > MAX_ACTIONS or parts > MAX_PARTS * (episode.length + 1):
        raise InvalidSubmission([f"{path.relative_to(folder)}: expected {episode.length} actions, got much more"])
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidSubmission([f"{path.relative_to(folder)}: expected JSON, got {error}"]) from error


def _declared(manifest: Manifest, submitter: str) -> SubmissionManifest:
    """Returns what a bundle's manifest would declare; nobody has checked any of it."""
    submission = manifest.submission
    name = "".join(_ascii(submission.name if submission else manifest.agent)) or "unnamed"
    return SubmissionManifest.model_construct(
        name=name[:60].strip(" ._+-") or "unnamed",
        version=_version(submission.version if submission else "0"),
        authors=(submitter,),
        licence="LicenseRef-not-declared",
        suite=manifest.suite.name,
        runs=tuple(RunEntry.model_construct(weights=()) for _ in range(manifest.runs)),
        learned=submission.learned if submission else manifest.entry_point not in BUILT_IN,
        description=f"Played by its submitter with envsuite {manifest.envsuite[:40]}.",
    )


def _ascii(name: str) -> Iterator[str]:
    for character in name.strip():
        yield character if re.fullmatch(r"[A-Za-z0-9 ._+-]", character) else "-"


def _version(version: str) -> str:
    return version if re.fullmatch(r"[A-Za-z0-9.+-]{1,32}", version) else "0"
