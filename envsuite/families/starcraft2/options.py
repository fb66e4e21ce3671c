"""Options: what an agent sees and does in a mini-game, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gymnasium import spaces

from envsuite.errors import unknown_name
from envsuite.families.starcraft2 import observations
from envsuite.families.starcraft2.describe import EVENTS, FACTORS
from envsuite.families.starcraft2.engine.scenario import MINI_GAMES, Scenario
from envsuite.families.starcraft2.functions import OF_MINI_GAME, Function, checked_functions

_BY_NAME = {scenario.name: scenario for scenario in MINI_GAMES}
_STEP_LOOPS = 8
_ECONOMY = ("CollectMineralsAndGas", "BuildMarines")
_FREE_CAMERA = "FindAndDefeatZerglings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What decides the spaces of a mini-game's environment."""

    scenario: Scenario
    observe: str
    functions: tuple[Function, ...]
    size: int
    layers: tuple[str, ...]
    minimap_layers: tuple[str, ...]
    limit: int
    """Steps of an episode."""

    @property
    def layer_numbers(self) -> tuple[int, ...]:
        """The screen's layers as numbers; none where units are observed."""
        return tuple(map(observations.SCREEN_LAYERS.index, self.layers)) if self.observe == "layers" else ()

    @property
    def minimap_layer_numbers(self) -> tuple[int, ...]:
        """The minimap's layers as numbers; none where units are observed."""
        return tuple(map(observations.MINIMAP_LAYERS.index, self.minimap_layers)) if self.observe == "layers" else ()

    @property
    def event_count(self) -> int:
        """How many events the family has."""
        return len(EVENTS)

    @property
    def factor_count(self) -> int:
        """How many factors the family has."""
        return len(FACTORS)

    def observation_space(self) -> spaces.Dict:
        """Returns the space of observations."""
        return observations.space_of(self.observe, self.functions, self.size, self.layers, self.minimap_layers)

    def action_space(self) -> spaces.MultiDiscrete:
        """Returns the space of actions."""
        return observations.action_space_of(self.functions, self.size)


def mini_game(name: str) -> Scenario:
    """Returns the scenario of a mini-game; raises `UnknownName` with the nearest names."""
    if name not in _BY_NAME:
        raise unknown_name("mini-game", name, _BY_NAME)
    return _BY_NAME[name]


def checked_options(
    name: str,
    observe: Any,
    functions: Any,
    size: Any,
    layers: Any,
    minimap_layers: Any,
    limit: int,
) -> Options:
    """Returns the options of a mini-game; None takes the mini-game's own functions and layers.

    Raises `UnknownName` for names that do not exist, ValueError for a size out of range or names given twice.
    """
    scenario = mini_game(name)
    if layers is None:
        layers = observations.ECONOMY_LAYERS if name in _ECONOMY else observations.DEFAULT_LAYERS
    if minimap_layers is None:
        # Where the camera is locked the minimap shows what the screen does.
        minimap_layers = observations.DEFAULT_MINIMAP_LAYERS if name == _FREE_CAMERA else ()
    return Options(
        scenario=scenario,
        observe=observations.checked_observe(observe),
        functions=checked_functions(OF_MINI_GAME[name] if functions is None else tuple(functions)),
        size=observations.checked_size(size),
        layers=observations.checked_layers(tuple(layers), observations.SCREEN_LAYERS, "screen layer"),
        minimap_layers=observations.checked_layers(tuple(minimap_layers), observations.MINIMAP_LAYERS, "minimap layer"),
        limit=limit,
    )
