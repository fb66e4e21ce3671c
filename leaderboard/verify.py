"""Verify: what a stranger can check of a result without trusting whoever publishes it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from envsuite.catalogue import TASKS
from envsuite.episode import Episode, Start
from envsuite.errors import InvalidArgument, MissingSimulator, NotVerified, ResultsMismatch, WorkerDied
from envsuite.leaderboard.attest import (
    SEASON_CLOSED,
    SEASON_OPENED,
    ChainCheck,
    Entry,
    check_chain,
    read_chain,
    season_payload,
)
from envsuite.leaderboard.canonical import sha256
from envsuite.leaderboard.checks import Check, check_claims, check_score, check_suite
from envsuite.leaderboard.keys import key_id
from envsuite.leaderboard.metrics import is_scored
from envsuite.leaderboard.replays import Replay, replay_results
from envsuite.leaderboard.resultfile import MAX_LINE, Header, ResultFile, read_result
from envsuite.leaderboard.results import Manifest, Results, actions_path, make_manifest
from envsuite.leaderboard.seeds import PublicSeeds, SecretSeeds, Seeds
from envsuite.suites import HELD_OUT

SHOWN = 3
"""How many of the episodes that differ are told."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What was checked of a result, in order."""

    path: Path
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that failed."""
        return tuple(check.name for check in self.checks if check.status == "failed")

    @property
    def skipped(self) -> tuple[str, ...]:
        """Names of the checks that were not made; skipped is not passed."""
        return tuple(check.name for check in self.checks if check.status == "skipped")

    @property
    def verdict(self) -> Literal["verified", "not verified", "incomplete"]:
        """`verified` where every check was made and passed, `incomplete` where none failed and some were not made."""
        return "not verified" if self.failed else "incomplete" if self.skipped else "verified"

    def to_json(self) -> dict[str, Any]:
        """Returns plain data."""
        checks = [{"name": check.name, "status": check.status, "sentence": check.sentence} for check in self.checks]
        return {"path": str(self.path), "verdict": self.verdict, "checks": checks}


def verify(
    path: Path | str,
    *,
    public_key: bytes | None = None,
    chain: Path | str | None = None,
    secret: bytes | None = None,
    replay: bool = True,
    workers: int = 0,
    on_replay: Callable[[Replay], None] | None = None,
) -> Verification:
    """Returns what the checks of a result file, or of a folder of results, have found.

    Args:
        path: a file as boards publish it, or a folder that `evaluate` wrote, of which the replay is all
            that can be checked.
        public_key: the board's first key, 32 bytes; without it nobody is known to have signed.
        chain: the board's chain, one entry a line.
        secret: of the season, once it is published.
        replay: whether the recorded actions are played again.
        workers: processes for that; 0 plays in this one.
        on_replay: called after every episode.

    Raises `InvalidArgument` for a negative number of workers, and OSError for files that cannot be read;
    whatever else is wrong with them is a failed check.
    """
    if workers < 0:
        raise InvalidArgument(f"workers: expected >= 0, got {workers}")
    path = Path(path)
    run = _Replays(replay, workers, on_replay)
    if path.is_dir():
        return Verification(path, tuple(_checks_of_folder(path, run)))
    return Verification(path, tuple(_checks_of_file(path, public_key, chain, secret, run)))


def _checks_of_file(
    path: Path, public_key: bytes | None, chain: Path | str | None, secret: bytes | None, run: _Replays
) -> Iterator[Check]:
    try:
        result = read_result(path)
    except NotVerified as error:
        yield Check("file", "failed", f"{error}.")
        return
    header, manifest = result.header, result.header.evaluation
    yield Check(
        "file", "ok", f"{len(result.attempts)} episodes of {manifest.agent} on {manifest.suite.name}, not a byte amiss."
    )
    history = _History.read(chain, public_key, result)
    yield _check_signature(result.entry, public_key, history)
    yield history.check(result.entry)
    yield check_claims(header)
    yield check_suite(manifest, result.attempts)
    yield check_score(header, result.attempts)
    seeds: Seeds | str = PublicSeeds(manifest.seed)
    if manifest.split == HELD_OUT:
        yield history.check_season(header)
        check, seeds = _check_secret(header, secret)
        yield check
    yield run.check(manifest, seeds, result.with_actions())


def _checks_of_folder(folder: Path, run: _Replays) -> Iterator[Check]:
    try:
        results = Results.load(folder)
    except (ResultsMismatch, LookupError, ValueError) as error:  # a stranger's files may hold anything
        yield Check("folder", "failed", f"These are no results: {error}.")
        return
    manifest = results.manifest
    what = f"{len(results.episodes)} episodes of {manifest.agent} on {manifest.suite.name}"
    yield Check("folder", "ok", f"{what}, self-reported: nothing is signed.")
    yield check_suite(manifest, results.episodes)
    seeds: Seeds | str = PublicSeeds(manifest.seed)
    if manifest.split == HELD_OUT:
        seeds = "the seeds are held out"

    episodes = (replace(e, actions=_read_actions(folder, e)) if e.length else e for e in results.episodes)
    yield run.check(manifest, seeds, episodes)


def _read_actions(folder: Path, episode: Episode) -> Any:
    """Returns the actions of an episode; raises `NotVerified` where the folder does not hold them, or far too many."""
    path = actions_path(folder, episode)
    try:
        with gzip.open(path) as file:
            content = file.read(MAX_LINE + 1)
        if len(content) > MAX_LINE:
            raise NotVerified(f"{path}: expected at most {MAX_LINE} bytes of actions")
        return json.loads(content)
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise NotVerified(f"{path}: the actions of this episode cannot be read: {error}") from error


@dataclass(frozen=True, slots=True)
class _History:
    """What a board's chain says about one result."""

    chain: ChainCheck | None
    """None where there is no chain, or no key to check it with."""
    problem: str = ""
    """Why there is none."""
    unreadable: bool = False
    at_index: Entry | None = None
    """The entry that stands where the result says it stands."""
    seasons: tuple[Entry, ...] = ()
    """The entries of the result's season before it: its opening (an honest board has one), and its end if there."""

    @classmethod
    def read(cls, path: Path | str | None, public_key: bytes | None, result: ResultFile) -> _History:
        if path is None or public_key is None:
            what = "The board's chain was" if path is None else "The board's key was"
            return cls(None, f"{what} not given.")
        found: list[Entry] = []
        seasons: list[Entry] = []
        wanted, season = result.entry.index, result.header.season

        def noted() -> Iterator[Entry]:
            for entry in read_chain(path):
                if entry.index == wanted:
                    found.append(entry)
                if entry.index < wanted and entry.subject == season and entry.kind in (SEASON_OPENED, SEASON_CLOSED):
                    seasons.append(entry)
                yield entry

        try:
            checked = check_chain(noted(), [public_key])
        except NotVerified as error:
            return cls(None, f"{error}.", unreadable=True)
        return cls(checked, at_index=found[0] if found else None, seasons=tuple(seasons))

    def check(self, entry: Entry) -> Check:
        """Returns whether the chain holds, with this very entry in its place."""
        if self.chain is None:
            return Check("chain", "failed" if self.unreadable else "skipped", self.problem)
        chain = self.chain
        if not chain.ok:
            return Check("chain", "failed", f"Entry {chain.broken} of the chain does not hold: {chain.reason}.")
        if self.at_index is None:
            return Check("chain", "failed", f"The chain has {chain.length} entries, and none of index {entry.index}.")
        if self.at_index != entry:
            return Check("chain", "failed", f"Entry {entry.index} of the chain is another one: {_told(self.at_index)}.")
        notes = "".join(f" Odd: {note}." for note in chain.notes[:SHOWN])
        return Check(
            "chain", "ok", f"Entry {entry.index} of {chain.length}, of {entry.at}; the head is {chain.head}.{notes}"
        )

    def check_season(self, header: Header) -> Check:
        """Returns whether the commitment was public before the result, and the secret was not."""
        if self.chain is None or not self.chain.ok or header.season is None:
            return Check("season", "skipped", "Without the chain nobody knows when the commitment was published.")
        season, commitment = header.season, header.evaluation.commitment
        promise = sha256(season_payload(season, str(commitment)))
        opened = [entry for entry in self.seasons if (entry.kind, entry.payload_sha256) == (SEASON_OPENED, promise)]
        others = [e for e in self.seasons if e.kind == SEASON_OPENED and e.payload_sha256 != promise]
        closed = [entry for entry in self.seasons if entry.kind == SEASON_CLOSED]
        if not opened:
            return Check(
                "season",
                "failed",
                f"No entry before the result binds season {season!r} to the commitment {commitment}.",
            )
        if others:
            why = f"Entry {others[0].index} binds season {season!r} to another commitment, so the board could choose."
            return Check("season", "failed", why)
        if closed:
            return Check(
                "season", "failed", f"The season's secret was public before the result, since entry {closed[0].index}."
            )
        return Check(
            "season", "ok", f"The commitment stands before the result: entry {opened[0].index}, {opened[0].at}."
        )


