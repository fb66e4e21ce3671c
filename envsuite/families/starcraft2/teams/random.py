"""SMACv2's random battles as data: which types a team is drawn from, how many, and how they start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from envsuite.families.starcraft2.engine.battles import SIDE, SPARE_SLOTS
from envsuite.families.starcraft2.engine.scenario import BATTLE, Scenario
from envsuite.families.starcraft2.engine.units import TYPE_OF_NAME, UNIT_TYPES

_LEAST_WEIGHT_SUM = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A kind of random battles; every episode draws its teams and places from the stream of its seed.

    Both teams are of the same types, except that a larger one has more units, drawn likewise.
    """

    name: str
    allies: int
    enemies: int
    weights: Mapping[str, float]
    """Name of a unit of the game -> how often it is drawn, in the order of the bits of types."""
    not_alone: tuple[str, ...] = ()
    """Types that no team consists of alone."""
    surrounded: float = 0.5
    """How often the enemies stand round the agents in up to four groups; otherwise the teams stand face to face."""
    limit: int = 200
    """Steps after which a battle is lost."""

    def __post_init__(self) -> None:
        known = [unit.name for unit in UNIT_TYPES if f"{unit.name}_RL" in TYPE_OF_NAME]
        unknown = [name for name in (*self.weights, *self.not_alone) if name not in known]
        if unknown or not self.weights:
            raise ValueError(f"weights: expected names of {', '.join(known)}, got {', '.join(unknown) or 'none'}")
        if min(self.weights.values()) < 0 or sum(self.weights.values()) < _LEAST_WEIGHT_SUM:
            raise ValueError(f"weights: expected numbers of at least 0, not all 0, got {dict(self.weights)}")
        if not any(weight > 0 and name not in self.not_alone for name, weight in self.weights.items()):
            raise ValueError(f"not_alone: expected a type that is drawn to be left out, got {self.not_alone}")
        for name in ("allies", "enemies", "limit"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if not 0.0 <= self.surrounded <= 1.0:
            raise ValueError(f"surrounded: expected a number from 0 to 1, got {self.surrounded}")

    def scenario(self, *, passive: bool = False) -> Scenario:
        """Returns the map: a flat field on which nobody stands yet; nobody hunts there if `passive`."""
        return Scenario(
            name=self.name,
            script=BATTLE,
            slots=self.allies + self.enemies + SPARE_SLOTS,
            size=(SIDE, SIDE),
            playable=(0.0, 0.0, float(SIDE), float(SIDE)),
            limit_loops=0,
            camera=(SIDE / 2, SIDE / 2),
            hunt=not passive,
        )


_RACES: Mapping[str, tuple[str, str, str]] = {
    "protoss": ("Stalker", "Zealot", "Colossus"),
    "terran": ("Marine", "Marauder", "Medivac"),
    "zerg": ("Zergling", "Hydralisk", "Baneling"),
}
"""In the order of SMACv2's bits; the last is drawn less often and is never alone."""
_WEIGHTS = (0.45, 0.45, 0.1)
_SIZES = ((5, 5), (10, 10), (20, 20), (10, 11), (20, 23))


def _variant(race: str, allies: int, enemies: int) -> Variant:
    names = _RACES[race]
    return Variant(
        name=f"{race}_{allies}_vs_{enemies}",
        allies=allies,
        enemies=enemies,
        weights=dict(zip(names, _WEIGHTS, strict=True)),
        not_alone=names[-1:],
    )


VARIANTS: Mapping[str, Variant] = {
    variant.name: variant for race in _RACES for variant in (_variant(race, *size) for size in _SIZES)
}
"""SMACv2's fifteen, by names such as protoss_5_vs_5."""
