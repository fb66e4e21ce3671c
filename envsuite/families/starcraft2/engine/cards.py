"""Command cards: which abilities a map leaves to its units."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.families.starcraft2.engine.abilities import ABILITIES
from envsuite.families.starcraft2.engine.compiled import inlined
from envsuite.families.starcraft2.engine.scenario import MARINES
from envsuite.families.starcraft2.engine.units import BARRACKS, COMMAND_CENTER, SCV, SUPPLY_DEPOT, UNIT_TYPES

_CUT: dict[int, tuple[str, ...]] = {
    SCV: ("Smart", "Harvest_Gather_SCV", "Harvest_Return_SCV", "Build_SupplyDepot", "Build_Barracks"),
    COMMAND_CENTER: ("Smart", "Train_SCV", "Rally_CommandCenter"),
    BARRACKS: ("Smart", "Train_Marine"),
    SUPPLY_DEPOT: (),
}
"""What BuildMarines leaves to a type, by the unit data of its map; others keep all. A right click is on no card."""

HAS = np.array([[kind in row.types for kind in range(len(UNIT_TYPES))] for row in ABILITIES], np.bool_)
"""[ability, type]: whether a type has an ability at all."""


def _kept() -> NDArray[np.bool_]:
    kept = HAS.copy()
    for kind, names in _CUT.items():
        kept[:, kind] &= np.array([row.name in names for row in ABILITIES])
    return kept


_KEPT = _kept()


@inlined
def allowed(setting: Any, row: Any, kind: Any) -> Any:
    """Tells whether a type of unit has an ability (a row of `ABILITIES`) on this map."""
    return _KEPT[row, kind] if setting.script == MARINES else HAS[row, kind]
