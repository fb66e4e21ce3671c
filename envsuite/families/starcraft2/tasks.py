"""StarCraft II's tasks: the seven mini-games on the simulator, and SMAC's battles."""

from __future__ import annotations

from envsuite.families.starcraft2.teams.tasks import smac_tasks, smacv2_tasks
from envsuite.references import references
from envsuite.task import Task, format_id

STEP_LOOPS = 8
_SECOND = 16 // STEP_LOOPS
"""Steps in a second of the game."""
_Row = tuple[str, str, int, tuple[float, float], frozenset[str]]
_ROWS: dict[str, _Row] = {
    "move-to-beacon": (
        "MoveToBeacon",
        "Move the marine onto the beacon again and again; it jumps to another place each time.",
        120,
        (0.0, 1.0),
        frozenset({"quick", "core"}),
    ),
    "collect-mineral-shards": (
        "CollectMineralShards",
        "Let two marines pick up mineral shards as fast as they can.",
        120,
        (0.0, 20.0),
        frozenset({"core"}),
    ),
    "find-and-defeat-zerglings": (
        "FindAndDefeatZerglings",
        "Search a dark map with three marines and kill the zerglings on it.",
        180,
        (-3.0, 25.0),
        frozenset({"core"}),
    ),
    "defeat-roaches": (
        "DefeatRoaches",
        "Kill wave after wave of roaches and lose few marines.",
        120,
        (-100.0, 40.0),
        frozenset({"quick", "core"}),
    ),
    "defeat-zerglings-and-banelings": (
        "DefeatZerglingsAndBanelings",
        "Kill wave after wave of zerglings and exploding banelings and lose few marines.",
        120,
        (-100.0, 50.0),
        frozenset(),
    ),
    "collect-minerals-and-gas": (
        "CollectMineralsAndGas",
        "Collect as many minerals and as much gas as you can with workers you train.",
        420,
        (0.0, 1000.0),
        frozenset(),
    ),
    "build-marines": (
        "BuildMarines",
        "Train as many marines as you can: collect minerals, build supply depots and barracks.",
        900,
        (0.0, 100.0),
        frozenset(),
    ),
}
"""Name: pysc2's name, goal, seconds of the game, range of a step's reward, suites."""


def _simulated(name: str, row: _Row) -> Task:
    mini_game, goal, seconds, rewards, tags = row
    task_id = format_id("starcraft2", f"sim-{name}")
    return Task(
        id=task_id,
        goal=goal,
        entry_point="envsuite.families.starcraft2.env:SimulatorEnv",
        kwargs={"mini_game": mini_game},
        max_episode_steps=seconds * _SECOND,
        reward_range=rewards,
        deterministic="bitwise",
        snapshots=True,
        tags=frozenset({"discrete", "simulator", "mini-game"}) | tags,
        **references(__package__, task_id),
    )


def _played(name: str, row: _Row) -> Task:
    mini_game, goal, seconds, rewards, tags = row
    task_id = format_id("starcraft2", name)
    return Task(
        id=task_id,
        goal=goal,
        entry_point="envsuite.families.starcraft2.game_env:StarCraft2GameEnv",
        kwargs={"mini_game": mini_game},
        max_episode_steps=seconds * _SECOND,
        reward_range=rewards,
        deterministic="statistical",
        simulator="starcraft2=envsuite.families.starcraft2.install:identify",
        tags=frozenset({"discrete", "game", "mini-game"}) | (tags - {"quick", "core"}),
        **references(__package__, task_id),
    )


GAME_TASKS: tuple[Task, ...] = tuple(_played(name, row) for name, row in _ROWS.items())
"""The seven in the game itself, which few machines have: no suite of everybody's holds them."""
TASKS: tuple[Task, ...] = (
    *(_simulated(name, row) for name, row in _ROWS.items()),
    *smac_tasks(),
    *smacv2_tasks(),
    *GAME_TASKS,
)
"""Every task of the family."""
