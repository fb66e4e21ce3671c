"""Writes the reference pages from the catalogue: `make reference`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from envsuite.catalogue import FAMILIES, SUITES, TASKS
from envsuite.registration import install_command
from envsuite.task import Reference, Task

NOTE = "<!-- Written by docs/reference/generate.py from the catalogue; do not edit. -->\n"


def environments() -> str:
    """Returns the page of every id, family by family."""
    parts = [NOTE, "# Environments\n", "Ids, goals, metrics and references of every environment.\n"]
    for family in FAMILIES.values():
        parts += [f"## {family.title}\n", f"{family.summary} Install: `{install_command(family)}`\n"]
        rows = [_task_row(task) for task in family.tasks]
        parts.append(_table(("id", "goal", "metric", "steps", "same bytes", "floor", "ceiling"), rows))
        parts.append(f"Events: {_names(family.events)}.\n\nReward factors: {_names(family.factors)}.\n")
        if family.signals:
            parts.append(f"Further numbers of every info, in vector envs too: {_names(family.signals)}.\n")
        parts.append(f"Metrics of an episode: {_names(family.metrics)}.\n")
    return "\n".join(parts)


def suites() -> str:
    """Returns the page of every suite."""
    parts = [NOTE, "# Suites\n", "A suite fixes tasks, episodes and seeds; a change of any is a new name.\n"]
    for suite in SUITES.values():
        parts += [f"## {suite.name}\n", f"{suite.summary} {suite.episodes} episodes.\n"]
        rows = [(f"`{e.task_id}`", TASKS[e.task_id].metric, str(e.episodes)) for e in suite.tasks]
        parts.append(_table(("id", "metric", "episodes"), rows))
    return "\n".join(parts)


def simulators() -> str:
    """Returns the page of the simulators' licences and sources."""
    rows = [
        (f"[{family.title}]({family.homepage})", f"`{family.distribution}`", family.licence, f"`{family.extra}`")
        for family in FAMILIES.values()
    ]
    parts = [NOTE, "# Simulators and their licences\n"]
    parts.append(
        "envsuite itself is MIT. It contains none of these; each comes from its own package, and the pages of MiniWoB "
        "are fetched when asked.\n"
    )
    parts.append(_table(("simulator", "package", "licence", "extra"), rows))
    for family in FAMILIES.values():
        parts += [f"## Citing {family.title}\n", f"```bibtex\n{family.bibtex.strip()}\n```\n"]
    return "\n".join(parts)


def speed() -> str:
    """Returns the page of the last committed benchmark."""
    record = json.loads((Path(__file__).parent / "bench.json").read_text(encoding="utf-8"))
    rows = [
        (
            name,
            f"{row['ours_steps_per_s']:,.0f}",
            f"{row['peer_steps_per_s']:,.0f}",
            f"{row['ratio']:.2f}",
            f"{row['ratio_low']:.2f} to {row['ratio_high']:.2f}",
            f"{row['floor']:g}" if row.get("floor") else "",
        )
        for name, row in record["rows"].items()
    ]
    about = (
        "Steps a second of envsuite beside the simulator's own environment, random actions, resets counted, in "
        "alternating blocks of one run. The ratio is the median over neighbouring blocks. The contract costs "
        "something where the simulator is fast (checked actions, copied observations, events); world generation "
        "and pictures gain it back."
    )
    run = f"{record['command']}, {record['date']}, commit {record['commit'][:7]}, {record['machine']}."
    parts = [NOTE, "# Speed\n", f"{about}\n", f"{run}\n"]
    parts.append(_table(("environment", "ours", "peer", "ratio", "lowest to highest", "at least"), rows))
    parts.append("## Sandbox, numbers, board and web\n")
    parts.append(_table(("what", "measured", "at most, or at least"), [_cost(row) for row in record["costs"]]))
    return "\n".join(parts)


README_ROWS = (
    "crafter",
    "crafter, 256 envs, one core",
    "crafter, symbols, 256 envs, one core",
    "crafter, resets",
    "nethack",
    "bipedal flat",
    "miniwob login-user, peer without screenshots",
    "miniwob forms, 32 envs, peer one env of login-user without screenshots",
)
"""The comparisons that the README shows."""
README_MARKS = ("<!-- speed -->\n", "<!-- /speed -->\n")


def with_speed(readme: str) -> str:
    """Returns the README with the measured ratios between its marks."""
    record = json.loads((Path(__file__).parent / "bench.json").read_text(encoding="utf-8"))
    rows = [
        (name, f"{row['ours_steps_per_s']:,.0f}", f"{row['peer_steps_per_s']:,.0f}", f"**{row['ratio']:.3g}**")
        for name, row in record["rows"].items()
        if name in README_ROWS
    ]
    table = _table(("steps a second", "envsuite", "the simulator's own", "ratio"), rows)
    before, rest = readme.split(README_MARKS[0])
    return before + README_MARKS[0] + table + README_MARKS[1] + rest.split(README_MARKS[1])[1]


def _cost(row: Mapping[str, Any]) -> tuple[str, str, str]:
    if "ratio" not in row:
        return row["name"], f"{row['value']:g} {row['unit']}", f"{row['limit']:g}"
    floor = "" if row["floor"] is None else f"{row['floor']:g} times"
    return row["name"], f"{row['ratio']:.1f} times as fast as rliable", floor


PAGES: Mapping[str, Callable[[], str]] = {
    "environments.md": environments,
    "suites.md": suites,
    "simulators.md": simulators,
    "speed.md": speed,
}


def _task_row(task: Task) -> tuple[str, ...]:
    return (
        f"`{task.id}`",
        task.goal,
        task.metric,
        str(task.max_episode_steps),
        task.deterministic,
        _reference(task.floor),
        _reference(task.ceiling),
    )


def _reference(reference: Reference | None) -> str:
    return "" if reference is None else f"{reference.value:.4g} ({reference.kind})"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    for name, page in PAGES.items():
        (Path(__file__).parent / name).write_text(page(), encoding="utf-8")
        print(f"wrote docs/reference/{name}")
    readme = Path(__file__).parent.parent.parent / "README.md"
    readme.write_text(with_speed(readme.read_text(encoding="utf-8")), encoding="utf-8")
    print("wrote the table of README.md")
