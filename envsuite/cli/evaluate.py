"""`envsuite evaluate`: run an agent on a suite into a folder of results."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from envsuite.cli.console import console, error_console, progress
from envsuite.episode import FAILED_BY_AGENT, Episode
from envsuite.errors import EnvsuiteError, InvalidArgument

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from envsuite.leaderboard.results import Results


def evaluate(
    suite: Annotated[str, typer.Option(help="Suite to play, e.g. quick-v1; `envsuite list --suites` shows all.")],
    agent: Annotated[
        str | None, typer.Option(help="random, constant, scripted, or package.module:make_agent. [random]")
    ] = None,
    submission: Annotated[
        Path | None, typer.Option(help="Folder or archive of a submission, played in a sandbox instead of --agent.")
    ] = None,
    provider: Annotated[
        str | None, typer.Option(help="Sandbox of a submission: bubblewrap, landlock, or subprocess (UNSAFE). [best]")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results; begun again, it goes on. [runs/SUITE-AGENT]")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that play; 0 plays in this one.")] = 1,
    executor: Annotated[str, typer.Option(help="local, or ray for the machines of a Ray cluster.")] = "local",
    address: Annotated[str | None, typer.Option(help="Of the Ray cluster. [one is started here]")] = None,
    split: Annotated[str, typer.Option(help="Seeds of the suite: train or dev; test is scored by a server.")] = "dev",
    seed: Annotated[int, typer.Option(help="Root of the seeds; only 0 are those the suite fixes.")] = 0,
    runs: Annotated[
        int | None, typer.Option(min=1, help="Training runs of the agent to play. [1; of a submission, all]")
    ] = None,
    shard: Annotated[
        str | None, typer.Option(help="i/N plays the i-th of N parts; `envsuite merge` joins them.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The agent's name on the board.")] = None,
) -> None:
    """Run an agent on a suite; resumable, also after a kill."""
    if submission is not None and agent is not None:
        raise InvalidArgument(
            f"agent: expected one of --agent and --submission, got {agent} and {submission}; a bundle has its own"
        )
    agent = "random" if agent is None else agent
    label = name or (submission.name if submission else agent)
    folder = out or Path("runs") / f"{suite}-{label.replace(':', '-')}"
    options: dict[str, Any] = {"workers": workers, "split": split, "seed": seed, "shard": shard}
    options |= {"executor": executor, "address": address}
    options |= {key: value for key, value in (("name", name), ("runs", runs)) if value is not None}
    if submission is None:
        results = play(agent, suite, folder, **options)
    else:
        results = play_submission(submission, suite, folder, provider=provider, **options)
    report(results)


INTERRUPTED = 130
"""Exit status after ctrl-C: the shell's 128 plus the signal's number."""


def report(results: Results) -> None:
    """Prints the score of results and where they lie."""
    from envsuite.cli.board import print_scores

    print_scores([results.score()])
    failed = sum(episode.outcome in FAILED_BY_AGENT for episode in results.episodes)
    note = f", {failed} failed by the agent" if failed else ""
    console.print(f"Results: {results.folder} ({len(results.episodes)} episodes{note})", markup=False, highlight=False)
    if failed and failed == len(results.episodes):
        error_console.print("error: the agent failed every episode; the first error is above, all are in the folder")
        raise typer.Exit(1)


def play(agent: str, suite: str, out: Path, **options: Any) -> Results:
    """Returns the results of an evaluation that shows a progress bar; options as of `envsuite.evaluate`."""
    from envsuite.leaderboard.evaluate import evaluate as run

    label = options.get("name") or agent
    run_it = functools.partial(run, agent, suite, out=out, **options)
    return _with_progress(label, suite, out, options, run_it, size=_declared_size(agent))


def play_submission(path: Path, suite: str, out: Path, **options: Any) -> Results:
    """Returns the results of a submission; shows what its sandbox enforces, and a progress bar."""
    from envsuite.leaderboard.evaluate import evaluate_submission as run
    from envsuite.leaderboard.executors.jobs import BLOCK
    from envsuite.leaderboard.sandbox import choose
    from envsuite.leaderboard.submission.bundle import Bundle
    from envsuite.leaderboard.submission.check import require

    require(path)
    sandbox = choose(options.get("provider"))
    with Bundle.open(path) as bundle:
        manifest = bundle.manifest
    name, runs = manifest.name, max(1, len(manifest.runs))
    warning = "" if sandbox.safe else ": UNSAFE, the agent can read and change what you can"
    error_console.print(f"Sandbox: {sandbox.name}{warning}", markup=False, highlight=False)
    if manifest.suite != suite:
        note = f"note: {name} is for {manifest.suite}, as its submission.toml says; here it plays {suite}"
        error_console.print(note, markup=False, highlight=False, soft_wrap=True)
    options = {"name": name, "runs": runs, **options}
    run_it = functools.partial(run, path, suite, out=out, **options)
    return _with_progress(name, suite, out, options, run_it, size=BLOCK)


def _with_progress(
    label: str, suite: str, out: Path, options: Mapping[str, Any], run: Callable[..., Results], *, size: int
) -> Results:
    """Returns what `run` returns, with a bar and one line for every kind of failure while it plays."""
    total = count_episodes(suite, options.get("runs", 1), options.get("shard"), size)
    told: set[str] = set()
    with progress() as bars:
        bar = bars.add_task(f"{label} on {suite}", total=total, completed=_recorded(out))

        def advance(episode: Episode) -> None:
            if episode.outcome != "env_error":
                _grow(bars, bar)
                bars.advance(bar)
            line = episode.error.splitlines()[-1] if episode.error else ""
            if line and line not in told:
                told.add(line)
                where = f"{episode.task_id} episode {episode.seed_index}: {episode.outcome}"
                error_console.print(f"{where}: {line}", markup=False, highlight=False, soft_wrap=True)

        try:
            results = run(on_episode=advance)
        except KeyboardInterrupt as interrupt:
            note = f"interrupted: {_recorded(out)} of {total} episodes are in {out}; the same command goes on"
            error_console.print(note, markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(INTERRUPTED) from interrupt
        bars.update(bar, completed=len(results.episodes), total=len(results.episodes))
    return results


def count_episodes(suite: str, runs: int, shard: str | None, size: int) -> int:
    """Returns how many episodes an evaluation, or its shard, records.

    Shards get whole groups of `size` episodes, or all episodes of a task and run where the suite keeps the agent;
    those that an agent adapts over are not recorded, and not counted.
    """
    from envsuite.catalogue import get_suite
    from envsuite.episode import Start
    from envsuite.leaderboard.evaluate import parse_shard
    from envsuite.leaderboard.executors.jobs import Job, Share

    played = get_suite(suite)
    jobs = [
        Job(
            task_id=entry.task_id,
            run=run,
            starts=tuple(Start(i, 0, 0) for i in range(entry.episodes)),  # only counted: any seed will do
            keep_agent=played.keep_agent,
        )
        for entry in played.tasks
        for run in range(runs)
    ]
    return sum(len(group.starts) for group in Share(*parse_shard(shard)).groups(jobs, size))


def _declared_size(agent: str) -> int:
    """Returns how many episodes the agents of a class play at once; 1 where only an agent itself could tell."""
    from envsuite.agent import load_agent
    from envsuite.episode import batch_size

    with contextlib.suppress(Exception):  # the evaluation says what is wrong with it
        return batch_size(load_agent(agent))
    return 1


def _grow(bars: Progress, bar: TaskID) -> None:
    """Makes room for one more episode: what its agents play at once, a function does not tell before it is called."""
    task = next(task for task in bars.tasks if task.id == bar)
    if task.total is not None and task.completed + 1 > task.total:
        bars.update(bar, total=task.completed + 1)


def _recorded(out: Path) -> int:
    """Returns how many episodes of a folder need not be played again, 0 where it is not a folder of results."""
    from envsuite.leaderboard.results import Results

    with contextlib.suppress(EnvsuiteError, OSError):
        return sum(episode.outcome != "env_error" for episode in Results.load(out).episodes)
    return 0