def _told(entry: Entry) -> str:
    return f"{entry.kind} {entry.subject!r} over {entry.payload_sha256}"


def _check_signature(entry: Entry, public_key: bytes | None, history: _History) -> Check:
    if public_key is None:
        return Check("signature", "skipped", "The board's key was not given, so anybody may have signed.")
    keys: Mapping[str, bytes] = {key_id(public_key): public_key}
    if history.chain is not None:
        keys = history.chain.keys
    if entry.key_id not in keys:
        return Check(
            "signature",
            "failed",
            f"Signed by key {entry.key_id}, which is not {key_id(public_key)} nor one that the chain introduces.",
        )
    if not entry.is_signed_by(keys[entry.key_id]):
        return Check("signature", "failed", f"The signature is not that of key {entry.key_id}.")
    return Check("signature", "ok", f"Signed by key {entry.key_id}.")


def _check_secret(header: Header, secret: bytes | None) -> tuple[Check, Seeds | str]:
    """Returns the check, and the seeds or why there are none."""
    promised = header.evaluation.commitment
    if secret is None:
        why = "the secret of the season was not given; it is published when the season has closed"
        return Check("secret", "skipped", f"{why[0].upper()}{why[1:]}."), why
    try:
        seeds = SecretSeeds(secret, header.round)
    except InvalidArgument as error:
        return Check("secret", "failed", f"{error}."), "the secret is none"
    if sha256(secret) != promised:
        sentence = f"Its SHA-256 is {sha256(secret)}, the commitment is {promised}."
        return Check("secret", "failed", sentence), "the secret is not the one that was committed to"
    return Check("secret", "ok", "It is the one that was committed to; the seeds are derived from it."), seeds


