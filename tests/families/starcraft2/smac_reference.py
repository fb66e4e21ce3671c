"""SMAC's formulas once more, in plain numpy on the records of a battle, and makers of battles for tests."""

import numpy as np

from envsuite.families.starcraft2 import FAMILY
from envsuite.families.starcraft2.engine.battles import SMAC
from envsuite.families.starcraft2.engine.units import UNIT_TYPES
from envsuite.families.starcraft2.teams.central import BattleEnv
from envsuite.families.starcraft2.teams.parallel import BattleParallelEnv
from envsuite.families.starcraft2.teams.tasks import smac_tasks, smacv2_tasks

TASKS = {task.kwargs["scenario"]: task for task in (*smac_tasks(), *smacv2_tasks())}
SHOOT, SEE = 6, 9
COOLDOWN = {"Marine": 15, "Marauder": 25, "Medivac": 200, "Stalker": 35, "Zealot": 22, "Colossus": 24}
BITS = {
    "2s3z": (["Stalker", "Zealot"], ["Zealot", "Stalker"]),
    "MMM2": (["Marauder", "Marine", "Medivac"], ["Marauder", "Marine", "Medivac"]),
}

SHIELDS = {
    "3m": (False, False),
    "MMM2": (False, False),
    "2s3z": (True, True),
    "3s_vs_5z": (True, True),
    "corridor": (True, False),
    "2c_vs_64zg": (True, False),
}
"""Whether allies and enemies are protoss."""


def make(name, **options):
    return BattleEnv(task=TASKS[name], family=FAMILY, scenario=name, **options)


def make_parallel(name, **options):
    return BattleParallelEnv(task=TASKS[name], family=FAMILY, scenario=name, **options)


class Unit:
    def __init__(self, record):
        self.alive = record["type"] != 0
        self.type = UNIT_TYPES[record["type"]]
        self.name = self.type.name.removesuffix("_RL")
        self.x, self.y = float(record["x"]), float(record["y"])
        self.health, self.shield = float(record["health"]), float(record["shield"])
        self.energy, self.cooldown = float(record["energy"]), max(float(record["cooldown"]), 0.0)

    def gap(self, other):
        return float(np.hypot(other.x - self.x, other.y - self.y))


def teams(env):
    battle = SMAC[env.options.scenario.name]
    units = [Unit(record) for record in env._fights.games.batch.units[0]]
    return units[: battle.agents], units[battle.agents : battle.agents + battle.foes]


def mask_of(env, agent):
    allies, enemies = teams(env)
    unit = allies[agent]
    mask = np.zeros(6 + len(enemies), np.int8)
    if not unit.alive:
        mask[0] = 1
        return mask
    mask[1] = 1
    ground = env.options.scenario.setting().cliffs == 0
    for action, (dx, dy) in enumerate([(0, 1), (0, -1), (1, 0), (-1, 0)], start=2):
        x, y = int(unit.x + dx), int(unit.y + dy)
        mask[action] = 0 <= x < 32 and 0 <= y < 32 and ground[x, y]
    for index, other in enumerate(allies if unit.name == "Medivac" else enemies):
        barred = unit.name == "Medivac" and other.name == "Medivac"
        if other.alive and not barred and unit.gap(other) <= SHOOT:
            mask[6 + index] = 1
    return mask


def observation_of(env, agent):
    allies, enemies = teams(env)
    unit, mask = allies[agent], mask_of(env, agent)
    own_bits, foe_bits = BITS.get(env.options.scenario.name, ([], []))
    own_shield, foe_shield = SHIELDS[env.options.scenario.name]
    parts = [mask[2:6].astype(float)]
    for index, other in enumerate(enemies):
        parts.append(_seen(unit, other, mask[6 + index], foe_shield, foe_bits))
    for index, other in enumerate(allies):
        if index != agent:
            parts.append(_seen(unit, other, 1.0, own_shield, own_bits))
    own = [unit.health / unit.type.health] if unit.alive else [0.0]
    if own_shield:
        own.append(unit.shield / unit.type.shield if unit.alive else 0.0)
    own += [float(unit.alive and unit.name == name) for name in own_bits]
    result = np.concatenate([*parts, own])
    return result if unit.alive else np.zeros_like(result)


def _seen(unit, other, first, shield, bits):
    width = 5 + shield + len(bits)
    if not (unit.alive and other.alive and unit.gap(other) < SEE):
        return np.zeros(width)
    numbers = [first, unit.gap(other) / SEE, (other.x - unit.x) / SEE, (other.y - unit.y) / SEE]
    numbers.append(other.health / other.type.health)
    if shield:
        numbers.append(other.shield / other.type.shield)
    return np.array([*numbers, *(float(other.name == name) for name in bits)])


def state_of(env, last_actions):
    allies, enemies = teams(env)
    own_bits, foe_bits = BITS.get(env.options.scenario.name, ([], []))
    own_shield, foe_shield = SHIELDS[env.options.scenario.name]
    rows = []
    for unit in allies:
        wait = unit.energy if unit.name == "Medivac" else unit.cooldown
        numbers = [unit.health / unit.type.health, wait / COOLDOWN.get(unit.name, 15)]
        rows.append(_placed(unit, numbers, own_shield, own_bits))
    for unit in enemies:
        numbers = [unit.health / unit.type.health]
        rows.append(_placed(unit, numbers, foe_shield, foe_bits))
    one_hot = np.zeros((len(allies), 6 + len(enemies)))
    for agent, action in enumerate(last_actions):
        if action is not None:
            one_hot[agent, action] = 1
    return np.concatenate([*rows, one_hot.ravel()])


def _placed(unit, numbers, shield, bits):
    if not unit.alive:
        return np.zeros(len(numbers) + 2 + shield + len(bits))
    numbers = [*numbers, (unit.x - 16) / 32, (unit.y - 16) / 32]
    if shield:
        numbers.append(unit.shield / unit.type.shield)
    return np.array([*numbers, *(float(unit.name == name) for name in bits)])


class Rewards:
    """SMAC's shaped reward, step by step."""

    def __init__(self, env):
        self.env = env
        _, enemies = teams(env)
        self.best = 10 * len(enemies) + 200 + sum(unit.type.health + unit.type.shield for unit in enemies)
        self.before = [unit.health + unit.shield for unit in enemies]

    def step(self, won):
        _, enemies = teams(self.env)
        total = 0.0
        for index, unit in enumerate(enemies):
            now = unit.health + unit.shield if unit.alive else 0.0
            if self.before[index] > 0:
                total += self.before[index] - now + (10 if not unit.alive else 0)
            self.before[index] = now
        return (abs(total) + 200 * won) / (self.best / 20)


def legal(rng, mask, count):
    masks = np.asarray(mask).reshape(count, -1)
    return np.array([rng.choice(np.flatnonzero(row)) for row in masks])
