"""`envsuite export`: results as datasets of other libraries."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from envsuite.cli.console import print_plain
from envsuite.errors import InvalidArgument


def export(
    results: Annotated[Path, typer.Argument(help="Results folder of `envsuite evaluate`.")],
    minari: Annotated[bool, typer.Option("--minari", help="Replay into Minari datasets, one per task.")] = False,
    name: Annotated[str | None, typer.Option(help="Name of the datasets; by default the agent's.")] = None,
    version: Annotated[int, typer.Option(min=0, help="Version of the datasets.")] = 0,
) -> None:
    """Replay the seeds and actions of results into datasets; every trajectory must come out as recorded."""
    if not minari:
        raise InvalidArgument("export: name a format, --minari is the one there is")
    from envsuite.leaderboard.export import export_minari

    made = export_minari(results, name=name, version=version)
    for task_id, dataset in made.datasets.items():
        print_plain(f"{dataset.id}: {dataset.total_episodes} episodes, {dataset.total_steps} steps of {task_id}")
    for episode in made.left_out:
        print_plain(f"left out: {episode.task_id} episode {episode.seed_index}, {episode.outcome}")