@dataclass(frozen=True, slots=True)
class _Replays:
    """How replays are made, if they are."""

    wanted: bool
    workers: int
    on_replay: Callable[[Replay], None] | None

    def check(self, manifest: Manifest, seeds: Seeds | str, episodes: Iterable[Episode]) -> Check:
        """Returns whether the recorded actions give the recorded episodes; a string of `seeds` says why not."""
        if not self.wanted:
            return Check("replay", "skipped", "It was not asked for.")
        if isinstance(seeds, str):
            return Check("replay", "skipped", f"It needs the seeds: {seeds}.")
        same, different, skipped = 0, list[Replay](), list[Replay]()
        try:
            for replay in replay_results(((_start(manifest, seeds, e), e) for e in episodes), workers=self.workers):
                if self.on_replay is not None:
                    self.on_replay(replay)
                same += replay.same
                if replay.differences:
                    different.append(replay)
                elif replay.skipped and is_scored(replay.recorded):
                    skipped.append(replay)
        except (NotVerified, InvalidArgument, WorkerDied) as error:  # InvalidArgument: of a split without seeds
            return Check("replay", "failed", f"{error}.")
        except MissingSimulator as error:
            return Check("replay", "skipped", f"{error}.")
        return _summary(manifest, same, different, skipped)


def _start(manifest: Manifest, seeds: Seeds, episode: Episode) -> Start:
    names = (manifest.suite.name, manifest.split, episode.task_id, episode.seed_index)
    return Start(episode.seed_index, seeds.env_seed(*names), seeds.agent_seed(*names, episode.run))


def _summary(manifest: Manifest, same: int, different: list[Replay], skipped: list[Replay]) -> Check:
    if different:
        count = f"{len(different)} of {same + len(different)} episodes differ"
        return Check("replay", "failed", f"{count}. {_first(different)}.{_excuses(manifest, different)}")
    given = f"{same} of {same} replayed episodes are the recorded ones, observation by observation."
    if skipped:
        return Check("replay", "skipped", f"{given} {len(skipped)} cannot be replayed. {_first(skipped)}.")
    return Check("replay", "ok", given)


def _first(replays: list[Replay]) -> str:
    more = f"; and {len(replays) - SHOWN} more" if len(replays) > SHOWN else ""
    return "; ".join(map(_told_replay, replays[:SHOWN])) + more


def _told_replay(replay: Replay) -> str:
    episode = replay.recorded
    what = "; ".join(replay.differences) or replay.skipped
    return f"{episode.task_id}, run {episode.run}, seed index {episode.seed_index}: {what}"


def _excuses(manifest: Manifest, different: list[Replay]) -> str:
    """Returns sentences on why an honest record may differ here; empty where there is no reason."""
    names = {replay.recorded.task_id for replay in different}
    by_build = any(TASKS[name].deterministic == "build" for name in names)
    build = (
        " Such a task repeats exactly with the same simulator on the same kind of processor only." if by_build else ""
    )
    return build + _other_versions(manifest)


def _other_versions(manifest: Manifest) -> str:
    """Returns a sentence on what was played with other versions than are installed here; empty where nothing was."""
    here = make_manifest(
        manifest.suite, **{name: getattr(manifest, name) for name in ("split", "agent", "entry_point", "seed", "runs")}
    )
    then, now = ({"envsuite": m.envsuite, **m.simulators} for m in (manifest, here))
    other = [f"{name} {then.get(name, 'none')} (here {now[name]})" for name in now if now[name] != then.get(name)]
    return f" It was played with {', '.join(other)}; other versions may play another game." if other else ""
