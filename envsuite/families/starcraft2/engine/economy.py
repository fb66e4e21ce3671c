"""Economy: what the simulator's other parts call of harvesting, construction and production."""

from envsuite.families.starcraft2.engine.construction import (
    build,
    cancel_building,
    halt,
    has_room,
    has_tech,
    is_building,
    may_build,
)
from envsuite.families.starcraft2.engine.harvest import bring_back, gather, leave_work
from envsuite.families.starcraft2.engine.production import (
    cancel_last,
    cancel_place,
    choose,
    queued,
    rally,
    run_structure,
    train,
)

__all__ = [
    "bring_back",
    "build",
    "cancel_building",
    "cancel_last",
    "cancel_place",
    "choose",
    "gather",
    "halt",
    "has_room",
    "has_tech",
    "is_building",
    "leave_work",
    "may_build",
    "queued",
    "rally",
    "run_structure",
    "train",
]
