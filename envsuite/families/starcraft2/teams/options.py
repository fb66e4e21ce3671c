"""Options: what agents see, what they are rewarded for and whom they fight, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envsuite.errors import unknown_name
from envsuite.families.starcraft2.engine.battle import Rules
from envsuite.families.starcraft2.engine.battles import SMAC, Battle, own_form
from envsuite.families.starcraft2.engine.layout import FOE, ME
from envsuite.families.starcraft2.engine.muster import Muster
from envsuite.families.starcraft2.engine.scenario import Scenario
from envsuite.families.starcraft2.engine.units import HEALS, MAX_SHIELD, TYPE_OF_NAME, UNIT_TYPES
from envsuite.families.starcraft2.engine.views import FIRST_TARGET, Side, widths
from envsuite.families.starcraft2.teams.random import VARIANTS, Variant

REWARDS = ("shaped", "sparse")
SIGHTS = ("pathing", "last_actions", "position", "timestep")
"""What observations may hold beside SMAC's default."""
_REACH, _SIGHT = 6.0, 9.0
_COOLDOWN = 15.0
_COOLDOWNS: Mapping[str, float] = {
    "Marine": 15.0,
    "Marauder": 25.0,
    "Medivac": 200.0,
    "Stalker": 35.0,
    "Zealot": 22.0,
    "Colossus": 24.0,
    "Hydralisk": 10.0,
    "Zergling": 11.0,
    "Baneling": 1.0,
}
"""SMAC's longest cooldowns, of a medivac the most energy."""
_LEAST_REACH = 2.0
_RANGES: Mapping[str, tuple[float, float]] = {
    "Stalker": (6.0, 10.0),
    "Zealot": (0.1, 9.0),
    "Colossus": (7.0, 10.0),
    "Zergling": (0.1, 8.0),
    "Baneling": (0.25, 8.0),
    "Hydralisk": (5.0, 9.0),
    "Marine": (5.0, 9.0),
    "Marauder": (6.0, 10.0),
    "Medivac": (4.0, 11.0),
}
"""How far a type shoots and sees where SMACv2 lets types differ."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Options:
    """What decides the spaces and the rewards of a battle."""

    scenario: Scenario
    rules: Rules
    reward: str
    sees: tuple[str, ...]
    self_play: bool
    limit: int
    """Steps of an episode."""

    @property
    def key(self) -> tuple[Any, ...]:
        """What two battles share that one snapshot fits."""
        return (self.scenario.name, self.rules.mine.agents, self.rules.theirs.agents, self.self_play)

    @property
    def units(self) -> int:
        """How many units a battle begins with."""
        return self.rules.mine.agents + self.rules.theirs.agents


def actions_of(side: Side) -> int:
    """Returns how many actions each agent of a team has."""
    return FIRST_TARGET + side.targets


def agent_space(side: Side) -> spaces.Dict:
    """Returns the space of what one agent of a team gets."""
    numbers, _ = widths(side)
    return spaces.Dict(
        {
            "observation": spaces.Box(-1.0, 1.0, (numbers,), np.float32),
            "action_mask": spaces.Box(0, 1, (actions_of(side),), np.int8),
        }
    )


def state_space(side: Side) -> spaces.Box:
    """Returns the space of a team's state; a cooldown may be above 1, since SMAC divides by less than the longest."""
    return spaces.Box(-1.0, 2.0, (widths(side)[1],), np.float32)


def central_space(side: Side) -> spaces.Dict:
    """Returns the space of what a team gets as one."""
    numbers, _ = widths(side)
    return spaces.Dict(
        {
            "observation": spaces.Box(-1.0, 1.0, (side.agents, numbers), np.float32),
            "state": state_space(side),
            "action_mask": spaces.Box(0, 1, (side.agents * actions_of(side),), np.int8),
        }
    )


def battle_of(scenario: Any) -> Battle | Variant:
    """Returns a battle by its name, or the `Variant` given; raises `UnknownName` with the nearest names."""
    if isinstance(scenario, Battle | Variant):
        return scenario
    known: dict[str, Battle | Variant] = {**SMAC, **VARIANTS}
    if scenario not in known:
        raise unknown_name("scenario", str(scenario), known)
    return known[scenario]


def checked_options(scenario: Any, reward: Any, sees: Any, self_play: bool, limit: int) -> Options:
    """Returns the options of a battle.

    Raises `UnknownName` for a name that does not exist, ValueError for a team that agents cannot steer.
    """
    battle = battle_of(scenario)
    if reward not in REWARDS:
        raise unknown_name("reward", str(reward), REWARDS)
    wanted = _checked_sees(sees)
    own, foes = _names(battle)
    if self_play:
        rigid = [name for name in foes if f"{name}_RL" not in TYPE_OF_NAME]
        if rigid:
            raise ValueError(
                f"self_play: expected a scenario whose enemies are units that SMAC gives to agents, got {battle.name} "
                f"with {', '.join(rigid)}; take another scenario, or self_play=False"
            )
    mine, theirs = _sides(battle, own, foes, wanted)
    scene = battle.scenario(passive=self_play)
    rules = Rules(
        mine=mine,
        theirs=theirs,
        duel=bool(self_play),
        fair=bool(self_play) and _are_equal(battle),
        sparse=reward == "sparse",
        limit=limit,
        camera_x=scene.camera[0],
        camera_y=scene.camera[1],
        plan=_plan(battle, passive=self_play) if isinstance(battle, Variant) else _NOBODY,
    )
    return Options(scenario=scene, rules=rules, reward=reward, sees=wanted, self_play=bool(self_play), limit=limit)


