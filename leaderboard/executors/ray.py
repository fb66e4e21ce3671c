"""Plays jobs on the machines of a Ray cluster; a lost machine's episodes are played again elsewhere."""

from __future__ import annotations

import atexit
import os
import secrets
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from envsuite.agent import MakeAgent
from envsuite.episode import Episode
from envsuite.errors import EnvsuiteError, MissingExtra
from envsuite.leaderboard.executors.jobs import BLOCK, Job, Share
from envsuite.leaderboard.executors.local import Attempts
from envsuite.leaderboard.executors.player import Player, is_sandboxed

if TYPE_CHECKING:
    from envsuite.leaderboard.sandbox.agent import SandboxedSubmission

LOST_ATTEMPTS = 10
"""How often a group may be lost with its machine before the evaluation gives up."""


def play_on_ray(
    make_agent: MakeAgent,
    jobs: Sequence[Job],
    share: Share,
    record: Callable[[Episode], None],
    at_once: int = 0,
    address: str | None = None,
) -> None:
    """Plays this share of the jobs on a Ray cluster, a group of episodes per Ray task.

    Groups, seeds and order are those of the other executors, so the episodes are the same. A group
    whose machine or process dies is given out again; the episodes that it had recorded are not
    recorded twice. Every machine needs envsuite and the simulators; a submission's files are sent
    along, its requirements are installed where it plays.

    Args:
        make_agent: TaskInfo -> agent; picklable, of a module that every machine has.
        jobs: all of the evaluation.
        share: which of them this evaluation plays.
        record: called with every episode.
        at_once: groups under way at once; 0 for as many as the cluster has cores.
        address: of the cluster, as `ray.init` takes it; None starts one on this machine.

    Raises `MissingExtra` without Ray, and `EnvsuiteError` when a group was lost `LOST_ATTEMPTS` times.
    """
    ray = _import_ray()
    if not jobs:
        return
    ours = not ray.is_initialized()
    if ours:
        ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level="warning")
    try:
        with _Cluster(ray, make_agent) as cluster:
            _play(cluster, jobs, share, record, at_once)
    finally:
        if ours:
            ray.shutdown()


def _play(
    cluster: _Cluster, jobs: Sequence[Job], share: Share, record: Callable[[Episode], None], at_once: int
) -> None:
    record = share.recorder(record)
    attempts = Attempts()
    size = BLOCK if cluster.sandboxed else cluster.batch_size(jobs[0])
    queue = deque(share.groups(jobs, size))
    while queue or cluster.busy:
        while queue and len(cluster.busy) < (at_once or cluster.cores()):
            cluster.submit(queue.popleft())
        for job, episodes in cluster.finished():
            if episodes is None:
                queue.append(job)
                continue
            for episode in episodes:
                record(episode)
            queue.extend(attempts.again(job, episodes))


@dataclass(frozen=True, slots=True)
class _Parcel:
    """A make_agent on its way to another machine: pickled by reference, a submission's files as bytes."""

    make_agent: MakeAgent
    archive: bytes | None = None
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    """Tells the agents of different evaluations apart."""


class _Cluster:
    """The groups that are under way on a cluster."""

    def __init__(self, ray: Any, make_agent: MakeAgent) -> None:
        self._ray = ray
        self.sandboxed = is_sandboxed(make_agent)
        self._make_agent = make_agent
        self.busy: dict[Any, Job] = {}
        self._lost: dict[Job, int] = {}

    def __enter__(self) -> _Cluster:
        self._parcel = self._ray.put(_pack(self._make_agent))
        # Lost groups are given out again by `_play`, which knows what is recorded; Ray must not do it, too.
        options = {"num_cpus": 1, "max_retries": 0}
        self._remote_play = self._ray.remote(**options)(_play_group)
        self._remote_size = self._ray.remote(**options)(_batch_size)
        return self

    def __exit__(self, *exception: object) -> None:
        for reference in self.busy:
            self._ray.cancel(reference, force=True)

    def cores(self) -> int:
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def batch_size(self, job: Job) -> int:
        return int(self._ray.get(self._remote_size.remote(self._parcel, job.task_id, job.run)))

    def submit(self, job: Job) -> None:
        self.busy[self._remote_play.remote(self._parcel, job)] = job

    def finished(self) -> Iterator[tuple[Job, list[Episode] | None]]:
        """Yields job and episodes of every group that has ended since; None for what was lost with its machine."""
        ready, _ = self._ray.wait(list(self.busy), num_returns=1, timeout=5.0)
        for reference in ready:
            job = self.busy.pop(reference)
            try:
                yield job, cast("list[Episode]", self._ray.get(reference))
            except self._ray.exceptions.RayTaskError:
                raise
            except self._ray.exceptions.RayError as error:
                self._lost[job] = self._lost.get(job, 0) + 1
                if self._lost[job] >= LOST_ATTEMPTS:
                    raise EnvsuiteError(
                        f"ray: the episodes of {job.task_id}, run {job.run}, were lost {LOST_ATTEMPTS} times with "
                        f"the process that played them ({error}); look at the cluster's logs, then evaluate again: "
                        "what is recorded is kept"
                    ) from error
                yield job, None


def _pack(make_agent: MakeAgent) -> _Parcel:
    """Returns what another machine needs to make the agent."""
    if not is_sandboxed(make_agent):
        return _Parcel(make_agent)
    from envsuite.leaderboard.submission.archive import pack

    with tempfile.TemporaryDirectory(prefix="envsuite-ray-") as folder:
        archive = Path(folder) / "bundle.zip"
        pack(cast("SandboxedSubmission", make_agent).bundle, archive)
        return _Parcel(make_agent, archive=archive.read_bytes())


def _play_group(parcel: _Parcel, job: Job) -> list[Episode]:
    """Plays a group in a process of the cluster, whose player is kept for the next one."""
    return list(_player(parcel).play(job))


def _batch_size(parcel: _Parcel, task_id: str, run: int) -> int:
    return _player(parcel).batch_size(task_id, run)


_kept: dict[tuple[int, str], Player] = {}
"""The player of this process, by process id and parcel; Ray keeps processes, and a fork must not share one."""


def _player(parcel: _Parcel) -> Player:
    key = (os.getpid(), parcel.key)
    if key not in _kept:
        for player in _kept.values():
            player.close()
        _kept.clear()
        _kept[key] = Player(_unpack(parcel))
    return _kept[key]


def _unpack(parcel: _Parcel) -> MakeAgent:
    """Returns the agent's maker on this machine; a submission's files are unpacked until the process ends."""
    if parcel.archive is None:
        return parcel.make_agent
    from envsuite.leaderboard.submission.bundle import Bundle

    with tempfile.TemporaryDirectory(prefix="envsuite-ray-") as folder:
        archive = Path(folder) / "bundle.zip"
        archive.write_bytes(parcel.archive)
        bundle = Bundle.open(archive)
    atexit.register(bundle.close)
    return cast("SandboxedSubmission", parcel.make_agent).moved(bundle.folder, bundle.install_requirements())


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingExtra('executor: Ray is not installed; run: pip install "envsuite[distributed]"') from error
    return ray
