"""A small board for the tests of proofs: it signs, keeps a chain, and publishes result files of short episodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import envsuite
from envsuite.episode import Episode
from envsuite.leaderboard.attest import (
    RESULT,
    SEASON_CLOSED,
    SEASON_OPENED,
    Entry,
    Signer,
    chain_lines,
    next_entry,
    season_payload,
)
from envsuite.leaderboard.resultfile import Header, write_result
from envsuite.leaderboard.results import Results, SubmissionRecord, read_actions
from envsuite.leaderboard.sandbox.base import Enforced
from envsuite.leaderboard.seeds import SecretSeeds, commitment
from envsuite.task import Suite, SuiteTask

# Episodes of the random walker on these tracks end early, by a fall: a few milliseconds each.
FLAT, HARDCORE = "envsuite/bipedal-flat-v1", "envsuite/bipedal-hardcore-v1"
SUITE = Suite(
    name="small-v1",
    summary="",
    tasks=(SuiteTask(task_id=HARDCORE, episodes=2), SuiteTask(task_id=FLAT, episodes=2)),
)
SECRET = bytes(range(32))
SEASON = "spring"
SUBMISSION = SubmissionRecord(name="random", version="1", sha256="ab" * 32, learned=False)
SANDBOX = Enforced(provider="bubblewrap", safe=True, features={"network": "none"})


def play(out: Path, **options: Any) -> Results:
    """Returns the results of the random agent on public seeds."""
    return envsuite.evaluate("random", SUITE, out=out, **options)


def play_held_out(out: Path) -> Results:
    """Returns the results of the random agent on the season's seeds."""
    return play(out, split="test", seeds=SecretSeeds(SECRET), submission=SUBMISSION, sandbox=SANDBOX)


def attempts_of(results: Results) -> list[Episode]:
    """Returns the episodes with their actions."""
    return [replace(episode, actions=read_actions(results.folder, episode)) for episode in results.episodes]


def header_of(results: Results, **changes: Any) -> Header:
    """Returns the header of a result on the public seeds, or on those of the season."""
    held_out = results.manifest.split == "test"
    fields = {
        "id": "evaluation-1",
        "evaluation": results.manifest,
        "trust": "verified" if held_out else "validated",
        "season": SEASON if held_out else None,
        "sandbox": SANDBOX if held_out else None,
        "machine": {"cores": 2},
        "score": results.score(reps=20).to_json(),
    }
    return Header(**{**fields, **changes})


class Board:
    """A key, a clock, and the entries so far."""

    def __init__(self) -> None:
        self.first = self.signer = Signer.generate()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.entries: list[Entry] = []

    def append(self, kind: str, subject: str, payload: bytes | str) -> Entry:
        """Returns the next entry, a minute after the last one."""
        self.now += timedelta(minutes=1)
        last = self.entries[-1] if self.entries else None
        self.entries.append(next_entry(last, kind, subject, payload, self.now, self.signer))
        return self.entries[-1]

    def open_season(self, secret: bytes = SECRET) -> Entry:
        """Returns the entry with the commitment."""
        return self.append(SEASON_OPENED, SEASON, season_payload(SEASON, commitment(secret)))

    def close_season(self) -> Entry:
        """Returns the entry after which the secret is public."""
        return self.append(SEASON_CLOSED, SEASON, season_payload(SEASON, commitment(SECRET)))

    def publish(self, path: Path, header: Header, attempts: Iterable[Episode]) -> Entry:
        """Returns the entry of a result file that is now at `path`."""
        return write_result(path, header, attempts, lambda digest: self.append(RESULT, header.id, digest))

    def export(self, path: Path) -> Path:
        """Returns the path, where the chain is now."""
        path.write_bytes(b"".join(chain_lines(self.entries)))
        return path
