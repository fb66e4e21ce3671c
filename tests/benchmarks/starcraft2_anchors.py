"""How the simulator's scores lie beside published ones of the game: writes docs/reference/starcraft2-calibration.md.

    python tests/benchmarks/starcraft2_anchors.py --write docs/reference/starcraft2-calibration.md

100 episodes of every agent; intervals are the mean and 1.96 standard errors.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import envsuite
from envsuite.agent import RandomAgent
from envsuite.families.starcraft2.economy_expert import build_marines_policy, collect_minerals_and_gas_policy
from envsuite.families.starcraft2.engine.games import Games
from envsuite.families.starcraft2.engine.layout import FOE, ME
from envsuite.families.starcraft2.expert import make_expert
from envsuite.families.starcraft2.options import mini_game

EPISODES = 100
STEP_LOOPS = 8
ATTACK = 3674


class Anchor(NamedTuple):
    """A score that was published of the game."""

    what: str
    published: str
    low: float
    high: float
    source: str
    used: bool
    """Whether a constant was chosen by it."""
    play: Callable[[int], float]
    """Seed -> score of an episode on the simulator."""


def agent(name: str, make: Callable[[Any], Any]) -> Callable[[int], float]:
    """Returns what plays an episode of a mini-game's task with an agent."""
    env = envsuite.make_env(f"envsuite/starcraft2-sim-{name}-v1")
    player = make(env.task_info())

    def play(seed: int) -> float:
        observation, _ = env.reset(seed=seed)
        player.reset(seed)
        total, over = 0.0, False
        while not over:
            observation, reward, terminated, truncated, _ = env.step(player.act(observation))
            total, over = total + reward, terminated or truncated
        return total

    return play


def policy(name: str, act: Callable[[Games, int], None]) -> Callable[[int], float]:
    """Returns what plays an episode of a mini-game by commands to its units."""
    games = Games(1, mini_game(name))

    def play(seed: int) -> float:
        games.seed(0, seed)
        games.reset(0)
        while not games.batch.state[0, 0]["ended"]:
            act(games, 0)
            games.step(0, STEP_LOOPS)
        return float(games.batch.state[0, 0]["score"])

    return play


def attack_the_middle(games: Games, row: int) -> None:
    """Sends all units to attack the middle of the enemy."""
    units = games.units(row)
    enemies = units[units["owner"] == FOE]
    tags = [int(tag) for tag in units["tag"][units["owner"] == ME]]
    games.command(row, ME, tags, ATTACK, point=(float(enemies["x"].mean()), float(enemies["y"].mean())))


def anchors() -> list[Anchor]:
    """Returns every anchor, with what plays it."""
    scripted, random = "a script that sees the layers, by pysc2's rule", "a random agent"
    return [
        Anchor(
            f"MoveToBeacon, {scripted}",
            "25 to 28",
            25,
            28,
            "pysc2's agent, READMEs",
            False,
            agent("move-to-beacon", make_expert),
        ),
        Anchor(f"MoveToBeacon, {random}", "about 1", 0.5, 1.5, "SC2LE", False, agent("move-to-beacon", RandomAgent)),
        Anchor(
            f"CollectMineralShards, {random}",
            "17",
            17,
            17,
            "SC2LE",
            False,
            agent("collect-mineral-shards", RandomAgent),
        ),
        Anchor(
            f"FindAndDefeatZerglings, {random}",
            "4",
            4,
            4,
            "SC2LE",
            False,
            agent("find-and-defeat-zerglings", RandomAgent),
        ),
        Anchor(
            f"DefeatRoaches, {scripted}",
            "97",
            97,
            97,
            "pysc2's agent, a README",
            True,
            agent("defeat-roaches", make_expert),
        ),
        Anchor(
            "DefeatRoaches, all attack the middle of the enemy",
            "29",
            29,
            29,
            "a README",
            False,
            policy("DefeatRoaches", attack_the_middle),
        ),
        Anchor(
            f"DefeatRoaches, {random}", "1 to 2", 1, 2, "SC2LE, a README", False, agent("defeat-roaches", RandomAgent)
        ),
        Anchor(
            f"DefeatZerglingsAndBanelings, {random}",
            "23",
            23,
            23,
            "SC2LE",
            False,
            agent("defeat-zerglings-and-banelings", RandomAgent),
        ),
        Anchor(
            "CollectMineralsAndGas, rules",
            "4802 to 7566",
            4802,
            7566,
            "a rule-based agent and a grandmaster",
            True,
            policy("CollectMineralsAndGas", collect_minerals_and_gas_policy),
        ),
        Anchor(
            "BuildMarines, rules",
            "127 to 142",
            127,
            142,
            "a rule-based agent and DeepMind's best game",
            True,
            policy("BuildMarines", build_marines_policy),
        ),
    ]


def main() -> None:
    """Plays everything and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, required=True)
    parser.add_argument("--episodes", type=int, default=EPISODES)
    arguments = parser.parse_args()
    rows = []
    for anchor in anchors():
        scores = [anchor.play(seed) for seed in range(arguments.episodes)]
        mean, half = float(np.mean(scores)), float(1.96 * np.std(scores, ddof=1) / np.sqrt(len(scores)))
        meets = mean - half <= anchor.high and mean + half >= anchor.low
        cells = (
            *(anchor.what, anchor.published, anchor.source, "yes" if anchor.used else "no"),
            *(f"{mean:.1f} ± {half:.1f}", "yes" if meets else "**no**"),
        )
        rows.append("| " + " | ".join(cells) + " |")
        print(rows[-1], flush=True)
    arguments.write.write_text(_PAGE.format(episodes=arguments.episodes, rows="\n".join(rows)))


_PAGE = """\
<!-- Written by tests/benchmarks/starcraft2_anchors.py; do not edit. -->
# How far the simulator is from the game

Scores that were published of the game, and what the same kind of agent scores on the simulator: mean and 1.96 standard
errors of {episodes} episodes (`python tests/benchmarks/starcraft2_anchors.py --write FILE`). An anchor is met where the
interval and the published range overlap. "Chosen by it" tells whether a constant of `engine/calibration.py` was.
Published random agents draw from all of pysc2's functions with all their arguments; ours from those that a task offers,
so that only its order of magnitude compares.

| mini-game, agent | published | source | chosen by it | the simulator | met |
| --- | --- | --- | --- | --- | --- |
{rows}
"""

if __name__ == "__main__":
    main()
