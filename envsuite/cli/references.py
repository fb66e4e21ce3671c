"""Measures the floors and scripted ceilings of a family and writes its `references.toml`.

A maintainer's tool: `python -m envsuite.cli.references FAMILY`. The floor is the better of the random
agent and the best constant agent. Where the script is an expert (Meta-World's policies), `--ceilings`
measures it too; other ceilings stay as they are. Every constant action is screened on a few episodes and the best one
measured like the random agent; the seeds are those of the split `train`, which no board uses.
"""

from __future__ import annotations

import contextlib
import tomllib
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

import envsuite
from envsuite.agent import ConstantAgent, RandomAgent, constant_actions, make_scripted
from envsuite.catalogue import FAMILIES, get_task
from envsuite.cli.console import console, progress
from envsuite.errors import UnknownName
from envsuite.leaderboard.score import score_suite
from envsuite.registration import make_env, simulator_of
from envsuite.task import Suite, SuiteTask

HEADER = "# Floors and ceilings in the unit of each task's metric, with where they come from.\n"


def main(
    family: Annotated[str, typer.Argument(help="Family to measure.")],
    episodes: Annotated[int, typer.Option(help="Episodes per measured agent and task.")] = 50,
    screening: Annotated[int, typer.Option(help="Episodes per constant action in the screening.")] = 2,
    workers: Annotated[int, typer.Option(help="Processes that play; 0 plays in this one.")] = 0,
    ceilings: Annotated[bool, typer.Option(help="Measure the script as the ceiling of success rates.")] = False,
) -> None:
    """Measure a family's references and write them."""
    path = Path(__file__).parent.parent / "families" / family / "references.toml"
    table: dict[str, dict[str, dict[str, Any]]] = tomllib.loads(path.read_text(encoding="utf-8"))
    with progress() as bars:
        tasks = [task for task in FAMILIES[family].tasks if simulator_of(task)[1] is not None]
        bar = bars.add_task(family, total=len(tasks))
        for task in tasks:
            bounds = table.setdefault(task.id, {})
            kept = make_env(task.id)  # and with it what the environments of a process share
            bounds["floor"] = _floor(task.id, episodes, screening, workers)
            if ceilings and task.metric == "success_rate":
                with contextlib.suppress(UnknownName):  # a task without a script
                    expert = _measured(task.id, "scripted", make_scripted, episodes, workers)
                    if expert["value"] > bounds["floor"]["value"]:
                        bounds["ceiling"] = expert
            kept.close()
            path.write_text(HEADER + "".join(_section(task_id, table[task_id]) for task_id in table), encoding="utf-8")
            console.print(f"{task.id}: {bounds}", markup=False, highlight=False)
            bars.advance(bar)


def _floor(task_id: str, episodes: int, screening: int, workers: int) -> dict[str, Any]:
    env = make_env(task_id)
    count = len(constant_actions(env.action_space))
    env.close()
    screened = [
        _score(task_id, f"constant {i}", partial(ConstantAgent, index=i), screening, workers) for i in range(count)
    ]
    best = max(range(count), key=lambda i: screened[i])
    constant = _measured(task_id, "constant", partial(ConstantAgent, index=best), episodes, workers, f" {best}")
    random = _measured(task_id, "random", RandomAgent, episodes, workers)
    return max(random, constant, key=lambda reference: reference["value"])


def _measured(task_id: str, kind: str, make_agent: Any, episodes: int, workers: int, which: str = "") -> dict[str, Any]:
    simulator, version = simulator_of(get_task(task_id))
    return {
        "value": round(_score(task_id, kind, make_agent, episodes, workers), 4),
        "kind": kind,
        "source": f"{kind} agent{which}, {episodes} episodes, {simulator} {version}: "
        f"python -m envsuite.cli.references {get_task(task_id).family} --episodes {episodes}"
        f"{' --ceilings' if kind == 'scripted' else ''}",
    }


def _score(task_id: str, name: str, make_agent: Any, episodes: int, workers: int) -> float:
    suite = Suite(name="references-v1", summary="", tasks=(SuiteTask(task_id=task_id, episodes=episodes),))
    results = envsuite.evaluate(make_agent, suite, split="train", workers=workers, name=name)
    score = score_suite(name, results.episodes, suite, reps=1).tasks[0].score
    if score is None:
        raise RuntimeError(f"{task_id}: no episode of the {name} agent could be scored")
    return score.value


def _section(task_id: str, bounds: dict[str, dict[str, Any]]) -> str:
    lines = [f'\n["{task_id}"]']
    for bound, reference in sorted(bounds.items(), reverse=True):
        fields = ", ".join(
            f"{name} = {float(value)!r}" if name == "value" else f'{name} = "{value}"'
            for name, value in reference.items()
        )
        lines.append(f"{bound} = {{ {fields} }}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    typer.run(main)
