"""`envsuite evaluate`: run an agent on a suite into a folder of results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from envsuite.cli.console import console, error_console, progress
from envsuite.episode import FAILED_BY_AGENT, Episode

if TYPE_CHECKING:
    from envsuite.leaderboard.results import Results


def evaluate(
    suite: Annotated[str, typer.Option(help="Suite to play, e.g. quick-v1; `envsuite list --suites` shows all.")],
    agent: Annotated[str, typer.Option(help="random, constant, scripted, or package.module:make_agent.")] = "random",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results; begun again, it goes on. [runs/SUITE-AGENT]")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that play; 0 plays in this one.")] = 1,
    split: Annotated[str, typer.Option(help="Seeds of the suite: train, dev or test.")] = "dev",
    seed: Annotated[int, typer.Option(help="Root of the seeds; only 0 are those the suite fixes.")] = 0,
    runs: Annotated[int, typer.Option(min=1, help="Training runs of the agent to play.")] = 1,
    shard: Annotated[
        str | None, typer.Option(help="i/N plays the i-th of N parts; `envsuite merge` joins them.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The agent's name on the board.")] = None,
) -> None:
    """Run an agent on a suite; resumable, also after a kill."""
    folder = out or Path("runs") / f"{suite}-{(name or agent).replace(':', '-')}"
    results = play(agent, suite, folder, workers=workers, split=split, seed=seed, runs=runs, shard=shard, name=name)
    report(results)


def report(results: Results) -> None:
    """Prints the score of results and where they lie."""
    from envsuite.cli.board import print_scores

    print_scores([results.score()])
    failed = sum(episode.outcome in FAILED_BY_AGENT for episode in results.episodes)
    note = f", {failed} failed by the agent" if failed else ""
    console.print(f"Results: {results.folder} ({len(results.episodes)} episodes{note})", markup=False, highlight=False)


def play(agent: str, suite: str, out: Path, *, shard: str | None = None, runs: int = 1, **options: Any) -> Results:
    """Returns the results of an evaluation that shows a progress bar; options as of `envsuite.evaluate`."""
    from envsuite.catalogue import get_suite
    from envsuite.leaderboard.evaluate import evaluate as run
    from envsuite.leaderboard.evaluate import parse_shard

    _, parts = parse_shard(shard)
    total = -(-get_suite(suite).episodes * runs // parts)
    with progress() as bars:
        bar = bars.add_task(f"{options.get('name') or agent} on {suite}", total=total)

        def advance(episode: Episode) -> None:
            if episode.outcome != "env_error":
                bars.advance(bar)
            if episode.error:
                where = f"{episode.task_id} episode {episode.seed_index}: {episode.outcome}"
                error_console.print(f"{where}: {episode.error.splitlines()[-1]}", markup=False, highlight=False)

        results = run(agent, suite, out=out, shard=shard, runs=runs, on_episode=advance, **options)
        bars.update(bar, completed=len(results.episodes), total=len(results.episodes))
    return results
