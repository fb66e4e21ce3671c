"""`envsuite submission`: starts a submission, and checks one before it is sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from envsuite.cli.console import console, error_console, print_json, print_plain

if TYPE_CHECKING:
    from envsuite.leaderboard.submission.check import CheckReport, TaskCheck

LOG_LINES = 5
"""How many last lines of an agent that has failed are shown."""


def new(
    name: Annotated[str, typer.Argument(help="Name of the submission, and of its folder.", show_default=False)],
    suite: Annotated[str, typer.Option(help="Suite it is for.")] = "quick-v1",
    folder: Annotated[Path | None, typer.Option(help="Where to write it. [./NAME]")] = None,
) -> None:
    """Write a submission that works, to be edited: submission.toml, agent.py, README.md."""
    from envsuite.leaderboard.submission.bundle import new as make

    target = folder or Path(name)
    make(target, name, suite)
    print_plain(f"{target}: edit agent.py and submission.toml, then run: envsuite submission check {target}")


def check(
    path: Annotated[Path, typer.Argument(help="Folder or zip file of the submission.", show_default=False)],
    play: Annotated[bool, typer.Option("--play/--no-play", help="Play one episode of every task.")] = True,
    provider: Annotated[
        str | None, typer.Option(help="Sandbox: bubblewrap, landlock, or subprocess (UNSAFE). [best]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Report every problem of a submission, then play one episode per task in the sandbox."""
    from envsuite.leaderboard.submission.check import check as run

    report = run(path, play=play, provider=provider, on_task=None if as_json else _tell)
    if as_json:
        print_json(report.to_json())
    else:
        _show(path, report)
    if not report.ok:
        raise typer.Exit(1)


def _tell(task: TaskCheck) -> None:
    error_console.print(f"played {task.task_id}: {task.outcome}", markup=False, highlight=False, soft_wrap=True)


def _show(path: Path, report: CheckReport) -> None:
    if report.manifest is not None:
        manifest = report.manifest
        print_plain(f"{manifest.name} {manifest.version} for {manifest.suite}: sha256 {report.sha256}")
        print_plain(f"{report.files} files, {report.size_bytes:,} bytes")
    if report.enforced is not None:
        safe = "" if report.enforced.safe else " (UNSAFE: it isolates nothing)"
        print_plain(f"Sandbox: {report.enforced.provider}{safe}")
    if report.tasks:
        console.print(_table(report))
    _show_logs(report)
    for note in report.notes:
        print_plain(f"note: {note}")
    for problem in report.problems:
        console.print(Text(problem, style="red"), soft_wrap=True)
    count = "1 problem" if len(report.problems) == 1 else f"{len(report.problems)} problems"
    print_plain(f"{path}: {'no problems' if report.ok else count}")


def _show_logs(report: CheckReport) -> None:
    """Prints what the agent printed last in the tasks that it failed, the same lines once."""
    logs: dict[tuple[str, ...], list[str]] = {}
    for task in report.tasks:
        lines = tuple(task.log_tail.strip().splitlines()[-LOG_LINES:])
        if task.failed and lines:
            logs.setdefault(lines, []).append(task.task_id)
    for lines, ids in logs.items():
        more = f" and {len(ids) - 1} other tasks" if len(ids) > 2 else f" and {ids[1]}" if len(ids) > 1 else ""
        print_plain(f"{ids[0]}{more}: last lines of the agent:")
        for line in lines:
            print_plain("  " + "".join(character if character.isprintable() else "?" for character in line))


def _table(report: CheckReport) -> Table:
    runs = len({task.run for task in report.tasks}) > 1
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("task")
    table.add_column("outcome")
    for heading in (*(["run"] if runs else []), "steps", "return", "ms per action"):
        table.add_column(heading, justify="right")
    for task in report.tasks:
        numbers = [*([str(task.run)] if runs else []), str(task.length), f"{task.return_:.2f}"]
        outcome = Text(task.outcome, style="red" if task.failed else "")
        time = f"{task.ms_per_action:.3f}" if task.length else "-"
        table.add_row(task.task_id.removeprefix("envsuite/"), outcome, *numbers, time)
    return table
