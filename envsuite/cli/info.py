"""`envsuite info`: everything known of one task or suite."""

from __future__ import annotations

import contextlib
import importlib.metadata
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Any

import typer
from gymnasium import spaces
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from envsuite import catalogue, families, registration
from envsuite.cli.console import columns, console, print_json, print_plain
from envsuite.cli.list import is_installed, task_record
from envsuite.errors import EnvsuiteError, unknown_name
from envsuite.task import NAMESPACE, Family, Reference, Suite, Task


class NoManual(EnvsuiteError, ValueError):
    """Raised for the manual of a task whose family has none."""


def info(
    name: Annotated[str, typer.Argument(metavar="ID|SUITE", help="A task's id or a suite's name.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    manual: Annotated[bool, typer.Option("--manual", help="Print the rules of the task's game, for players.")] = False,
) -> None:
    """Show what a task or a suite is.

    Of a task: spaces, score, limits, provenance, how to cite it. Of a suite: its tasks and episodes.
    """
    if manual:
        print_plain(manual_of(_find_task(name)))
        return
    record = suite_info(catalogue.SUITES[name]) if name in catalogue.SUITES else task_info(_find_task(name))
    if as_json:
        print_json(record)
    elif "episodes" in record:
        _show_suite(record)
    else:
        _show_task(record)


def task_info(task: Task) -> dict[str, Any]:
    """Returns what is known of a task as plain data; makes the environment once if its simulator is installed."""
    family = catalogue.FAMILIES[task.family]
    return {
        **task_record(task),
        **_spaces(task, family),
        "reward_range": list(task.reward_range),
        "snapshots": task.snapshots,
        "floor": _reference(task.floor),
        "ceiling": _reference(task.ceiling),
        "suites": [suite.name for suite in catalogue.SUITES.values() if task.id in suite.task_ids],
        "events": list(family.events),
        "factors": list(family.factors),
        "metrics": list(family.metrics),
        "simulator": simulator_record(family),
        "published": published_scores(family, task.id),
        "bibtex": family.bibtex,
    }


def suite_info(suite: Suite) -> dict[str, Any]:
    """Returns what is known of a suite as plain data."""
    return {
        "name": suite.name,
        "summary": suite.summary,
        "episodes": suite.episodes,
        "adapt_episodes": suite.adapt_episodes,
        "keep_agent": suite.keep_agent,
        "tasks": [{**task_record(catalogue.TASKS[entry.task_id]), "episodes": entry.episodes} for entry in suite.tasks],
        "published": [
            row for family in catalogue.FAMILIES.values() for row in published_scores(family, suite.name, key="suite")
        ],
    }


def simulator_record(family: Family) -> dict[str, Any]:
    """Returns what is known of a family's simulator, its installed version included."""
    return {
        "title": family.title,
        "summary": family.summary,
        "distribution": family.distribution,
        "version": registration.simulator_version(family),
        "install": registration.install_command(family),
        "licence": family.licence,
        "homepage": family.homepage,
    }


def installed_version(distribution: str) -> str | None:
    """Returns the version of an installed distribution, None if it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def published_scores(family: Family, name: str, key: str = "task") -> list[dict[str, Any]]:
    """Returns the rows of the family's `published.toml` whose `key` is `name`; none where there is no such file."""
    source = files(f"{families.__name__}.{family.name}").joinpath("published.toml")
    if not source.is_file():
        return []
    rows = tomllib.loads(source.read_text(encoding="utf-8")).get("score", [])
    return [row for row in rows if row.get(key) == name]


def manual_of(task: Task) -> str:
    """Returns the rules of the task's game, Markdown; raises `NoManual` where its family has written none."""
    source = _manual_file(task.family)
    if not source.is_file():
        having = ", ".join(name for name in catalogue.FAMILIES if _manual_file(name).is_file())
        raise NoManual(f"--manual: {task.id} has no manual; only these families have one: {having}")
    return source.read_text(encoding="utf-8").strip()


def _manual_file(family: str) -> Traversable:
    return files(f"{families.__name__}.{family}").joinpath("manual.md")


def _find_task(name: str) -> Task:
    full_id = name if name.startswith(f"{NAMESPACE}/") else f"{NAMESPACE}/{name}"
    if full_id not in catalogue.TASKS:
        raise unknown_name("id or suite", name, [*catalogue.TASKS, *catalogue.SUITES])
    return catalogue.TASKS[full_id]


def _reference(reference: Reference | None) -> dict[str, Any] | None:
    if reference is None:
        return None
    return {"value": reference.value, "kind": reference.kind, "source": reference.source}


def _spaces(task: Task, family: Family) -> dict[str, Any]:
    """Returns the spaces as text, or why they cannot be told."""
    if not is_installed(family.name):
        note = f"{family.title} is not installed; run: {registration.install_command(family)}"
        return {"observation_space": None, "action_space": None, "task_space": None, "note": note}
    try:
        # Some simulators print when they load; standard output is for the answer.
        with contextlib.redirect_stdout(sys.stderr), contextlib.closing(registration.make_env(task.id)) as env:
            return {
                "observation_space": _described(env.observation_space),
                "action_space": _described(env.action_space),
                "task_space": None if env.task_space is None else str(env.task_space),
                "note": None,
            }
    except Exception as error:  # noqa: BLE001  # a broken simulator must not hide what the catalogue knows
        note = f"cannot be made here ({type(error).__name__}: {error}); see `envsuite doctor`"
        return {"observation_space": None, "action_space": None, "task_space": None, "note": note}


def _described(space: spaces.Space[Any]) -> str | dict[str, str]:
    return {key: str(part) for key, part in space.items()} if isinstance(space, spaces.Dict) else str(space)


def _show_task(record: Mapping[str, Any]) -> None:
    console.print(Text(record["id"], style="bold cyan"))
    _show_fields(_task_fields(record))
    if record["published"]:
        _show_published(record["published"])
    if record["bibtex"]:
        console.print("\n[bold]cite[/]")
        print_plain(record["bibtex"].strip())


def _task_fields(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields label and text of what a task's page shows, in its order."""
    yield "goal", record["goal"]
    if record["note"]:
        yield "spaces", record["note"]
    else:
        yield "observation", _space_text(record["observation_space"])
        yield "action", _space_text(record["action_space"])
        yield "task parameters", record["task_space"] or "none"
    low, high = record["reward_range"]
    yield "metric", record["metric"] + ("" if record["scored"] else " (not scored: for training only)")
    yield "floor", _reference_text(record["floor"])
    yield "ceiling", _reference_text(record["ceiling"])
    yield "reward of a step", f"{low:g} to {high:g}" if high - low < float("inf") else _half_bounded(low, high)
    yield "step limit", f"{record['max_episode_steps']} steps, then truncated"
    yield "deterministic", record["deterministic"] + f"; {_DETERMINISM[record['deterministic']]}"
    yield "snapshots", "yes" if record["snapshots"] else "no"
    for label in ("events", "factors", "metrics", "tags", "suites"):
        yield label, ", ".join(record[label]) or "none"
    simulator = record["simulator"]
    version = simulator["version"] or f"not installed; run: {simulator['install']}"
    yield "simulator", f"{simulator['title']}: {simulator['summary']}"
    yield "package", f"{simulator['distribution']} {version}"
    yield "licence", simulator["licence"]
    yield "homepage", simulator["homepage"]


_DETERMINISM = {
    "bitwise": "same seed and actions, same bytes, anywhere",
    "build": "same seed and actions, same bytes with the same build of the simulator",
    "statistical": "same seed and actions, same distribution",
}


def _half_bounded(low: float, high: float) -> str:
    if low > float("-inf"):
        return f"at least {low:g}"
    return f"at most {high:g}" if high < float("inf") else "unbounded"


def _space_text(described: str | Mapping[str, str]) -> str:
    return described if isinstance(described, str) else "\n".join(columns([(f"{k}:", v) for k, v in described.items()]))


def _reference_text(reference: Mapping[str, Any] | None) -> str:
    return "unknown" if reference is None else f"{reference['value']:g} ({reference['kind']}; {reference['source']})"


def _show_suite(record: Mapping[str, Any]) -> None:
    console.print(Text(record["name"], style="bold cyan"))
    adapt = record["adapt_episodes"]
    _show_fields(
        [
            ("what", record["summary"]),
            ("size", f"{len(record['tasks'])} tasks, {record['episodes']} episodes for one run"),
            ("adaptation", f"{adapt} episodes per task before scoring" if adapt else "none"),
            (
                "agent",
                "lives on between the episodes of a task" if record["keep_agent"] else "begins each episode afresh",
            ),
        ]
    )
    rows = [
        (entry["id"], str(entry["episodes"]), entry["metric"], "yes" if entry["installed"] else "no")
        for entry in record["tasks"]
    ]
    print_plain()
    for line in columns([("ID", "EPISODES", "METRIC", "INSTALLED"), *rows]):
        print_plain(line)
    if record["published"]:
        _show_published(record["published"])


def _show_fields(fields: Any) -> None:
    """Prints labels and texts side by side; without a terminal, one unwrapped line each."""
    if not console.is_terminal:
        for label, text in fields:
            print_plain(f"{label + ':':18}" + text.replace("\n", "\n" + " " * 18))
        return
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in fields:
        grid.add_row(label, Text(text))
    console.print(grid)


def _show_published(rows: list[dict[str, Any]]) -> None:
    """Prints published scores with what they were measured by, for a score without its protocol says nothing."""
    console.print("\n[bold]published[/]")
    for row in rows:
        spread = f" ± {row['spread']:g}" if "spread" in row else ""
        where = " ".join(str(row[key]) for key in ("metric", "unit") if key in row)
        print_plain(f"- {row.get('agent', '?')}: {row.get('value', '?')}{spread} {where}".rstrip())
        note = "; read in a note about the source" if row.get("secondary") else ""
        details = [str(row[key]) for key in ("protocol", "source") if key in row]
        if details:
            _print_detail(f"{'; '.join(details)}{note}")


def _print_detail(text: str) -> None:
    """Prints a line that belongs to the one above; on a terminal its continuation is indented too."""
    if console.is_terminal:
        console.print(Padding(Text(text, style="dim"), (0, 0, 0, 2)))
    else:
        print_plain(f"  {text}")
