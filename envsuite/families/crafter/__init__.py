"""The crafter family: an open world with survival, crafting and 22 achievements, on images."""

from envsuite.families.crafter.describe import EVENTS, FACTORS, METRICS
from envsuite.families.crafter.rules import ACTIONS
from envsuite.families.crafter.tasks import TASKS
from envsuite.task import Family

_BIBTEX = """\
@inproceedings{hafner2022crafter,
  title={Benchmarking the Spectrum of Agent Capabilities},
  author={Danijar Hafner},
  booktitle={International Conference on Learning Representations},
  year={2022}
}"""

_KEYS = {
    "left": "move_left",
    "right": "move_right",
    "up": "move_up",
    "down": "move_down",
    "a": "move_left",
    "d": "move_right",
    "w": "move_up",
    "s": "move_down",
    "space": "do",
    "tab": "sleep",
    "r": "place_stone",
    "t": "place_table",
    "f": "place_furnace",
    "p": "place_plant",
    "1": "make_wood_pickaxe",
    "2": "make_stone_pickaxe",
    "3": "make_iron_pickaxe",
    "4": "make_wood_sword",
    "5": "make_stone_sword",
    "6": "make_iron_sword",
}

FAMILY = Family(
    name="crafter",
    title="Crafter",
    summary="An open 64 x 64 world with foraging, crafting, monsters and nights, and 22 achievements to unlock.",
    extra="crafter",
    modules=("crafter", "numba"),
    distribution="crafter",
    tasks=TASKS,
    events=EVENTS,
    factors=FACTORS,
    metrics=METRICS,
    signals=("daylight",),
    vector="envsuite.families.crafter.vector:make_kernel",
    licence="MIT",
    homepage="https://github.com/danijar/crafter",
    bibtex=_BIBTEX,
    expert="envsuite.families.crafter.expert:make_expert",
    keys={key: ACTIONS.index(action) for key, action in _KEYS.items()},
    idle_action=ACTIONS.index("noop"),
)
