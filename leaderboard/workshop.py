"""Workshop: what a worker keeps between jobs (bundles, environments) and how it plays one."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from envsuite.catalogue import family_of
from envsuite.env import TaskEnv
from envsuite.episode import Episode, Start
from envsuite.errors import AgentFailed, InvalidArgument, InvalidSubmission, ServerRefused
from envsuite.leaderboard.client import Client
from envsuite.leaderboard.executors.jobs import Job
from envsuite.leaderboard.executors.player import Player
from envsuite.leaderboard.replays import replay_episode
from envsuite.leaderboard.reporter import persist
from envsuite.leaderboard.results import this_machine
from envsuite.leaderboard.sandbox.agent import SandboxedSubmission
from envsuite.leaderboard.sandbox.base import Enforced
from envsuite.leaderboard.schemas import Finish, Offer, StartView
from envsuite.leaderboard.submission.bundle import Bundle
from envsuite.registration import make_env, require_simulator
from envsuite.task import TaskInfo

LOG_TAIL = 4 * 2**10
"""Bytes of what an agent has printed that the server is told."""
STOPPED = "the worker was stopped; the job goes to another one"
KEPT_BUNDLES = 20
"""Archives that stay in the cache."""


class NotTheAgent(BaseException):
    """Raised where an agent could not be asked, through no fault of its own; no `Exception`, so that none is scored."""

    def __init__(self, cause: BaseException) -> None:
        self.cause = cause
        super().__init__(str(cause))


class _Careful:
    """A `make_agent` in a sandbox that lets only the agent's own failures pass as failures of the agent."""

    def __init__(self, make_agent: SandboxedSubmission) -> None:
        self._make_agent = make_agent

    def __call__(self, task: TaskInfo) -> Any:
        try:
            return self._make_agent(task)
        except AgentFailed:
            raise
        except Exception as error:
            raise NotTheAgent(error) from error

    def begin_job(self) -> None:
        self._make_agent.begin_job()

    def close(self) -> None:
        self._make_agent.close()


