"""Evaluates an agent on a suite: from `make_agent` or a submission to Results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from envsuite.agent import MakeAgent, load_agent
from envsuite.catalogue import family_of, get_suite
from envsuite.episode import Episode, Start
from envsuite.errors import InvalidArgument
from envsuite.leaderboard.executors.jobs import Job, Share
from envsuite.leaderboard.executors.local import play_here, play_in_processes
from envsuite.leaderboard.results import Results, SubmissionRecord, choose, make_manifest, open_folder
from envsuite.leaderboard.sandbox.base import Enforced
from envsuite.leaderboard.seeds import PublicSeeds, SecretSeeds, Seeds, commitment
from envsuite.registration import require_simulator
from envsuite.suites import HELD_OUT, SPLITS
from envsuite.task import Suite

Executor = Literal["local", "ray"]


def evaluate(
    make_agent: MakeAgent | str,
    suite: str | Suite,
    *,
    out: Path | str | None = None,
    workers: int = 0,
    split: str = "dev",
    seed: int = 0,
    seeds: Seeds | None = None,
    runs: int = 1,
    shard: str | None = None,
    name: str | None = None,
    submission: SubmissionRecord | None = None,
    sandbox: Enforced | None = None,
    executor: Executor = "local",
    address: str | None = None,
    on_episode: Callable[[Episode], None] | None = None,
) -> Results:
    """Returns the results of an agent on every episode of a suite.

    Args:
        make_agent: TaskInfo -> agent, a built-in agent's name, or "package.module:make_agent".
        suite: a suite of the catalogue or its name.
        out: folder that keeps the episodes; begun again, the evaluation goes on where it stopped.
        workers: 0 plays in this process; more play in that many processes, and a killed one is replaced.
            On Ray, how many groups of episodes are under way at once; 0 is as many as the cluster has cores.
        split: which seeds of the suite: "train" or "dev"; "test" needs `seeds` from a secret.
        seed: root of the seeds; only 0 gives the seeds that the suite fixes.
        seeds: where the seeds come from instead; a board's server passes its secret ones.
        runs: how many training runs of the agent are played (`TaskInfo.run`).
        shard: "i/N" plays the i-th of N parts (i from 1); `merge` joins them.
        name: the agent's name on the board; its entry point by default.
        submission: what is evaluated; its hash, and the secret where there is one, decide the order of the episodes.
        sandbox: what the agent's sandbox enforces; recorded beside the machine.
        executor: "local", or "ray" for the machines of a Ray cluster.
        address: of the Ray cluster, as `ray.init` takes it; None starts one on this machine.
        on_episode: called with every episode as it ends.

    Raises `MissingSimulator` before anything is played, and `ResultsMismatch` when `out` holds other
    results. Errors of the agent are scored as episodes, never raised.
    """
    _check_arguments(runs=runs, workers=workers, split=split)
    suite = get_suite(suite) if isinstance(suite, str) else suite
    for task_id in suite.task_ids:
        require_simulator(family_of(task_id))
    seeds = PublicSeeds(seed) if seeds is None else seeds
    jobs = plan(suite, split=split, seeds=seeds, runs=runs, order=submission.sha256 if submission else None)
    make = load_agent(make_agent) if isinstance(make_agent, str) else make_agent
    entry_point = f"sha256:{submission.sha256}" if submission else agent_name(make_agent)
    manifest = make_manifest(
        suite,
        split=split,
        agent=name or entry_point,
        entry_point=entry_point,
        seed=seed,
        commitment=commitment(seeds.secret) if isinstance(seeds, SecretSeeds) else None,
        runs=runs,
        shard=shard,
        submission=submission,
    )
    share = Share(*parse_shard(shard))
    play = _player_of(executor, make, workers, address)
    if out is None:
        played: list[Episode] = []
        play(jobs, share, _recorder(played.append, on_episode))
        return Results.of(manifest, played)
    with open_folder(Path(out), manifest, sandbox) as journal:
        done = frozenset(key for key, episode in choose(journal.recorded).items() if episode.outcome != "env_error")
        play(jobs, replace(share, done=done), _recorder(journal.append, on_episode))
    return Results.load(out)


def evaluate_submission(
    path: Path | str, suite: str | Suite | None = None, *, provider: str | None = None, **options: Any
) -> Results:
    """Returns the results of a submission, a folder or an archive, played in a sandbox.

    Args:
        path: of the bundle; its requirements, if it has any, are installed first.
        suite: a suite or its name; the one that the bundle declares by default.
        provider: of the sandbox; the best one this machine has by default. "subprocess" is UNSAFE.
        options: as of `evaluate`.

    Raises `InvalidSubmission` with every problem of the bundle, and `SandboxUnavailable`.
    """
    from envsuite.leaderboard.sandbox import choose as choose_provider
    from envsuite.leaderboard.sandbox.agent import SandboxedSubmission
    from envsuite.leaderboard.submission.bundle import Bundle

    sandbox = choose_provider(provider)
    with Bundle.open(path) as bundle:
        manifest = bundle.manifest
        suite = suite or manifest.suite
        suite = get_suite(suite) if isinstance(suite, str) else suite
        make_agent = SandboxedSubmission(
            bundle.folder,
            entry_point=manifest.entry_point,
            provider=sandbox.name,
            budget=suite.budget,
            packages=bundle.install_requirements(),
            unsafe_ok=not sandbox.safe,
        )
        record = SubmissionRecord(
            name=manifest.name, version=manifest.version, sha256=bundle.sha256, learned=manifest.learned
        )
        return evaluate(
            make_agent,
            suite,
            submission=record,
            sandbox=make_agent.enforced_by_a_start(),
            **{"name": manifest.name, "runs": max(1, len(manifest.runs)), **options},
        )


def agent_name(make_agent: MakeAgent | str) -> str:
    """Returns the name an agent has where none is given: its spec, or module:qualified name."""
    if isinstance(make_agent, str):
        return make_agent
    kind = make_agent if hasattr(make_agent, "__qualname__") else type(make_agent)
    return f"{kind.__module__}:{kind.__qualname__}"


def plan(suite: Suite, *, split: str, seeds: Seeds, runs: int, order: str | None = None) -> list[Job]:
    """Returns the jobs of an evaluation, one per task and run, in the order of the suite.

    `order` shuffles the episodes of every job, another way for another string (a submission's hash);
    None keeps them in the order of their indices.
    """

    def starts(task_id: str, run: int, part: str, count: int) -> tuple[Start, ...]:
        indices = range(count)
        if order is not None:
            shuffled = np.random.default_rng(seeds.order_seed(order, part, task_id, run))
            indices = shuffled.permutation(count).tolist()
        return tuple(
            Start(
                seed_index=i,
                env_seed=seeds.env_seed(suite.name, part, task_id, i),
                agent_seed=seeds.agent_seed(suite.name, part, task_id, i, run),
            )
            for i in indices
        )

    return [
        Job(
            task_id=entry.task_id,
            run=run,
            starts=starts(entry.task_id, run, split, entry.episodes),
            keep_agent=suite.keep_agent,
            adapt=starts(entry.task_id, run, "train", suite.adapt_episodes),
        )
        for entry in suite.tasks
        for run in range(runs)
    ]


def parse_shard(shard: str | None) -> tuple[int, int]:
    """Returns index (from 0) and count of a shard "i/N", (0, 1) for None.

    Raises `InvalidArgument` unless 1 <= i <= N.
    """
    if shard is None:
        return 0, 1
    first, _, second = shard.partition("/")
    if first.isdigit() and second.isdigit() and 1 <= int(first) <= int(second):
        return int(first) - 1, int(second)
    raise InvalidArgument(f'shard: expected "i/N" with 1 <= i <= N, got {shard!r}')


def _check_arguments(*, runs: int, workers: int, split: str) -> None:
    for argument, value, least in (("runs", runs, 1), ("workers", workers, 0)):
        if value < least:
            raise InvalidArgument(f"{argument}: expected >= {least}, got {value}")
    if split not in SPLITS:
        raise InvalidArgument(f"split: expected one of {SPLITS}, got {split!r}; {HELD_OUT} is for a board's server")


_Play = Callable[[Sequence[Job], Share, Callable[[Episode], None]], None]


def _player_of(executor: Executor, make: MakeAgent, workers: int, address: str | None) -> _Play:
    """Returns the function that plays a share of jobs: here, in processes, or on a cluster."""
    if executor == "ray":
        from envsuite.leaderboard.executors.ray import play_on_ray

        return lambda jobs, share, record: play_on_ray(make, jobs, share, record, workers, address)
    if executor != "local":
        raise InvalidArgument(f'executor: expected "local" or "ray", got {executor!r}')
    if workers == 0:
        return lambda jobs, share, record: play_here(make, jobs, share, record)
    return lambda jobs, share, record: play_in_processes(make, jobs, share, record, workers)


def _recorder(
    record: Callable[[Episode], None], on_episode: Callable[[Episode], None] | None
) -> Callable[[Episode], None]:
    def both(episode: Episode) -> None:
        record(episode)
        if on_episode is not None:
            on_episode(episode)

    return both
