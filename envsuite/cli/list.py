"""`envsuite list`: the tasks and suites of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table

from envsuite import catalogue, registration
from envsuite.cli.console import columns, console, print_json, print_plain
from envsuite.task import Suite, Task

ROOMY = 110
"""Terminal columns from which a table shows the tags too."""
WIDE = 140
"""Terminal columns from which a table shows everything that is known of a task."""


def list_tasks(
    text: Annotated[str, typer.Argument(help="Show what has this text in its id or goal.", show_default=False)] = "",
    family: Annotated[str | None, typer.Option("--family", "-f", help="Show one family only.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", "-t", help="Show what carries this tag; repeat for several.")
    ] = None,
    suites: Annotated[bool, typer.Option("--suites", help="List the suites instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the tasks, or with --suites the suites.

    Without a terminal every task is one line, aligned and never cut, to be searched with grep.
    """
    tasks = catalogue.find_tasks(family, tag or (), text)
    if suites:
        _show_suites(_suites_of(tasks) if family or tag or text else list(catalogue.SUITES.values()), as_json)
        return
    if as_json:
        print_json([task_record(task) for task in tasks])
    elif not console.is_terminal:
        _print_lines(tasks)
    else:
        console.print(_wide_table(tasks) if console.width >= WIDE else _narrow_table(tasks))
        console.print(f"[dim]{_summary(tasks)}[/]")


def task_record(task: Task) -> dict[str, Any]:
    """Returns what the catalogue knows of a task as plain data."""
    return {
        "id": task.id,
        "family": task.family,
        "goal": task.goal,
        "metric": task.metric,
        "max_episode_steps": task.max_episode_steps,
        "tags": sorted(task.tags),
        "deterministic": task.deterministic,
        "scored": task.scored,
        "installed": is_installed(task.family),
    }


def is_installed(family: str) -> bool:
    """Returns whether the simulator of the family can be found, without importing it."""
    return not registration.missing_modules(catalogue.FAMILIES[family])


def _installed_by_family(tasks: Sequence[Task]) -> dict[str, bool]:
    return {family: is_installed(family) for family in {task.family for task in tasks}}


def _print_lines(tasks: Sequence[Task]) -> None:
    installed = _installed_by_family(tasks)
    header = ("ID", "FAMILY", "METRIC", "STEPS", "DETERMINISTIC", "INSTALLED", "TAGS", "GOAL")
    rows = [
        (
            task.id,
            task.family,
            task.metric,
            str(task.max_episode_steps),
            task.deterministic,
            "yes" if installed[task.family] else "no",
            ",".join(sorted(task.tags)) or "-",
            task.goal,
        )
        for task in tasks
    ]
    for line in columns([header, *rows]):
        print_plain(line)


def _wide_table(tasks: Sequence[Task]) -> Table:
    installed = _installed_by_family(tasks)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("id", no_wrap=True, style="cyan")
    table.add_column("family", no_wrap=True)
    table.add_column("goal", ratio=2)
    table.add_column("metric", no_wrap=True)
    table.add_column("steps", justify="right", no_wrap=True)
    table.add_column("tags", ratio=1, style="dim")
    table.add_column("deterministic", no_wrap=True)
    table.add_column("installed", no_wrap=True)
    for task in tasks:
        table.add_row(
            task.id,
            task.family,
            task.goal,
            task.metric,
            str(task.max_episode_steps),
            " ".join(sorted(task.tags)),
            task.deterministic,
            "[green]yes[/]" if installed[task.family] else "[red]no[/]",
        )
    return table


def _narrow_table(tasks: Sequence[Task]) -> Table:
    """Returns a table that keeps ids whole on 80 columns; the family is in the id anyway."""
    installed = _installed_by_family(tasks)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("id", no_wrap=True, style="cyan")
    table.add_column("goal", ratio=1)
    table.add_column("metric\nsteps", no_wrap=True)
    for task in tasks:
        mark = "[green]✓[/]" if installed[task.family] else "[red]✗[/]"
        goal = f"{task.goal} [dim]{' '.join(sorted(task.tags))}[/]" if console.width >= ROOMY else task.goal
        table.add_row(mark, task.id, goal, f"{task.metric}\n[dim]{task.max_episode_steps}[/]")
    return table


def _summary(tasks: Sequence[Task]) -> str:
    if not tasks:
        return "No task matches."
    missing = [catalogue.FAMILIES[name] for name, found in sorted(_installed_by_family(tasks).items()) if not found]
    hints = "".join(f" {family.title} is not installed: {registration.install_command(family)}." for family in missing)
    return f"{len(tasks)} of {len(catalogue.TASKS)} tasks.{hints} `envsuite info ID` tells all of one.".replace(
        "[", r"\["
    )


def _suites_of(tasks: Sequence[Task]) -> list[Suite]:
    ids = {task.id for task in tasks}
    return [suite for suite in catalogue.SUITES.values() if ids.intersection(suite.task_ids)]


def _show_suites(suites: Sequence[Suite], as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {"name": suite.name, "summary": suite.summary, "tasks": len(suite.tasks), "episodes": suite.episodes}
                for suite in suites
            ]
        )
        return
    rows = [(suite.name, str(len(suite.tasks)), str(suite.episodes), suite.summary) for suite in suites]
    if not console.is_terminal:
        for line in columns([("SUITE", "TASKS", "EPISODES", "SUMMARY"), *rows]):
            print_plain(line)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("suite", no_wrap=True, style="cyan")
    table.add_column("tasks", justify="right", no_wrap=True)
    table.add_column("episodes", justify="right", no_wrap=True)
    table.add_column("summary", ratio=1)
    for row in rows:
        table.add_row(*row)
    console.print(table)