class Workshop:
    """Plays jobs; keeps the last bundle unpacked, since the blocks of one submission follow each other."""

    def __init__(self, client: Client, cache: Path, provider: str, *, patience_s: float, stop: threading.Event) -> None:
        """Takes where bundles come from, the folder they are cached in, and the sandbox's name, a safe one.

        A fetch is tried again for `patience_s` seconds while the server is away, until `stop` is set.
        """
        self._client, self._cache, self._provider = client, cache, provider
        self._patience_s, self._stop = patience_s, stop
        self._bundle: Bundle | None = None
        self._enforced: Enforced | None = None
        self._log = self._log_start = ""

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Removes the unpacked bundle."""
        if self._bundle is not None:
            self._bundle.close()
            self._bundle = None

    def fetch(self, offer: Offer) -> None:
        """Fetches the bundle that a job needs, unless it is cached or the job needs none.

        Raises `ServerRefused`, and `ServerUnreachable` when the server was away for too long.
        """
        archive = self._archive(offer.bundle_sha256)
        if offer.kind != "validate" and not archive.exists():
            self._download(offer.bundle_sha256, archive)

    def play(self, offer: Offer, add: Callable[[Episode], None], stopped: Callable[[], bool]) -> str:
        """Returns why the job could not be done, empty where every episode was handed to `add`.

        Raises `InvalidSubmission`, `NotTheAgent`, `MissingSimulator`, what the server refuses, and what `add` raises.
        """
        self._enforced, self._log, self._log_start = None, "", ""
        require_simulator(family_of(offer.task_id))
        if offer.kind == "validate":
            return _replay(offer, add, stopped)
        return self._play_agent(offer, add, stopped)

    def finish(self, offer: Offer, *, failure: str, rejected: str) -> Finish:
        """Returns the end of a job, with the log's tail, the sandbox and the machine of the last one played."""
        enforced = self._enforced
        sandbox = enforced and {
            "provider": enforced.provider,
            "safe": enforced.safe,
            "features": dict(enforced.features),
        }
        return Finish(
            lease=offer.lease,
            failure=failure[:2000],
            rejected=rejected[:8000],
            log_tail=_tail(self._log),
            log_start=_tail(self._log_start),
            sandbox=sandbox or None,
            machine=this_machine().model_dump(mode="json", exclude={"sandbox"}),
        )

    def _play_agent(self, offer: Offer, add: Callable[[Episode], None], stopped: Callable[[], bool]) -> str:
        bundle = self._open(offer.bundle_sha256)
        make_agent = SandboxedSubmission(
            bundle.folder,
            entry_point=bundle.manifest.entry_point,
            provider=self._provider,
            budget=offer.suite.budget,
            packages=bundle.install_requirements(self._cache / "requirements"),
        )
        player = Player(_Careful(make_agent))
        try:
            # Always the whole block, as anywhere else: what an episode's agent finds must not depend on a kill.
            for episode in player.play(_job(offer)):
                if episode.seed_index not in offer.recorded:
                    add(episode)
                if stopped():
                    return STOPPED
            return ""
        finally:
            self._enforced = make_agent.enforced
            self._log, self._log_start = make_agent.log(), make_agent.log_start()
            player.close()

    def _open(self, sha256: str) -> Bundle:
        """Returns the bundle of a hash, fetched unless it is cached."""
        if self._bundle is not None and self._bundle.sha256 == sha256:
            return self._bundle
        self.close()
        archive = self._archive(sha256)
        for fetched in (False, True):
            if fetched or not archive.exists():
                self._download(sha256, archive)
            with contextlib.suppress(*(() if fetched else (InvalidSubmission,))):
                bundle = Bundle.open(archive)
                if bundle.sha256 == sha256:
                    self._bundle = bundle
                    return bundle
                bundle.close()
        raise ServerRefused(f"bundle {sha256}: the server's file has another hash; restore its blobs from a backup")

    def _archive(self, sha256: str) -> Path:
        return self._cache / "bundles" / f"{sha256}.zip"

    def _download(self, sha256: str, archive: Path) -> None:
        archive.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make_room(archive.parent)
        persist(lambda: self._client.bundle(sha256, archive), patience_s=self._patience_s, stop=self._stop)


def _tail(log: str) -> str:
    return log.encode(errors="replace")[-LOG_TAIL:].decode(errors="ignore")


def _make_room(folder: Path) -> None:
    """Removes the archives that were fetched the longest ago."""
    archives = sorted(folder.glob("*.zip"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in archives[KEPT_BUNDLES - 1 :]:
        file.unlink(missing_ok=True)


def _start(view: StartView) -> Start:
    return Start(view.seed_index, view.env_seed, view.agent_seed)


def _job(offer: Offer) -> Job:
    return Job(
        task_id=offer.task_id,
        run=offer.run,
        starts=tuple(_start(view) for view in offer.starts),
        keep_agent=offer.suite.keep_agent,
        adapt=tuple(_start(view) for view in offer.adapt),
    )


def _replay(offer: Offer, add: Callable[[Episode], None], stopped: Callable[[], bool]) -> str:
    """Plays the recorded actions of a block; returns why it could not be done, empty where it was."""
    actions = offer.actions or {}
    env: TaskEnv | None = None
    try:
        for view in offer.starts:
            if view.seed_index in offer.recorded:
                continue
            env = env or make_env(offer.task_id)
            recorded = actions.get(view.seed_index)
            try:
                episode = replay_episode(offer.task_id, _start(view), recorded, run=offer.run, env=env)
            except InvalidArgument as error:
                where = f"{offer.task_id}, run {offer.run}, seed index {view.seed_index}"
                raise InvalidSubmission([f"{where}: {error}"]) from error
            add(episode)
            if episode.outcome == "env_error":
                _close(env)
                env = None
            if stopped():
                return STOPPED
        return ""
    finally:
        if env is not None:
            _close(env)


def _close(env: TaskEnv) -> None:
    with contextlib.suppress(Exception):  # an environment that has crashed may fail to close, too
        env.close()