_NOBODY = Muster(
    allies=0,
    enemies=0,
    kinds=np.zeros(0, np.int64),
    foe_kinds=np.zeros(0, np.int64),
    bounds=np.zeros(0, np.float64),
    alone=np.zeros(0, np.bool_),
    surrounded=0.0,
)


def _are_equal(battle: Battle | Variant) -> bool:
    """Tells whether both teams consist of the same units."""
    if isinstance(battle, Variant):
        return battle.allies == battle.enemies
    own, foes = ([(name, count) for _, name, count in groups] for groups in (battle.allies, battle.enemies))
    return own == foes


def _plan(variant: Variant, *, passive: bool) -> Muster:
    """Returns how compiled functions draw the teams; `passive` gives enemies SMAC's form of units, too."""
    names = sorted(variant.weights, key=_rank)
    weights = np.array([variant.weights[name] for name in names], np.float64)
    bounds = np.cumsum(weights / weights.sum())
    bounds[-1] = 1.0
    own = np.array([own_form(name) for name in names], np.int64)
    return Muster(
        allies=variant.allies,
        enemies=variant.enemies,
        kinds=own,
        foe_kinds=own if passive else np.array([TYPE_OF_NAME[name] for name in names], np.int64),
        bounds=bounds,
        alone=np.array([name not in variant.not_alone for name in names], np.bool_),
        surrounded=float(variant.surrounded),
    )


def _checked_sees(sees: Any) -> tuple[str, ...]:
    wanted = (sees,) if isinstance(sees, str) else tuple(sees)
    for name in wanted:
        if name == "terrain_height":
            raise ValueError("sees: expected no 'terrain_height': the simulator's maps are flat; leave it out")
        if name not in SIGHTS:
            raise unknown_name("part of observations", str(name), SIGHTS)
    return wanted


def _names(battle: Battle | Variant) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the names of the types in either team, in the order of the bits where that is the names' own."""
    if isinstance(battle, Variant):
        return tuple(battle.weights), tuple(battle.weights)
    own = sorted({name for _, name, _ in battle.allies}, key=_rank)
    foes = sorted({name for _, name, _ in battle.enemies}, key=_rank)
    return tuple(own), tuple(foes)


def _rank(name: str) -> tuple[int, str]:
    """Returns what SMAC sorts types by."""
    return (UNIT_TYPES[own_form(name)].unit_id if f"{name}_RL" in TYPE_OF_NAME else 0, name)


def _sides(
    battle: Battle | Variant, own: Sequence[str], foes: Sequence[str], sees: tuple[str, ...]
) -> tuple[Side, Side]:
    agents, enemies = (battle.allies, battle.enemies) if isinstance(battle, Variant) else (battle.agents, battle.foes)
    varied = isinstance(battle, Variant)
    bits = max(len(own), len(foes))
    shared = {
        "bits": bits if bits > 1 else 0,
        "bit": _bits(own if len(own) >= len(foes) else foes),
        "foe_bit": _bits(own if isinstance(battle, Variant) else battle.enemy_order or own),
        "reach": _column(
            {name: max(reach, _LEAST_REACH) for name, (reach, _) in _RANGES.items()} if varied else {}, _REACH
        ),
        "sight": _column({name: sight for name, (_, sight) in _RANGES.items()} if varied else {}, _SIGHT),
        "cooldown": _column(_COOLDOWNS, _COOLDOWN),
        "pathing": "pathing" in sees,
        "last_actions": "last_actions" in sees,
        # SMACv2's agents always know where they are.
        "position": varied or "position" in sees,
        "clock": "timestep" in sees,
    }
    mine = _side(ME, 0, agents, agents, enemies, own, foes, shared)
    theirs = _side(FOE, agents, enemies, 0, agents, foes, own, shared)
    return mine, theirs


def _side(
    owner: int,
    first: int,
    count: int,
    foes_first: int,
    foes: int,
    own: Iterable[str],
    others: Iterable[str],
    shared: dict[str, Any],
) -> Side:
    heals = any(HEALS[TYPE_OF_NAME[name]] for name in own)
    return Side(
        owner=owner,
        first=first,
        agents=count,
        foes_first=foes_first,
        foes=foes,
        targets=max(foes, count if heals else 0),
        heals=heals,
        shields=any(MAX_SHIELD[TYPE_OF_NAME[name]] > 0 for name in own),
        foe_shields=any(MAX_SHIELD[TYPE_OF_NAME[name]] > 0 for name in others),
        **shared,
    )


def _forms(name: str) -> list[int]:
    return [TYPE_OF_NAME[form] for form in (name, f"{name}_RL") if form in TYPE_OF_NAME]


def _bits(names: Iterable[str]) -> NDArray[np.int64]:
    table = np.zeros(len(UNIT_TYPES), np.int64)
    for place, name in enumerate(names):
        table[_forms(name)] = place
    return table


def _column(values: Mapping[str, float], default: float) -> NDArray[np.float64]:
    table = np.full(len(UNIT_TYPES), default)
    for name, value in values.items():
        table[_forms(name)] = value
    return table
