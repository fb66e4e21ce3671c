"""`envsuite compare`: two agents on the seeds that both have played."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envsuite.cli.console import console

if TYPE_CHECKING:
    from envsuite.leaderboard.compare import Comparison


def compare(
    a: Annotated[Path, typer.Argument(help="Results folder of the first agent.")],
    b: Annotated[Path, typer.Argument(help="Results folder of the second, on the same suite, split and seeds.")],
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print plain data.")] = False,
) -> None:
    """Compare two agents on the same seeds: differences with intervals, tests, and a verdict."""
    from envsuite.leaderboard.compare import compare as compare_results
    from envsuite.leaderboard.results import Results

    comparison = compare_results(Results.load(a), Results.load(b), seed=seed)
    if json:
        typer.echo(json_module.dumps(comparison.to_json(), indent=2, allow_nan=False))
    else:
        _print(comparison)


def _print(comparison: Comparison) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from envsuite.leaderboard.board import NOTHING, short, show_estimate, show_number

    title = f"{comparison.suite}, split {comparison.split}: {comparison.a} (A) against {comparison.b} (B)"
    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    for name in ("Task", "Seeds", "A", "B", "A - B", "p (Holm)", "Better"):
        table.add_column(name, justify="left" if name in {"Task", "Better"} else "right", no_wrap=name == "Task")
    for task in comparison.tasks:
        table.add_row(
            short(task.task_id),
            str(task.seeds),
            show_number(task.a),
            show_number(task.b),
            show_estimate(task.difference).replace(", ", ","),
            NOTHING if task.p_holm is None else f"{task.p_holm:.4f}",
            {"a": "A", "b": "B", None: ""}[task.better],
        )
    console.print(table)
    for name, estimate in (
        ("Difference of IQM", comparison.iqm),
        ("Difference of means", comparison.mean),
        ("Probability that a run of A beats one of B", comparison.improvement),
    ):
        console.print(Text(f"{name}: {show_estimate(estimate, 3)}"))
    for sentence in (comparison.verdict, *comparison.notes):
        console.print(Text(sentence))
