"""Evaluates an agent on a suite: from `make_agent` to Results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from envsuite.agent import MakeAgent, load_agent
from envsuite.catalogue import family_of, get_suite
from envsuite.episode import Episode, Start
from envsuite.errors import InvalidArgument
from envsuite.leaderboard.executors.jobs import Job, Share
from envsuite.leaderboard.executors.local import play_here, play_in_processes
from envsuite.leaderboard.results import Results, choose, make_manifest, open_folder
from envsuite.registration import require_simulator
from envsuite.seeding import derive_seed
from envsuite.suites import episode_seed
from envsuite.task import Suite


def evaluate(
    make_agent: MakeAgent | str,
    suite: str | Suite,
    *,
    out: Path | str | None = None,
    workers: int = 0,
    split: str = "dev",
    seed: int = 0,
    runs: int = 1,
    shard: str | None = None,
    name: str | None = None,
    on_episode: Callable[[Episode], None] | None = None,
) -> Results:
    """Returns the results of an agent on every episode of a suite.

    Args:
        make_agent: TaskInfo -> agent, a built-in agent's name, or "package.module:make_agent".
        suite: a suite of the catalogue or its name.
        out: folder that keeps the episodes; begun again, the evaluation goes on where it stopped.
        workers: 0 plays in this process; more play in that many processes, and a killed one is replaced.
        split: which seeds of the suite: "train", "dev" or "test".
        seed: root of the seeds; only 0 gives the seeds that the suite fixes.
        runs: how many training runs of the agent are played (`TaskInfo.run`).
        shard: "i/N" plays the i-th of N parts (i from 1); `merge` joins them.
        name: the agent's name on the board; its entry point by default.
        on_episode: called with every episode as it ends.

    Raises `MissingSimulator` before anything is played, and `ResultsMismatch` when `out` holds other
    results. Errors of the agent are scored as episodes, never raised.
    """
    for argument, value, least in (("runs", runs, 1), ("workers", workers, 0)):
        if value < least:
            raise InvalidArgument(f"{argument}: expected >= {least}, got {value}")
    suite = get_suite(suite) if isinstance(suite, str) else suite
    for task_id in suite.task_ids:
        require_simulator(family_of(task_id))
    make = load_agent(make_agent) if isinstance(make_agent, str) else make_agent
    entry_point = agent_name(make_agent)
    manifest = make_manifest(
        suite, split=split, agent=name or entry_point, entry_point=entry_point, seed=seed, runs=runs, shard=shard
    )
    jobs = plan(suite, split=split, seed=seed, runs=runs)
    share = Share(*parse_shard(shard))
    if out is None:
        played: list[Episode] = []
        _play(make, jobs, share, _recorder(played.append, on_episode), workers)
        return Results.of(manifest, played)
    with open_folder(Path(out), manifest) as journal:
        done = frozenset(key for key, episode in choose(journal.recorded).items() if episode.outcome != "env_error")
        _play(make, jobs, replace(share, done=done), _recorder(journal.append, on_episode), workers)
    return Results.load(out)


def agent_name(make_agent: MakeAgent | str) -> str:
    """Returns the name an agent has where none is given: its spec, or module:qualified name."""
    if isinstance(make_agent, str):
        return make_agent
    kind = make_agent if hasattr(make_agent, "__qualname__") else type(make_agent)
    return f"{kind.__module__}:{kind.__qualname__}"


def plan(suite: Suite, *, split: str, seed: int, runs: int) -> list[Job]:
    """Returns the jobs of an evaluation, one per task and run, in the order of the suite."""

    def starts(task_id: str, run: int, part: str, count: int) -> tuple[Start, ...]:
        return tuple(
            Start(
                seed_index=i,
                env_seed=episode_seed(suite.name, part, task_id, i, root=seed),
                agent_seed=derive_seed(seed, suite.name, part, task_id, i, "agent", run),
            )
            for i in range(count)
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


def _play(make: MakeAgent, jobs: Sequence[Job], share: Share, record: Callable[[Episode], None], workers: int) -> None:
    if workers == 0:
        play_here(make, jobs, share, record)
    else:
        play_in_processes(make, jobs, share, record, workers)


def _recorder(
    record: Callable[[Episode], None], on_episode: Callable[[Episode], None] | None
) -> Callable[[Episode], None]:
    def both(episode: Episode) -> None:
        record(episode)
        if on_episode is not None:
            on_episode(episode)

    return both
